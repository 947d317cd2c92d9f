# SPDX-License-Identifier: Apache-2.0
"""Change /config.json as a person asks: first into the audit log, then saved whole, then in force.

Generators yield None where other tasks may run. A power cut or Ctrl-C leaves the old or the new
configuration; one that the audit log does not expect is noticed when it is opened again.
"""

import json

from firmware import config as configuration
from firmware.saved import ChangeError, digest, trust

try:
    from micropython import kbd_intr
except ImportError:
    kbd_intr = None

_CTRL_C = 3


def claim(audit):
    """Generator: wait until nobody else changes the configuration; the caller sets `audit.busy`
    to False when it is done."""
    while audit.busy:
        yield None
    audit.busy = True


def save(app, audit, change: tuple, raw: dict):
    """Generator: log and save a valid configuration; change: (who, what, path, old, new).

    Raises ChangeError, and then the old one stays. What `later` does is left to do. Between
    reading the old one and here nobody else may have changed it: see `claim`.
    """
    text = json.dumps(raw).encode()
    if len(text) > configuration.LIMIT:
        raise ChangeError("the configuration would pass 16 KB; shorten it")
    new_digest = digest(text)
    yield None
    try:
        if kbd_intr is not None:
            kbd_intr(-1)
        if not audit.append(*change, new_digest):
            raise ChangeError("the audit log can't be written (flash full?); nothing changed")
        try:
            yield None
        finally:   # what is in the log shall be saved, also when nobody waits for it any more
            saved = _replace(app.store, text)
        if not saved:
            who, what, path, old, new = change
            kept = app.store.read(configuration.NEWEST, configuration.LIMIT) or b""
            audit.add(who, what + " failed", path, new, old, digest(kept))
            raise ChangeError("config.json can't be written (flash full?); nothing changed")
        trust(new_digest)
    finally:
        if kbd_intr is not None:
            kbd_intr(_CTRL_C)


def _replace(store, text: bytes) -> bool:
    try:
        return store.replace(configuration.NEWEST, text)
    except MemoryError:
        return False


def later(app, audit, change: tuple, raw: dict):
    """What may be done after the answer; make it directly after `save`, with the same arguments.

    Without it the change counts all the same: the next boot checks a configuration that was not
    kept complete, and the audit log holds what no record tells.
    """
    number, head = audit.number, audit.head
    return _later(app, audit, change, raw, number, head)


def _later(app, audit, change, raw, number, head):
    who, what, path, old, new = change
    audit.settle()
    yield None
    app.records.send("audit", None, {
        "n": number, "who": who, "what": what, "path": path, "old": old, "new": new,
        "head": head}, None)
    yield None
    if audit.head != head:
        return   # a newer change keeps its own
    text = json.dumps(raw).encode()
    if audit.config != digest(text):
        return
    yield None
    full = {}
    yield from _complete(raw, full)
    data = configuration.kept(text, full)
    yield None
    app.store.replace(configuration.ACCEPTED, data)


def _complete(raw: dict, full: dict):
    """Generator: `tocsin.config.defaults.complete` in steps, of an alarm or a pipeline each."""
    from tocsin.config.defaults import fill
    from tocsin.config.schema import SCHEMA, inner

    fields = SCHEMA[1]
    for key in fields:
        spec = inner(fields[key][0])
        value = raw.get(key, fields[key][1] if len(fields[key]) > 1 else None)
        if spec[0] == "map" and value:
            full[key] = {}
            for name in value:
                full[key][name] = fill(spec[1], value[name])
                yield None
        else:
            full[key] = fill(fields[key][0], value)
            yield None


def open_audit(app):
    """The audit log, told of a configuration that came by another way than through it."""
    if app.audit is None:
        from firmware.audit import Audit

        app.audit = Audit(app.store, app.clock)
        text = app.store.read(configuration.NEWEST, configuration.LIMIT)
        if text is not None:
            app.audit.notice(digest(text))
    return app.audit
