# SPDX-License-Identifier: Apache-2.0
"""A person took over with Ctrl-C: monitoring stands still, for a bounded time.

Fail-safe relays trip, as for every board that does not watch. A timer feeds the watchdog until
the time is over; then the board resets and goes back to work by itself.
"""

_MINUTES = 15


def begin(watchdog, boot, app=None, minutes: int = _MINUTES) -> None:
    """Start, or start anew with more time.

    watchdog: a `Watchdog`, or None before there is one. boot: the module `slots`. app: the App
    that was stopped, if there is one.
    """
    for output in app.outputs.all if app is not None else ():
        output.stop()
    if watchdog is not None:
        watchdog.maintenance(minutes * 60)
    boot.expect("person")
    print("monitoring stands still; Ctrl-D goes back to work, by itself after %d min" % minutes)
