# SPDX-License-Identifier: Apache-2.0
"""What one limit has seen: the excursion under way and the time spent outside.

Outside means at or beyond the limit: the limit itself counts. An excursion begins with the first
value outside and ends with the first value on the good side of limit and dead band together; time
in the dead band neither counts nor ends it. A value holds until the next one, and whoever calls
says whether the time between the two counts at all (see `alarm`).
"""

from tocsin.monitor.ticks import add_sat
from tocsin.monitor.total import TotalTime

_MOST = (1 << 30) - 1


class Extremes:
    """Smallest and largest value since `reset`; `.count` values seen."""

    def __init__(self):
        self.reset()

    def reset(self):
        """Forget everything."""
        self.low = 0
        self.high = 0
        self.count = 0

    def update(self, value: int):
        """Take one value in."""
        if self.count == 0:
            self.low = value
            self.high = value
        elif value < self.low:
            self.low = value
        elif value > self.high:
            self.high = value
        if self.count < _MOST:
            self.count += 1


class Excursion:
    """Consecutive and cumulative time on the wrong side of one limit.

    high: the side. limit, dead_band: ints in LSB, |limit| + dead_band < 2**30. delay_ms: time
    outside within one excursion until it is due (0: at once, -1: never by that). cumulative_s:
    time outside in all excursions until due (0: never by that), since reset or, with window_s,
    within that.

    Attributes: outside (last value), open (excursion under way), since_ms (tick of its start),
    lasted_ms (counted in it), peak (worst value in it), count (excursions), time.total_s (all),
    sums (due by cumulative time), rolls (within a window). While neither outside nor `rolls`,
    `elapse` changes nothing; while neither open nor `sums`, nothing is due.
    """

    def __init__(self, high: bool, limit: int, dead_band: int = 0, delay_ms: int = 0,
                 cumulative_s: int = 0, window_s: int = 0):
        self._sign = 1 if high else -1
        self._limit = limit * self._sign
        self._back = self._limit - dead_band
        self._delay_ms = delay_ms
        self._cumulative_s = cumulative_s
        self.sums = cumulative_s > 0
        self.rolls = window_s > 0
        if window_s:
            from tocsin.monitor.rolling import RollingTime
            self.time = RollingTime(window_s)
        else:
            self.time = TotalTime()
        self.reset()

    def reset(self):
        """Forget all time, counts and the excursion under way."""
        self.time.reset()
        self.outside = False
        self.open = False
        self.since_ms = 0
        self.lasted_ms = 0
        self.peak = 0
        self.count = 0

    def elapse(self, ms: int, counts: bool):
        """`ms` have passed since the last value; they count towards the timers or not."""
        counts = counts and self.outside
        self.time.elapse(ms, counts)
        if counts:
            self.lasted_ms = add_sat(self.lasted_ms, ms)

    def update(self, value: int, now_ms: int):
        """Take in the value that holds from now on."""
        signed = value * self._sign
        self.outside = signed >= self._limit
        if not self.open:
            if self.outside:
                self.open = True
                self.since_ms = now_ms
                self.lasted_ms = 0
                self.peak = value
                self.count = add_sat(self.count, 1)
        elif signed < self._back:
            self.open = False
        elif signed > self.peak * self._sign:
            self.peak = value

    def is_back(self, value: int) -> bool:
        """True if this value would end an excursion."""
        return value * self._sign < self._back

    def due(self) -> bool:
        """True while the excursion has lasted long enough, or all of them together have."""
        if self.open and 0 <= self._delay_ms <= self.lasted_ms:
            return True
        return 0 < self._cumulative_s <= self.time.total_s
