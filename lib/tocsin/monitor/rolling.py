# SPDX-License-Identifier: Apache-2.0
"""Sum of time within a window that slides in 24 steps."""

from array import array

from tocsin.monitor.total import TotalTime

_BUCKETS = 24


class RollingTime(TotalTime):
    """Counted time within the last `window_s` (24 s .. 31 days).

    Kept in 24 whole buckets and the one being filled, so it looks back at least the window and at
    most a 24th more: never too short. 100 bytes.
    """

    def __init__(self, window_s: int):
        super().__init__()
        self._width = window_s * 1000 // _BUCKETS
        self._sums = array("i", [0] * (_BUCKETS + 1))
        self._at = 0
        self._left = self._width

    def elapse(self, ms: int, counts: bool):
        """`ms` (0 .. 2**30 - 1001) have passed; they are counted or not."""
        turns = 0
        while ms > 0:
            step = ms if ms < self._left else self._left
            if counts:
                self._sums[self._at] += step
                self._add(step)
            self._left -= step
            ms -= step
            if self._left == 0:
                self._turn()
                turns += 1
                if turns > _BUCKETS:
                    return

    def reset(self):
        """Forget everything."""
        super().reset()
        for i in range(_BUCKETS + 1):
            self._sums[i] = 0
        self._left = self._width

    def _turn(self):
        self._at += 1
        if self._at > _BUCKETS:
            self._at = 0
        self._take(self._sums[self._at])
        self._sums[self._at] = 0
        self._left = self._width
