# SPDX-License-Identifier: Apache-2.0
"""The configuration as saved, and what of it waits for a reset. Secrets come as ***."""

import json

from firmware.saved import load


def do_show(desk, words, rest):
    """What there is, or the values at a path with their units."""
    raw = load(desk.app.store)
    yield None
    if not words:
        for key in sorted(raw):
            yield "%s: %s" % (key, _names(raw[key]))
        return
    from firmware.console_units import Units
    from tocsin.config.edit import get_value

    path, known = words[0], Units(desk.app)
    value, unit = get_value(raw, path, known)
    yield None
    if not isinstance(value, dict):
        yield _line(path, value, unit) + _waiting(desk.app.config, path, value)
        return
    for key in sorted(value):
        below = path + "." + key
        own, unit = get_value(raw, below, known)
        yield _line(below, own, unit) + _waiting(desk.app.config, below, own)


def _names(value) -> str:
    """What a section holds."""
    if isinstance(value, dict):
        return ", ".join(sorted(value)) or "none"
    return "%d" % (len(value) if isinstance(value, list) else value)


def _line(path: str, value, unit: str) -> str:
    if isinstance(value, dict):
        return "%s: %s" % (path, _names(value))
    if isinstance(value, (list, str)):
        from tocsin.config.redaction import redact

        value = redact(value)
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
