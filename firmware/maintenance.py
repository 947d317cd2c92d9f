# SPDX-License-Identifier: Apache-2.0
"""A person took over with Ctrl-C: monitoring stands still, for a bounded time.

Fail-safe relays trip, as for every board that does not watch. A timer keeps the watchdog quiet
until the time is over; then the board resets and goes back to work by itself.
"""

_FEED_MS = 1000
_MINUTES = 15

_state = {"timer": None, "left": 0}


def begin(machine, app=None, feed=None, minutes: int = _MINUTES) -> None:
    """Start, or start anew with more time.

    app: the App that was stopped, if there is one. feed: keeps the watchdog quiet once, or None
    for a board without one.
    """
    for output in app.outputs.all if app is not None else ():
        output.stop()
    end()
    _state["left"] = minutes * 60_000 // _FEED_MS

    def tick(_timer):
        _state["left"] -= 1
        if _state["left"] < 0:
            machine.reset()
        if feed is not None:
            feed()

    timer = machine.Timer(-1)
    timer.init(mode=machine.Timer.PERIODIC, period=_FEED_MS, callback=tick)
    _state["timer"] = timer
    print("monitoring stands still; Ctrl-D goes back to work, by itself after %d min" % minutes)


def end() -> None:
    """Stop keeping the watchdog quiet."""
    if _state["timer"] is not None:
        _state["timer"].deinit()
        _state["timer"] = None


def left_s() -> int:
    """Seconds until the board goes back to work by itself; 0 outside of maintenance."""
    return _state["left"] * _FEED_MS // 1000 if _state["timer"] is not None else 0
