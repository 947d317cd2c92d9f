# SPDX-License-Identifier: Apache-2.0
"""Keeps the app's tasks going, and their deadlines."""

from firmware.log import ERROR, WARN

_TICK_MS = 1000
_BACKOFF_MS = 60_000
_TRIES = 6
_SETTLED_S = 600


async def keep(app, name: str, function, *arguments, sampler=None) -> None:
    """Run one task: log what it raises, wait longer each time, start it again.

    After ten good minutes a failure counts as the first again. A sampler that fails six times in
    a row is a case for the watchdog, and so is a task that can't even be started again.
    """
    clock = app.clock
    wait_ms, failures = 1000, 0
    try:
        while True:
            since_s = clock.uptime_s()
            try:
                await function(*arguments)
                return
            except Exception as error:
                _failed(app, name, error)
            if clock.uptime_s() - since_s >= _SETTLED_S:
                wait_ms, failures = 1000, 0
            failures += 1
            if sampler is not None and failures >= _TRIES:
                sampler.broken = True
            await clock.sleep_ms(wait_ms)
            wait_ms = min(2 * wait_ms, _BACKOFF_MS)
    except Exception:
        app.health.lost = name
        raise


def _failed(app, name: str, error) -> None:
    """Count and log it, as far as there is memory to do so."""
    app.health.task_failures += 1
    try:
        app.log.add(ERROR, "%s failed: %s: %s" % (name, type(error).__name__, error))
    except Exception:  # the task is started again all the same
        app.log.errors += 1


async def watch(app) -> None:
    """Once a second: data missing, silent sensors, state to be saved, and the watchdog."""
    clock, log, watchdog = app.clock, app.log, app.watchdog
    failed = {}
    late = None
    while True:
        await clock.sleep_ms(_TICK_MS)
        now = clock.ticks_ms()
        for name in app.pipelines:
            pipeline, sampler = app.pipelines[name], app.samplers[name]
            pipeline.tick(now)
            if sampler.check(now):
                log.add(WARN, "sensor of %s is %s, error: %s" % (
                    name, "silent" if sampler.silent else "heard again", sampler.error))
            fault = pipeline.fault
            if (fault is None) == failed.get(name, False):
                failed[name] = fault is not None
                log.add(WARN, "model of %s: %s" % (name, fault or "scores again"))
        for output in app.outputs.all:
            if output.update():  # what raised in between kept it from following its alarms
                log.add(WARN, "output %s was late" % output.name)
        _keep_state(app)
        if app.boot is not None and clock.uptime_s() >= _SETTLED_S:
            app.boot.settled()
        if watchdog is not None:
            if app.health.lost is None:
                watchdog.watch(app.watched, now)
            else:
                watchdog.late = app.health.lost
            if watchdog.late != late:
                late = watchdog.late
                _tell(app, late)


def _tell(app, late) -> None:
    """The watchdog is about to reset the board: leave behind why, and what is known."""
    if late is None:
        app.log.add(WARN, "all tasks are in time again")
        return
    app.log.add(ERROR, "%s missed its deadline; the watchdog is not fed" % late)
    app.kept.changed = True
    _keep_state(app)


def _keep_state(app) -> None:
    try:
        app.keep_state()
    except Exception as error:  # whatever is wrong with it, alarms and the watchdog go on
        app.kept.failed += 1
        app.log.add(ERROR, "state not saved: %r" % error)
