# SPDX-License-Identifier: Apache-2.0
"""What a pipeline derives from the parts of a line."""

from tocsin.monitor.quality import Counters


class Line:
    """label:CLASS per class, yield, recent_yield, bad_in_a_row, bad (the newest part)."""

    def __init__(self, classes: list, normal: int, values):
        self._values = values
        self._classes = len(classes)
        self._normal = normal
        self.counters = Counters()
        self._base = values.add("label:" + classes[0]) if classes else 0
        for name in classes[1:]:
            values.add("label:" + name)
        self._at = values.add("yield", 1 / 256)
        values.add("recent_yield", 1 / 256)
        values.add("bad_in_a_row")
        values.add("bad")

    def update(self, label: int, vote: int) -> None:
        """After a part was judged: label is its class or -1, vote the verdict of the score."""
        raw = self._values.raw
        for i in range(self._classes):
            raw[self._base + i] = 1 if label == i else 0
        bad = vote == 1 if label < 0 or self._normal < 0 else label != self._normal
        self.counters.update(not bad)
        raw[self._at] = self.counters.yield_q8()
        raw[self._at + 1] = self.counters.recent_yield_q8()
        raw[self._at + 2] = self.counters.bad_in_a_row
        raw[self._at + 3] = 1 if bad else 0

    def clear(self) -> None:
        """The part was taken away: no verdict stands."""
        raw = self._values.raw
        for i in range(self._classes):
            raw[self._base + i] = 0
        raw[self._at + 3] = 0
