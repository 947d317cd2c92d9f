# SPDX-License-Identifier: Apache-2.0
"""What a person does: ack, release, reset, reboot, test."""

from firmware import operator

_TEST_MS = 2000


def do_ack(desk, words, rest):
    """One alarm or all that stand."""
    app = desk.app
    if words and words[0] not in app.alarms:
        raise ValueError("no alarm %s; there are: %s" % (words[0], _list(app.alarms)))
    done = [name for name in (words[:1] or sorted(app.alarms))
            if app.alarms[name].state and not app.alarms[name].acknowledged]
    if not done:
        yield "nothing to acknowledge"
    for name in done:
        desk.note("ack", "alarms." + name)
        yield None
        operator.acknowledge(app, name, desk.tell)
        yield "%s acknowledged%s" % (name, ", still there" if app.alarms[name].state else "")
    waiting = [output.name for output in app.outputs.all if output.tripped and not output.active]
    for name in waiting:
        yield "%s is latched: release %s" % (name, name)


def do_release(desk, words, rest):
    """A latched output whose cause is over."""
    output = _output(desk.app, words)
    if not output.tripped:
        yield "%s is not tripped" % output.name
        return
    desk.note("release", "outputs." + output.name)
    yield None
    if operator.release(desk.app, output.name, desk.tell):
        yield "%s released" % output.name
    else:
        raise ValueError("%s stays tripped: its cause is still there; see alarms" % output.name)


def do_reset(desk, words, rest):
    """What an alarm has added up."""
    app = desk.app
    if not words:
        yield "reset ALARM or reset all: forget least, greatest and time outside"
        yield "a latched output: release OUTPUT; the board: reboot yes"
        return
    if words[0] != "all" and words[0] not in app.alarms:
        raise ValueError("no alarm %s; there are: all, %s" % (words[0], _list(app.alarms)))
    for name in sorted(app.alarms) if words[0] == "all" else words[:1]:
        desk.note("reset", "alarms." + name)
        yield None
        operator.reset(app, name, desk.tell)
        yield "%s: least, greatest and time outside begin anew" % name


def do_reboot(desk, words, rest):
    """Only with yes: nobody watches meanwhile."""
    if words != ["yes"]:
        yield "monitoring stops for some seconds and latched outputs trip; to do it: reboot yes"
        return
    import machine

    desk.note("reboot", "device")
    desk.audit.settle()
    yield "starting again"
    yield 200
    if desk.app.boot is not None:
        desk.app.boot.expect("console")
    machine.reset()


def do_test(desk, words, rest):
    """Trip an output, or all of a driver (relay), for 2 s, as an alarm would."""
    app = desk.app
    chosen = [output for output in app.outputs.all if words and output.driver == words[0]]
    if not chosen:
        chosen = [_output(app, words)]
    for output in chosen:
        if output.tripped:
            raise ValueError("%s is tripped already; see alarms, then release it" % output.name)
    for output in chosen:
        desk.note("test", "outputs." + output.name)
        yield "%s (%s) is tripped for 2 s" % (output.name, output.driver)
        try:
            operator.begin_test(output)
            yield _TEST_MS
        finally:
            operator.end_test(output)
        yield "%s is %s again" % (output.name, "tripped" if output.tripped else "quiet")


def _output(app, words):
    output = app.outputs.find(words[0]) if words else None
    if output is None:
        raise ValueError("which output? there are: " + _list([o.name for o in app.outputs.all]))
    return output


def _list(names) -> str:
    return ", ".join(sorted(names)) or "none"
