# SPDX-License-Identifier: Apache-2.0
"""A period in a few numbers: what is sent instead of the samples."""

from array import array

_MOST = 16384


class Summary:
    """Least, greatest and mean per slow channel, greatest and mean score, counts.

    Means are of the first 16,384 samples or windows of the period, the rest of them all.
    sampled: whether channels are summarised (slow streams only: set by `follow_channels`).
    """

    def __init__(self, values, channels: int, parts: bool):
        self.sampled = False
        self._values = values
        self._channels = channels
        self._parts = parts
        self._least = array("i", [0] * channels)
        self._greatest = array("i", [0] * channels)
        self._sums = array("i", [0] * channels)
        self._counts = array("i", [0] * channels)
        self._bad_before = 0
        self.reset()

    def follow_channels(self) -> None:
        """Summarise every sample of every channel."""
        self.sampled = True

    def reset(self) -> None:
        """Start the next period."""
        self._windows = 0
        self._score_sum = 0
        self._score_max = 0
        for i in range(self._channels):
            self._sums[i] = self._counts[i] = 0

    def sample(self) -> None:
        """The channels of one sample are in the values. Allocates nothing."""
        raw, valid = self._values.raw, self._values.valid
        for i in range(self._channels):
            value = raw[i]
            if not valid[i]:
                continue
            if self._counts[i] == 0 or value < self._least[i]:
                self._least[i] = value
            if self._counts[i] == 0 or value > self._greatest[i]:
                self._greatest[i] = value
            if self._counts[i] < _MOST:
                self._sums[i] += value
                self._counts[i] += 1

    def judged(self, score: int) -> None:
        """One window was scored. Allocates nothing."""
        if self._windows < _MOST:
            self._windows += 1
            self._score_sum += score
        if score > self._score_max:
            self._score_max = score

    def record(self, line) -> dict:
        """What to send for the period that ends now; `line` is a `derived.Line` or None."""
        values = self._values
        record = {}
        if self._windows:
            record["windows"] = self._windows
            record["score"] = [round(self._score_sum / self._windows / 256, 2),
                               round(self._score_max / 256, 2)]
        for i in range(self._channels if self.sampled else 0):
            count = self._counts[i]
            if count:
                scale, offset = values.scales[i], values.offsets[i]
                record[values.names[i]] = [
                    round(self._least[i] * scale + offset, 2),
                    round(self._sums[i] / count * scale + offset, 2),
                    round(self._greatest[i] * scale + offset, 2)]
        if line is not None:
            record["parts"] = line.counters.parts
            record["bad"] = line.counters.bad
        self.reset()
        return record
