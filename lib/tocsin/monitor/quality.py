# SPDX-License-Identifier: Apache-2.0
"""Part counters of a line: parts, good, bad, yield, bad in a row, yield of the last parts."""

from array import array

from tocsin.monitor.ticks import add_sat

_WIDE = 1 << 21


class Counters:
    """Counts verdicts. Attributes: parts, good, bad, bad_in_a_row (each stops at 2**30 - 1).

    recent: length of the window for `recent_yield`, 1 .. 1000 parts.
    """

    def __init__(self, recent: int = 100):
        self._ring = array("b", [0] * recent)
        self.reset()

    def reset(self):
        """Start counting again, as at the beginning of a shift."""
        self.parts = 0
        self.good = 0
        self.bad = 0
        self.bad_in_a_row = 0
        self._at = 0
        self._seen = 0
        self._recent_good = 0

    def update(self, good: bool):
        """Count one part. Allocates nothing."""
        self.parts = add_sat(self.parts, 1)
        if self._seen == len(self._ring):
            self._recent_good -= self._ring[self._at]
        else:
            self._seen += 1
        self._ring[self._at] = 1 if good else 0
        self._at += 1
        if self._at == len(self._ring):
            self._at = 0
        if good:
            self.good = add_sat(self.good, 1)
            self.bad_in_a_row = 0
            self._recent_good += 1
        else:
            self.bad = add_sat(self.bad, 1)
            self.bad_in_a_row = add_sat(self.bad_in_a_row, 1)

    def yield_q8(self) -> int:
        """Share of good parts since reset, Q8 (256 = all; 256 when there were none yet)."""
        if self.parts == 0:
            return 256
        if self.parts < _WIDE:
            return self.good * 256 // self.parts
        return min(256, (self.good >> 9) * 256 // (self.parts >> 9))

    def recent_yield_q8(self) -> int:
        """Share of good parts among the last ones, Q8."""
        if self._seen == 0:
            return 256
        return self._recent_good * 256 // self._seen
