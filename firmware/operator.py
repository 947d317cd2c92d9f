# SPDX-License-Identifier: Apache-2.0
"""What a person at the machine can do: acknowledge and reset alarms, test and release outputs."""

from firmware.log import INFO


def acknowledge(app, name: str, tell=None) -> bool:
    """Alarm `name` has been seen. False when there is none of that name.

    tell: called with pipeline, alarm and mask when it changed, in place of `app.on_change`.
    """
    return _change(app, name, "acknowledge", tell)


def reset(app, name: str, tell=None) -> bool:
    """Alarm `name` forgets least, greatest and time outside. False when there is none."""
    return _change(app, name, "reset", tell)


def _change(app, name: str, method: str, tell) -> bool:
    for pipeline in app.pipelines.values():
        for alarm in pipeline.alarms:
            if alarm.name == name:
                mask = getattr(alarm, method)(app.clock.ticks_ms())
                if mask:
                    (tell or app.on_change)(pipeline, alarm, mask)
                return True
    return False


def begin_test(output) -> None:
    """Show a trip, as an alarm would; its own state stays and counts when the test ends."""
    output.testing = True
    output.show()


def end_test(output) -> None:
    """Show again what the alarms say."""
    output.testing = False
    output.show()


def release(app, name: str, tell=None) -> bool:
    """Output `name` has been seen to: acknowledge its alarms, forget the part's verdict, release.

    False while its cause is still there, or when there is no output of that name.
    """
    output = app.outputs.find(name)
    if output is None:
        return False
    names = app.config["outputs"][name]["alarms"]
    for alarm in names:
        acknowledge(app, alarm, tell)
    for pipeline in app.pipelines.values():
        if pipeline.line is not None and any(alarm.name in names for alarm in pipeline.alarms):
            _clear(pipeline)
            pipeline.alarm_judged(app.clock.ticks_ms())
    output.update()
    released = output.acknowledge()
    app.kept.changed = True
    app.log.add(INFO, "output %s %s" % (name, "released" if released else "still held"))
    return released


def _clear(pipeline) -> None:
    """The part was taken away: neither its verdict nor its score stands."""
    pipeline.line.clear()
    values = pipeline.values
    for name in ("score", "vote"):
        values.raw[values.index(name)] = 0
