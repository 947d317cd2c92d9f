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

    def keep(self) -> list:
        """As `TotalTime.keep`; the window stands still while the board is off."""
        return super().keep() + [self._width, self._at, self._left] + list(self._sums)

    def restore(self, kept: list):
        """Go on from there. Raises ValueError unless it is of a window of the same length."""
        if kept[2] != self._width or len(kept) != 5 + len(self._sums):
            raise ValueError("of a window of another length")
        super().restore(kept)
        self._at, self._left = kept[3], kept[4]
        for i in range(len(self._sums)):
            self._sums[i] = kept[5 + i]

    def _turn(self):
        self._at += 1
        if self._at > _BUCKETS:
            self._at = 0
        self._take(self._sums[self._at])
        self._sums[self._at] = 0
        self._left = self._width
