# SPDX-License-Identifier: Apache-2.0
"""Runs on the board under test and takes times while the app works.

The suite's /main.py is

    import hil_probe
    hil_probe.begin(globals())
    exec(open("/hil_main.py").read())       # the real one

The app's files are those that were deployed. Ten milliseconds is how often the probe looks until
the first decision is there; its hooks are put into objects that the app has built by then.
"""

import gc
import json
import os
import sys
import time

_LOOK_MS = 10
_TELL_MS = 1000
_CRASHES = "/hil_crash"
_FAST_MHZ = 1 << 29

first_ms = None
"""Ticks at the first decision; a board that was reset counts them from there."""
changes = []
"""[ticks, alarm, event mask] of every alarm that changed."""
answers = []
"""[ms to the first byte of an answer, ms to its end], for each question of a script."""

_names = {}
_asked = {"empty": 0, "since": 0, "first": None, "whole": False, "any": False}
_timer = None


def begin(names) -> None:
    """Before the real main.py: crash as often as the suite wants, then watch the app.

    names: main.py's globals.
    """
    _names["main"] = names
    _crash()
    import machine

    global _timer
    for number in (-1, 0):  # RP2 has -1, ESP32 0 and up
        try:
            _timer = machine.Timer(number)
            break
        except ValueError:
            pass
    _timer.init(mode=machine.Timer.PERIODIC, period=_LOOK_MS, callback=_look)


def _crash() -> None:
    """Reset the board, abnormally, as many times as /hil_crash says."""
    try:
        with open(_CRASHES) as file:
            left = int(file.read())
    except OSError:
        return
    import machine

    from firmware import slots

    slots.running()
    if left == 0:
        os.remove(_CRASHES)
        return
    with open(_CRASHES, "w") as file:
        file.write(str(left - 1))
    machine.reset()


def _look(timer) -> None:
    global first_ms
    app = _names["main"].get("app")
    if app is None:
        return
    if "app" not in _names:
        _names["app"] = app
        _hook(app)
    decided = app.boot.safe()
    for name in app.pipelines:
        decided = decided or app.pipelines[name].windows > 0
    if not decided:
        return
    if first_ms is None:
        first_ms = time.ticks_ms()
        timer.init(period=_TELL_MS, callback=_tell)
        _tell(timer)


def _tell(timer) -> None:
    """Until somebody types: a line for the host, which may have missed the one before."""
    if _asked["any"]:
        timer.deinit()
    else:
        print("hil: first decision after %d ms" % first_ms)


def _hook(app) -> None:
    change = app.on_change

    def changed(pipeline, alarm, mask):
        changes.append([time.ticks_ms(), alarm.name, mask])
        change(pipeline, alarm, mask)

    for name in app.pipelines:
        app.pipelines[name]._changed = changed
    terminal = sys.modules["firmware.terminal"].Terminal
    ready, read, write = terminal.ready, terminal.read, terminal.write

    def timed_ready(self):
        found = ready(self)
        if not found:
            _asked["empty"] = time.ticks_us()
        return found

    def timed_read(self):
        empty = _asked["empty"]
        data = read(self)
        if data and not _asked["whole"]:
            _asked["since"], _asked["any"] = empty, True
            _asked["whole"] = b"\r" in data
        return data

    async def timed_write(self, clock, data):
        if data[:1] == b"#" and _asked["first"] is None:
            _asked["first"] = time.ticks_us()
        taken = await write(self, clock, data)
        words = data.split(b" ", 2) if data[:1] == b"#" else ()
        if len(words) > 1 and words[1] in (b"ok\r\n", b"error:"):
            _answered()
        return taken

    terminal.ready, terminal.read, terminal.write = timed_ready, timed_read, timed_write


def _answered() -> None:
    """An answer is out; its time began at the last empty look before the question's end."""
    since, first, whole = _asked["since"], _asked["first"], _asked["whole"]
    _asked["first"], _asked["whole"] = None, False
    if whole:
        now = time.ticks_us()
        answers.append([time.ticks_diff(end, since) // 1000 for end in (first, now)])


def report() -> None:
    """Print what was measured, as a line of JSON."""
    print(json.dumps({"first_ms": first_ms, "changes": changes, "answers": answers}))


def tail(path, kind, count) -> None:
    """Print the newest records of a kind, a line of JSON each."""
    found = []
    with open(path) as file:
        for line in file:
            if '"kind":"%s"' % kind in line:
                found.append(line.strip())
                found = found[-count:]
    for line in found:
        print(line)


def hour(pipeline_name, windows, step, fast) -> None:
    """Let the stopped app run again for so many windows, on its recording.

    After every `step` windows it prints how many there were and how many bytes of the heap are in
    use after a collection. fast: without waiting for the samples' time.
    """
    import asyncio

    app = _names["app"]
    pipeline = app.pipelines[pipeline_name]
    driver = app.samplers[pipeline_name].driver
    if fast:
        driver.rate_mhz = _FAST_MHZ
    else:
        driver._start_ms, driver._played = None, 0  # as if played from now on

    async def follow():
        app.clock.spawn(app.run())
        started = due = pipeline.windows
        while due < started + windows:
            due += step
            while pipeline.windows < due:
                await asyncio.sleep_ms(5)
            gc.collect()
            print(pipeline.windows - started, gc.mem_alloc())

    asyncio.new_event_loop()
    asyncio.run(follow())
    asyncio.new_event_loop()
