# SPDX-License-Identifier: Apache-2.0
"""Millisecond ticks that wrap at 2**30, as MicroPython's, without leaving the small ints.

A tick is an int in 0 .. 2**30 - 1. Differences are right while the two moments are less than
2**29 ms (6.2 days) apart; whoever holds timers is told the time often enough for that.
"""

_LAST = (1 << 30) - 1
_HALF = 1 << 29


def diff(later: int, earlier: int) -> int:
    """Milliseconds from `earlier` to `later`, -2**29 .. 2**29 - 1."""
    d = (later - earlier) & _LAST
    if d >= _HALF:
        return d - _HALF - _HALF
    return d


def add(now: int, ms: int) -> int:
    """The tick `ms` (0 .. 2**30 - 1) after `now`."""
    room = _LAST - now
    if ms > room:
        return ms - room - 1
    return now + ms


def add_sat(total: int, ms: int) -> int:
    """A duration that grows and stops at 2**30 - 1; both arguments 0 .. 2**30 - 1."""
    if ms > _LAST - total:
        return _LAST
    return total + ms
