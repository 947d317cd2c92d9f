# SPDX-License-Identifier: Apache-2.0
"""Change one value: checked, logged, saved, then in force."""

import json
import sys

from firmware.changes import claim, later, save
from firmware.console_units import Units
from firmware.saved import load
from tocsin.config.edit import set_value


def do_set(desk, words, rest):
    """One value by its path."""
    if len(words) < 2:
        raise ValueError("write a path and a value: set alarms.temp_high.limit 8.0")
    app, path, audit = desk.app, words[0], desk.audit
    text = rest[len(path):].strip()
    yield from claim(audit)
    try:
        raw = load(app.store)
        yield None
        if path[:10] == "pipelines." and "tocsin.config.sections" not in sys.modules:
            __import__("tocsin.config.sections")   # the check needs it; a step of its own
            yield None
        old, new, unit = set_value(raw, path, text, Units(app))
        yield None
        live = _prepare(app, path, raw)
        change = (desk.who, "set", path, old, new)
        yield None
        yield from save(app, audit, change, raw)
        if live is not None:
            _adopt(app, live)
        desk.put_off(later(app, audit, change, raw))
    finally:
        audit.busy = False
    yield "%s: %s -> %s, %s" % (path, _shown(old, unit), _shown(new, unit),
                                "in force now" if live else "in force after a reset (reboot yes)")


def _shown(value, unit: str) -> str:
    return ("%s %s" % (json.dumps(value), unit if value is not None else "")).rstrip()


def _prepare(app, path: str, raw: dict):
    """(alarm, its new form, its rule) when the change can be in force at once, else None."""
    from tocsin.monitor.retune import LIVE, prepare

    parts = path.split(".")
    if len(parts) != 3 or parts[0] != "alarms" or parts[2] not in LIVE:
        return None
    alarm, rule = app.alarms.get(parts[1]), raw["alarms"][parts[1]]
    running = app.config["alarms"].get(parts[1])
    if alarm is None or running is None or running["source"] != rule["source"] \
            or running["side"] != rule["side"]:
        return None
    pipeline, value = rule["source"].split(".", 1)
    if value not in app.pipelines[pipeline].values.names:
        return None   # the alarm could not be armed: its sensor is watched instead
    now = dict(running)
    now[parts[2]] = rule[parts[2]]
    return alarm, prepare(alarm, now), now


def _adopt(app, live: tuple) -> None:
    from tocsin.monitor.retune import adopt

    alarm, fresh, rule = live
    adopt(alarm, fresh)
    app.config["alarms"][alarm.name] = rule
    app.outputs.update()
