# SPDX-License-Identifier: Apache-2.0
"""What goes on: status, sensors, live, alarms."""

import gc

from firmware.console_text import moment, number, span, table, unit

_SECOND_MS = 1000
_LONGEST_S = 86400


def do_status(desk, words, rest):
    """The device, each pipeline, the outputs, what is wrong."""
    app = desk.app
    clock = app.clock
    yield "%s  up %s  boot %d  utc %s  free heap %s" % (
        app.config["device"]["id"], span(clock.uptime_s()), clock.boot_id, moment(clock.utc_s()),
        "%d KB" % (gc.mem_free() // 1024) if hasattr(gc, "mem_free") else "unknown")
    for name in sorted(app.pipelines):
        pipeline, sampler = app.pipelines[name], app.samplers[name]
        parts = ["%s  %s" % (name, app.state(pipeline))]
        if pipeline.model is not None:
            score = pipeline.values.index("score")
            parts.append("" if pipeline.running else "machine stands still")
            parts.append("%d windows" % pipeline.windows)
            parts.append("score %.2f" % pipeline.values.physical(score))
        parts.append("sensor %s" % _sensor_state(sampler))
        parts.append("%d samples lost" % sampler.dropped())
        yield "  ".join([part for part in parts if part])
        if hasattr(pipeline.judged, "progress"):
            yield "%s  %s" % (name, pipeline.judged.progress())
    for output in app.outputs.all:
        state = "tripped" if output.tripped else "quiet"
        if output.tripped and not output.active:
            state = "tripped, cause is over: release %s" % output.name
        yield "%s  %s  %s" % (output.name, output.driver, state)
    for problem in app.problems:
        yield "problem: " + problem
    if app.audit is not None and app.audit.trouble:
        yield "audit log: " + app.audit.trouble


def _sensor_state(sampler) -> str:
    if sampler.error is not None:
        return "failed: %s" % sampler.error
    return "silent" if sampler.silent else "ok"


def do_sensors(desk, words, rest):
    """A table of channels."""
    rows = [("channel", "value", "unit", "state", "lost")]
    for name in sorted(desk.app.pipelines):
        pipeline, sampler = desk.app.pipelines[name], desk.app.samplers[name]
        for i in range(len(sampler.driver.channels)):
            channel = sampler.driver.channels[i]
            state = _sensor_state(sampler)
            value = reading(pipeline, sampler, i)
            if state == "ok" and value == "-":
                state = "no reading"
            rows.append((name + "." + channel["name"], value, unit(channel["unit"]), state,
                         "%d" % sampler.dropped()))
        yield None
    yield from table(rows)


def reading(pipeline, sampler, i: int) -> str:
    """Channel `i` now; of a fast stream, least and greatest of the newest window."""
    channel = sampler.driver.channels[i]
    scale, offset = channel["scale"], channel["offset"]
    if sampler.fast:
        frames = pipeline.frames()
        if not frames or not pipeline.windows:
            return "-"
        return "%s .. %s" % (number(min(frames[i]) * scale + offset, scale),
                             number(max(frames[i]) * scale + offset, scale))
    if not pipeline.values.valid[i] or not pipeline.account.raw_bytes():
        return "-"
    return number(pipeline.values.raw[i] * scale + offset, scale)


def do_live(desk, words, rest):
    """A line each second."""
    seconds, chosen = _LONGEST_S, sorted(desk.app.pipelines)
    for word in words:
        if word.isdigit() and 1 <= int(word) <= _LONGEST_S:
            seconds = int(word)
        elif word in desk.app.pipelines:
            chosen = [word]
        else:
            raise ValueError("live %s: write a pipeline (%s) or seconds" % (
                word, ", ".join(sorted(desk.app.pipelines))))
    if seconds == _LONGEST_S:
        yield "any key stops it"
    for _ in range(seconds):
        parts = [span(desk.app.clock.uptime_s())]
        for name in chosen:
            parts.append(_now(desk.app, name))
            yield None
        yield "  ".join(parts)
        yield _SECOND_MS


def _now(app, name: str) -> str:
    pipeline, sampler = app.pipelines[name], app.samplers[name]
    parts = [name]
    if not sampler.fast:
        for i in range(len(sampler.driver.channels)):
            channel = sampler.driver.channels[i]
            parts.append("%s %s %s" % (channel["name"], reading(pipeline, sampler, i),
                                       unit(channel["unit"])))
    if pipeline.model is not None:
        score = pipeline.values.physical(pipeline.values.index("score"))
        parts.append("score %.2f" % score if pipeline.running else "stands still")
    return " ".join(parts).rstrip()


def do_alarms(desk, words, rest):
    """A table of alarms."""
    from firmware.console_units import Units
    from tocsin.monitor.alarm import STATE_NAMES

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
