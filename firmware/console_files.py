# SPDX-License-Identifier: Apache-2.0
"""What was written down: log, audit, export. Secrets come as ***."""

import json

from tocsin.config.redaction import hide, redact, secrets_of
from tocsin.config.secret import is_secret

_FILES = {"log": ("log.txt", 2), "audit": ("audit.log", 4), "records": ("records.jsonl", 4)}


def do_log(desk, words, rest):
    """The newest lines."""
    secrets = yield from _secrets(desk.app.config)
    lines = desk.app.log.lines()
    for line in lines[-_count(words, 20):]:
        yield hide(line, secrets)
    if not lines:
        yield "nothing yet"


def do_audit(desk, words, rest):
    """The newest entries, and whether the chain holds."""
    from firmware.console_text import moment

    for entry in desk.audit.newest(_count(words, 10)):
        if entry is None:
            yield None
            continue
        when = moment(entry["utc_s"]) if entry["utc_s"] else "boot %d + %d s" % (
            entry["boot"], entry["up_s"])
        yield "%d  %s  %s  %s %s: %s -> %s" % (
            entry["n"], when, entry["who"], entry["what"], entry["path"],
            json.dumps(entry["old"]), json.dumps(entry["new"]))
    yield from desk.audit.verify()


def _secrets(config: dict):
    """Generator: `secrets_of` a configuration. Keys recur in every alarm: each is looked at once,
    and values only where one is a secret's."""
    known = {}
    for part in config:
        _keys(config[part], known)
    yield None
    if not any(is_secret(key) for key in known) and not any(is_secret(key) for key in config):
        return []
    secrets = secrets_of(config)
    yield None
    return secrets


def _keys(value, known: dict) -> None:
    """Every key in a JSON value."""
    if isinstance(value, dict):
        for key in value:
            known[key] = True
            _keys(value[key], known)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            _keys(entry, known)


def _count(words: list, default: int) -> int:
    if not words:
        return default
    if not words[0].isdigit() or not 1 <= int(words[0]) <= 1000:
        raise ValueError("%s: write a number of lines, 1 .. 1000" % words[0])
    return int(words[0])


def do_export(desk, words, rest):
    """A file, oldest line first."""
    store = desk.app.store
    if not words:
        yield "export what? config, " + ", ".join(sorted(_FILES))
        return
    if words[0] == "config":
        from firmware.saved import load

        raw = load(store)
        yield None
        yield json.dumps(redact(raw))
        return
    if words[0] not in _FILES:
        raise ValueError("export %s: there is config, %s" % (words[0], ", ".join(sorted(_FILES))))
    name, files = _FILES[words[0]]
    secrets = yield from _secrets(desk.app.config)
    for i in range(files - 1, -1, -1):
        file = store.open(name if i == 0 else "%s.%d" % (name, i))
        if file is None:
            continue
        try:
            while True:
                line = file.readline()
                if not line:
                    break
                yield hide(_text(line).rstrip("\n"), secrets)
        finally:
            file.close()


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeError:
        return "(a damaged line)"
