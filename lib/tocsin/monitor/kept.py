# SPDX-License-Identifier: Apache-2.0
"""What a reset of the board must not take away from an alarm: state, latch, times.

Not the conditions of the sensor, which are seen anew, and not the extremes.
"""

from tocsin.monitor.alarm import ALARM


def keep(alarm):
    """A list of numbers and lists for `restore`; None if there is nothing to keep."""
    limit, warning = alarm._limit, alarm._warning
    if not (alarm.state or limit.open or limit.time.total_s or warning and warning.open):
        return None
    return [alarm.state, alarm.latched, alarm.acknowledged, limit.keep(),
            warning and warning.keep()]


def restore(alarm, kept: list, now_ms: int) -> None:
    """Go on from there, as if no time had passed.

    For another rule only an alarm that latches and was not acknowledged stays.
    Raises ValueError, TypeError or IndexError when it is not from `keep`.
    """
    state, latched, acknowledged, limit, warning = kept
    if alarm._limit.restore(limit, now_ms):
        if warning is not None and alarm._warning is not None:
            alarm._warning.restore(warning, now_ms)
    elif alarm._latch and state == ALARM and not acknowledged:
        latched = True
    else:
        return
    alarm.state = alarm._old = state
    alarm.latched = latched
    alarm.acknowledged = acknowledged
