# SPDX-License-Identifier: Apache-2.0
"""Physical limits turned into integer ones, once, when an alarm is built.

physical = value * scale + offset. A limit between two integers moves to the first integer that is
outside; one within 1/64 LSB of an integer is that integer (single-precision floats on boards).
"""

import math

_MAX = 1 << 29
_NEAR = 1.0 / 64
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
