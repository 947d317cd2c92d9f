# SPDX-License-Identifier: Apache-2.0
"""The alarms as they are now."""

from firmware.console_text import span, table
from firmware.console_units import Units
from tocsin.monitor.alarm import STATE_NAMES


def do_alarms(desk, words, rest):
    """A table of alarms."""
    app = desk.app
    found = Units(app)
    yield None
    rows = [("alarm", "state", "value", "limit", "least", "greatest", "unit", "for", "notes")]
    for name in sorted(app.alarms):
        alarm, rule = app.alarms[name], app.config["alarms"][name]
        seen = alarm.extremes
        limit = rule["limit"]
        since = ""
        if alarm.state:
            began = alarm.excursion().since_ms
            since = span(app.clock.diff(app.clock.ticks_ms(), began) // 1000)
        rows.append((
            name, STATE_NAMES[alarm.state], _value(alarm, alarm.value),
            "-" if limit is None else "%s %s" % (">=" if rule["side"] == "high" else "<=", limit),
            _value(alarm, seen.low), _value(alarm, seen.high), found.get(rule["source"]),
            since, _notes(alarm)))
        yield None
    if len(rows) == 1:
        yield "no alarms"
        return
    yield from table(rows)


def _value(alarm, value: int) -> str:
    return "%s" % round(alarm.physical(value), 2) if alarm.extremes.count else "-"


def _notes(alarm) -> str:
    notes = []
    for name in ("latched", "acknowledged", "suppressed", "sensor_fault", "data_missing"):
        if getattr(alarm, name):
            notes.append(name.replace("_", " "))
    return ", ".join(notes)
