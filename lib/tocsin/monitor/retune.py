# SPDX-License-Identifier: Apache-2.0
"""Other limits and times for an alarm that is at work; what it has seen so far stays.

The next reading is judged by the new rule: an excursion under way goes on or ends with it. This
knows the inside of `Alarm` and `Excursion`, so that they need not carry it in every board's RAM.
"""

from tocsin.monitor.alarm import Alarm

LIVE = ("limit", "warning", "delay_s", "warning_delay_s", "dead_band", "latch", "cumulative_s",
        "sensor_fault_s", "data_missing_s", "max_gap_s", "suppress", "suppress_max_s")
"""Keys of a rule that may change while it is at work; the others need a reset."""


def prepare(alarm, rule: dict, scale=None, offset=None):
    """The same alarm built from another rule, to be given to `adopt`. Raises AlarmError.

    scale, offset: None as they are.
    """
    return Alarm(alarm.name, rule, alarm._scale if scale is None else scale,
                 alarm._offset if offset is None else offset)


def adopt(alarm, fresh) -> None:
    """Give a running alarm the rule that `fresh` was built from. Nothing here can fail."""
    for name in ("_scale", "_offset", "_latch", "_missing_after_ms", "_fault_after_ms",
                 "_max_gap_ms", "_suppressible", "_suppress_max_ms"):
        setattr(alarm, name, getattr(fresh, name))
    _tune(alarm._limit, fresh._limit)
    if alarm._warning is not None and fresh._warning is not None:
        _tune(alarm._warning, fresh._warning)
    else:
        alarm._warning = fresh._warning


def _tune(excursion, fresh) -> None:
    for name in ("_limit", "_back", "_delay_ms", "_cumulative_s"):
        setattr(excursion, name, getattr(fresh, name))
