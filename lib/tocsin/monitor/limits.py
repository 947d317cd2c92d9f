# SPDX-License-Identifier: Apache-2.0
"""Physical limits turned into integer ones, once, when an alarm is built.

physical = value * scale + offset. A limit between two integers moves to the first integer that is
outside; one within 1/64 LSB of an integer is that integer (single-precision floats on boards).
A device drops this when all is built.
"""

import math

from tocsin.monitor.alarm import REASONS, AlarmError
from tocsin.monitor.excursion import Excursion

_MAX = 1 << 29
_NEAR = 1.0 / 64
_DEFAULT_GAP_S = 900
_NEVER = 1 << 29
_REACH = "a limit or width is out of the sensor's reach; check it and the scale"


class LimitError(ValueError):
    """A limit that has no integer form."""


def check_scale(scale: float, offset: float):
    """Raise LimitError unless scale is finite and > 0 and offset is finite."""
    if not (0.0 < scale < 1e9 and -1e9 < offset < 1e9):
        raise LimitError("scale must be above 0, offset finite; check the channel")


def threshold(limit: float, scale: float, offset: float, side: str) -> int:
    """The first integer value that is outside: >= it for side "high", <= it for "low"."""
    check_scale(scale, offset)
    x = (limit - offset) / scale
    if not -_MAX < x < _MAX:
        raise LimitError(_REACH)
    nearest = int(math.floor(x + 0.5))
    if abs(x - nearest) <= _NEAR:
        return nearest
    return int(math.ceil(x)) if side == "high" else int(math.floor(x))


def span(width: float, scale: float) -> int:
    """A difference (dead band, rise) as an integer >= 0, rounded to nearest."""
    check_scale(scale, 0.0)
    x = width / scale
    if not 0.0 <= x < _MAX:
        raise LimitError(_REACH)
    return int(x + 0.5)


def milliseconds(seconds: float) -> int:
    """Seconds 0 .. 500,000 as int milliseconds."""
    if not 0 <= seconds <= 500000:
        raise LimitError("a time must be 0 .. 500000 s")
    return int(seconds * 1000 + 0.5)


def arm(alarm, rule: dict) -> None:
    """Set the limits and times of an `Alarm` to those of its rule. Raises AlarmError."""
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
