# SPDX-License-Identifier: Apache-2.0
"""Gives an alarm the integers of its rule. A device drops this when all is built."""

from tocsin.monitor.alarm import REASONS, AlarmError
from tocsin.monitor.excursion import Excursion
from tocsin.monitor.limits import LimitError, milliseconds, span, threshold

_DEFAULT_GAP_S = 900
_NEVER = 1 << 29


def arm(alarm, rule: dict) -> None:
    """Set the limits and times of an `Alarm`. Raises AlarmError."""
    try:
        _arm(alarm, rule, alarm._scale, alarm._offset)
    except LimitError as error:
        raise AlarmError("alarm %s: %s" % (alarm.name, error))


def _arm(alarm, rule, scale, offset):
    side = rule["side"]
    high = side == "high"
    band = span(rule["dead_band"], scale)
    delay = -1 if rule["delay_s"] is None else milliseconds(rule["delay_s"])
    if rule["limit"] is None:
        alarm._limit = Excursion(high, _NEVER if high else -_NEVER, 0, -1)
    else:
        alarm._limit = Excursion(
            high, threshold(rule["limit"], scale, offset, side), band, delay,
            rule["cumulative_s"] or 0, rule["cumulative_window_s"] or 0)
    alarm._warning = None
    if rule["warning"] is not None:
        if rule["warning_delay_s"] is not None:
            delay = milliseconds(rule["warning_delay_s"])
        alarm._warning = Excursion(
            high, threshold(rule["warning"], scale, offset, side), band, max(delay, 0))
    alarm._latch = rule["latch"]
    alarm._missing_after_ms = _period(rule["data_missing_s"])
    alarm._fault_after_ms = alarm._missing_after_ms or -1
    if rule["sensor_fault_s"] is not None:
        alarm._fault_after_ms = milliseconds(rule["sensor_fault_s"])
    gap = rule["max_gap_s"]
    if gap is None:
        gap = rule["data_missing_s"] or _DEFAULT_GAP_S
    alarm._max_gap_ms = milliseconds(gap)
    alarm._suppressible = 0
    for reason in rule["suppress"]:
        alarm._suppressible |= REASONS[reason]
    alarm._suppress_max_ms = milliseconds(rule["suppress_max_s"])


def _period(seconds):
    return 0 if seconds is None else max(1, milliseconds(seconds))
