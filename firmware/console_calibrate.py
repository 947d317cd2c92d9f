# SPDX-License-Identifier: Apache-2.0
"""Calibrate a channel: logged, saved, then in force."""

from firmware.calibration import offset_of
from firmware.changes import claim, later, save
from firmware.console_text import date, unit
from firmware.saved import load
from tocsin.config.numbers import typed_number
from tocsin.monitor.retune import adopt, prepare

_LARGEST_SHARE = 0.1


def do_calibrate(desk, words, rest):
    """The offset of a channel: reference minus reading without calibration."""
    if len(words) < 2:
        raise ValueError("write a channel and what the reference says more: calibrate t1 0.3")
    app = desk.app
    pipeline, i = _channel(app, words[0])
    channel = app.samplers[pipeline.name].driver.channels[i]
    name, own = channel["name"], unit(channel["unit"])
    offset = typed_number(rest[len(words[0]):].strip(), own, name)
    if abs(offset) > 65536 * abs(channel["scale"]) * _LARGEST_SHARE:
        raise ValueError("%s %s is more than a calibration; look at the sensor" % (offset, own))
    path = "pipelines.%s.sensor.calibration.%s" % (pipeline.name, name)
    audit = desk.audit
    yield from claim(audit)
    try:
        raw = load(app.store)
        yield None
        sensor = raw["pipelines"][pipeline.name]["sensor"]
        before = offset_of(sensor.get("calibration"), name)
        entries = dict(sensor.get("calibration") or {})
        entries[name] = {"offset": offset, "date": date(app.clock.utc_s())}
        sensor["calibration"] = entries
        yield None
        live = _shifted(app, pipeline, i, offset)
        change = (desk.who, "calibrate", path, before, offset)
        yield from save(app, audit, change, raw)
        _shift(app, pipeline, i, live, entries)
        desk.put_off(later(app, audit, change, raw))
    finally:
        audit.busy = False
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
    values = pipeline.values
    name = values.names[i]
    sensor = app.config["pipelines"][pipeline.name]["sensor"]
    total = values.offsets[i] + offset - offset_of(sensor.get("calibration"), name)
    source = "%s.%s" % (pipeline.name, name)
    alarms = [alarm for alarm in pipeline.alarms
              if app.config["alarms"][alarm.name]["source"] == source]
    return total, [(alarm, prepare(alarm, app.config["alarms"][alarm.name], None, total))
                   for alarm in alarms]


def _shift(app, pipeline, i: int, live: tuple, entries: dict) -> None:
    total, alarms = live
    pipeline.values.offsets[i] = total
    driver = app.samplers[pipeline.name].driver
    driver.channels = [dict(channel) for channel in driver.channels]   # may be shared
    driver.channels[i]["offset"] = total
    for alarm, fresh in alarms:
        adopt(alarm, fresh)
    app.config["pipelines"][pipeline.name]["sensor"]["calibration"] = entries
