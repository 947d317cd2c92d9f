# SPDX-License-Identifier: Apache-2.0
"""What a person changes: set, calibrate, learn, push. Checked, logged, saved, then in force."""

import binascii
import json

from firmware.changes import digest, load, put, refuse_invalid, save
from tocsin.config.edit import set_value, typed_number
from tocsin.config.redaction import restore

_CONFIG_BYTES = 16384
_LARGEST_SHARE = 0.1


def do_set(desk, words, rest):
    """One value by its path."""
    if len(words) < 2:
        raise ValueError("write a path and a value: set alarms.temp_high.limit 8.0")
    from firmware.console_units import Units

    app, path = desk.app, words[0]
    text = rest[len(path):].strip()
    raw, full = load(app.store)
    yield None
    old, new, unit = set_value(full, path, text, Units(app))
    yield None
    live = _prepare(app, path, full)
    put(raw, full, path)
    yield from save(app, desk.audit, (desk.who, "set", path, old, new), raw, full)
    if live is not None:
        _adopt(app, path, full, live)
    yield "%s: %s -> %s, %s" % (path, _shown(old, unit), _shown(new, unit),
                                "in force now" if live else "in force after a reset (reboot yes)")


def _shown(value, unit: str) -> str:
    return ("%s %s" % (json.dumps(value), unit if value is not None else "")).rstrip()


def _prepare(app, path: str, full: dict):
    """(alarm, its new form) when a change of this path can be in force at once, else None."""
    from tocsin.monitor.retune import LIVE, prepare

    parts = path.split(".")
    if len(parts) != 3 or parts[0] != "alarms" or parts[2] not in LIVE:
        return None
    alarm, rule = app.alarms.get(parts[1]), full["alarms"][parts[1]]
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


def _adopt(app, path: str, full: dict, live: tuple) -> None:
    from tocsin.monitor.retune import adopt

    alarm, fresh, rule = live
    adopt(alarm, fresh)
    app.config["alarms"][alarm.name] = rule
    app.outputs.update()


def do_calibrate(desk, words, rest):
    """The offset of a channel: reference minus reading without calibration."""
    if len(words) < 2:
        raise ValueError("write a channel and what the reference says more: calibrate t1 0.3")
    from firmware.calibration import offset_of
    from firmware.console_text import date, unit

    app = desk.app
    pipeline, i = _channel(app, words[0])
    channel = app.samplers[pipeline.name].driver.channels[i]
    name, own = channel["name"], unit(channel["unit"])
    offset = typed_number(rest[len(words[0]):].strip(), own, name)
    if abs(offset) > 65536 * abs(channel["scale"]) * _LARGEST_SHARE:
        raise ValueError("%s %s is more than a calibration; look at the sensor" % (offset, own))
    raw, full = load(app.store)
    yield None
    for config in (full, raw):
        sensor = config["pipelines"][pipeline.name]["sensor"]
        before = offset_of(sensor.get("calibration"), name)
        entries = dict(sensor.get("calibration") or {})
        entries[name] = {"offset": offset, "date": date(app.clock.utc_s())}
        sensor["calibration"] = entries
    refuse_invalid(full)
    yield None
    path = "pipelines.%s.sensor.calibration.%s" % (pipeline.name, name)
    live = _shifted(app, pipeline, i, offset)
    yield from save(app, desk.audit, (desk.who, "calibrate", path, before, offset), raw, full)
    _shift(app, pipeline, i, live, full)
    section = app.config["pipelines"][pipeline.name]["cold_chain"]
    where = "" if section is None else "; door, defrost and MKT after a reset"
    yield "%s.%s: offset %s -> %s %s, %s, in force now%s" % (
        pipeline.name, name, before, offset, own, date(app.clock.utc_s()), where)


def _channel(app, name: str) -> tuple:
    """(pipeline, index) of CHANNEL or PIPELINE.CHANNEL."""
    found, known = [], []
    for key in sorted(app.pipelines):
        channels = app.samplers[key].driver.channels
        for i in range(len(channels)):
            own = channels[i]["name"]
            known.append(key + "." + own)
            if name in (own, known[-1]):
                found.append((app.pipelines[key], i))
    if len(found) != 1:
        raise ValueError("%s channel %s; there are: %s" % (
            "more than one" if found else "no", name, ", ".join(known)))
    return found[0]


def _shifted(app, pipeline, i: int, offset: float) -> tuple:
    """(new offset of the values, alarms in their new form). Raises AlarmError."""
    from firmware.calibration import offset_of
    from tocsin.monitor.retune import prepare

    values = pipeline.values
    name = values.names[i]
    sensor = app.config["pipelines"][pipeline.name]["sensor"]
    total = values.offsets[i] + offset - offset_of(sensor.get("calibration"), name)
    source = "%s.%s" % (pipeline.name, name)
    alarms = [alarm for alarm in pipeline.alarms
              if app.config["alarms"][alarm.name]["source"] == source]
    return total, [(alarm, prepare(alarm, app.config["alarms"][alarm.name], None, total))
                   for alarm in alarms]


def _shift(app, pipeline, i: int, live: tuple, full: dict) -> None:
    from tocsin.monitor.retune import adopt

    total, alarms = live
    pipeline.values.offsets[i] = total
    driver = app.samplers[pipeline.name].driver
    driver.channels = [dict(channel) for channel in driver.channels]   # may be shared
    driver.channels[i]["offset"] = total
    for alarm, fresh in alarms:
        adopt(alarm, fresh)
    sensor = full["pipelines"][pipeline.name]["sensor"]
    app.config["pipelines"][pipeline.name]["sensor"]["calibration"] = sensor["calibration"]


def do_learn(desk, words, rest):
    """Commissioning: start, progress, stop."""
    from firmware.learn import begin, progress, stop

    if not words:
        yield from progress(desk.app)
    elif words[0] == "stop":
        yield from stop(desk.app)
    else:
        yield from begin(desk.app, desk.who, words)


def do_push(desk, words, rest):
    """Receive a whole configuration: begin SIZE SHA256, lines of base64, end."""
    if words[:1] == ["begin"] and len(words) == 3 and words[1].isdigit():
        if int(words[1]) > _CONFIG_BYTES:
            raise ValueError("a configuration has at most %d bytes" % _CONFIG_BYTES)
        desk.pushed = (int(words[1]), words[2], bytearray())
        yield "ready"
        return
    if desk.pushed is None or len(words) != 1:
        raise ValueError("push begin SIZE SHA256, then lines of base64, then push end")
    size, sha, data = desk.pushed
    if words[0] != "end":
        try:
            data.extend(binascii.a2b_base64(words[0].encode()))
        except ValueError:
            raise ValueError("not base64; push it again from the beginning")
        if len(data) > size:
            desk.pushed = None
            raise ValueError("more than the %d bytes announced; push it again" % size)
        return
    desk.pushed = None
    if len(data) != size or digest(data) != sha[:16] or len(sha) < 16:
        raise ValueError("%d bytes came whole of %d; push it again" % (len(data), size))
    yield None
    yield from _take_over(desk, bytes(data))


def _take_over(desk, data: bytes):
    """Check what was pushed and save it as this board understood it."""
    from tocsin.config.defaults import complete

    app = desk.app
    try:
        config = json.loads(data)
    except (ValueError, RuntimeError):
        raise ValueError("not JSON; push it again")
    yield None
    try:
        raw = load(app.store)[0]
    except ValueError:   # there is no valid one: nothing to take secrets from
        raw = {}
    config = restore(config, raw)
    yield None
    refuse_invalid(config)
    yield None
    full = complete(config)
    before = digest(app.store.read("config.json", _CONFIG_BYTES) or b"")
    change = (desk.who, "push", "config.json", before, digest(data))
    yield from save(app, desk.audit, change, config, full)
    yield "config.json saved, %d alarms, in force after a reset (reboot yes)" % len(full["alarms"])
