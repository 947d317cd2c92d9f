# SPDX-License-Identifier: Apache-2.0
"""A person took over with Ctrl-C: monitoring stands still, for a bounded time.

Fail-safe relays trip, as for every board that does not watch. A timer feeds the watchdog until
the time is over; then the board resets and goes back to work by itself.
"""

from firmware.watchdog import hold

_MINUTES = 15


def begin(machine, boot, app=None, minutes: int = _MINUTES) -> None:
    """Start, or start anew with more time; a second Ctrl-C meanwhile may call for it again.

    machine: the module. boot: the module `slots`. app: the App that was stopped, if there is one.
    """
    if app is not None:
        app.close()
    hold(machine, minutes * 60)
    boot.expect("person")
    print("monitoring stands still; Ctrl-D goes back to work, by itself after %d min" % minutes)
