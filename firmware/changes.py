# SPDX-License-Identifier: Apache-2.0
"""Change /config.json as a person asks: first into the audit log, then saved whole, then in force.

Generators yield None where other tasks may run. A power cut or Ctrl-C leaves the old or the new
configuration; one that the audit log does not expect is noticed when it is opened again.
"""

import json

from firmware import config as configuration
from firmware.audit import digest

try:
    from micropython import kbd_intr
except ImportError:
    kbd_intr = None

_CTRL_C = 3

class ChangeError(ValueError):
    """A change that was not made; one line that says what to do."""


def load(store) -> tuple:
    """(configuration as deployed, the same completed). Raises ChangeError."""
    text = store.read(configuration.NEWEST, configuration.LIMIT)
    if text is None:
        raise ChangeError("/config.json is missing; push one with: tocsin config push")
    source, full = configuration.accepted(store)
    if full is not None and source == configuration.digest(text):
        return json.loads(text), full
    from tocsin.config.defaults import complete

    raw = check(text)
    return raw, complete(raw)


def check(text: bytes) -> dict:
    """A configuration out of foreign bytes. Raises ChangeError with its first problem."""
    from tocsin.config.strict import ConfigError, loads

    try:
        raw = loads(text)
    except ConfigError as error:
        raise ChangeError("not a configuration: " + error.problems[0])
    refuse_invalid(raw)
    return raw


def refuse_invalid(config) -> None:
    """Raises ChangeError with the first problem of a configuration."""
    from tocsin.config.schema import validate

    problems = validate(config)
    if problems:
        raise ChangeError(problems[0])


def put(raw: dict, full: dict, path: str) -> None:
    """Take the value at a dotted path over from the completed configuration."""
    from tocsin.config.defaults import copy

    parts = path.split(".")
    for part in parts[:-1]:
        full = full[part]
        if raw.get(part) is None:
            raw[part] = copy(full)
        raw = raw[part]
    raw[parts[-1]] = copy(full[parts[-1]])


def save(app, audit, change: tuple, raw: dict, full: dict):
    """Generator: log and save a valid configuration; change: (who, what, path, old, new).

    Raises ChangeError, and then the old one stays.
    """
    while audit.busy:
        yield None
    audit.busy = True
    try:
        if kbd_intr is not None:
            kbd_intr(-1)
        text = json.dumps(raw).encode()
        if len(text) > configuration.LIMIT:
            raise ChangeError("the configuration would pass 16 KB; shorten it")
        yield None
        if not audit.add(*change, digest(text)):
            raise ChangeError("the audit log can't be written (flash full?); nothing changed")
        yield None
        if not app.store.replace(configuration.NEWEST, text):
            who, what, path, old, new = change
            kept = app.store.read(configuration.NEWEST, configuration.LIMIT) or b""
            audit.add(who, what + " failed", path, new, old, digest(kept))
            raise ChangeError("config.json can't be written (flash full?); nothing changed")
        yield None
        configuration.accept(app.store, text, full)
    finally:
        if kbd_intr is not None:
            kbd_intr(_CTRL_C)
        audit.busy = False
    who, what, path, old, new = change
    app.records.send("audit", None, {
        "n": audit.number, "who": who, "what": what, "path": path, "old": old, "new": new,
        "head": audit.head}, None)


def open_audit(app):
    """The audit log, told of a configuration that came by another way than through it."""
    if app.audit is None:
        from firmware.audit import Audit

        app.audit = Audit(app.store, app.clock)
        text = app.store.read(configuration.NEWEST, configuration.LIMIT)
        if text is not None:
            app.audit.notice(digest(text))
    return app.audit
