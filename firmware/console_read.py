# SPDX-License-Identifier: Apache-2.0
"""What is kept: show, log, audit, export. Secrets come as ***."""

import json

from firmware.changes import load
from firmware.console_text import moment
from tocsin.config.redaction import hide, redact, secrets_of

_FILES = {"log": ("log.txt", 2), "audit": ("audit.log", 4), "records": ("records.jsonl", 4)}


def do_show(desk, words, rest):
    """The configuration as saved, and what of it waits for a reset."""
    from firmware.console_units import Units
    from tocsin.config.edit import get_value

    _, full = load(desk.app.store)
    known = Units(desk.app)
    yield None
    if not words:
        for key in sorted(full):
            yield _line(key, redact(full[key]), "")
        return
    path = words[0]
    value, unit = get_value(full, path, known)
    yield None
    if not isinstance(value, dict):
        yield _line(path, redact(value), unit) + _waiting(desk.app.config, path, value)
        return
    for key in sorted(value):
        own, unit = get_value(full, path + "." + key, known)
        yield _line(path + "." + key, redact(own), unit) + _waiting(
            desk.app.config, path + "." + key, own)


def _line(path: str, value, unit: str) -> str:
    if isinstance(value, dict):
        return "%s: %s" % (path, ", ".join(sorted(value)) or "none")
    return ("%s = %s %s" % (path, json.dumps(value), unit if value is not None else "")).rstrip()


def _waiting(running: dict, path: str, saved) -> str:
    """A mark where the app still runs on another value."""
    for part in path.split("."):
        if not isinstance(running, dict) or part not in running:
            return "  (after a reset)"
        running = running[part]
    if isinstance(saved, dict) or saved == running or saved == "***":
        return ""
    return "  (after a reset)"


def do_log(desk, words, rest):
    """The newest lines."""
    secrets = secrets_of(desk.app.config)
    yield None
    lines = desk.app.log.lines()
    for line in lines[-_count(words, 20):]:
        yield hide(line, secrets)
    if not lines:
        yield "nothing yet"


def do_audit(desk, words, rest):
    """The newest entries, and whether the chain holds."""
    most = _count(words, 10)
    kept = []
    for entry in desk.audit.entries():
        kept.append(entry)
        if len(kept) > most:
            kept.pop(0)
        yield None
    for entry in kept:
        when = moment(entry["utc_s"]) if entry["utc_s"] else "boot %d + %d s" % (
            entry["boot"], entry["up_s"])
        yield "%d  %s  %s  %s %s: %s -> %s" % (
            entry["n"], when, entry["who"], entry["what"], entry["path"],
            json.dumps(entry["old"]), json.dumps(entry["new"]))
    yield from desk.audit.verify()


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
        raw, _ = load(store)
        yield None
        yield json.dumps(redact(raw))
        return
    if words[0] not in _FILES:
        raise ValueError("export %s: there is config, %s" % (words[0], ", ".join(sorted(_FILES))))
    name, files = _FILES[words[0]]
    secrets = secrets_of(desk.app.config)
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
