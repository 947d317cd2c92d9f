# SPDX-License-Identifier: Apache-2.0
"""Statistics of one channel's samples about their mean, all from one pass of the moments kernel.

Over the newest `n` samples of the window, or, without `n`, over the `count` samples of the frame.
mean, std, rms, peak and peak_to_peak saturate at int16; `q` gives them fractional bits, -1 halves
them (not the mean). rms_log2 is 2048 + 256 log2(mean square, LSB^2), 0 for a constant; std_log2 is
256 log2(1 + mean square).
"""

from array import array

from tocsin.dsp.buffers import ALL, shared
from tocsin.dsp.checks import FeatureError, integer
from tocsin.kernels import moments, statistics

_LONGEST = 2048
# in the order of the numbers that the kernel `statistics` gives them
KINDS = ("mean", "rms", "rms_log2", "std_log2", "peak", "peak_to_peak", "crest_factor",
          "skewness", "kurtosis", "zero_crossings")


class Moments:
    """All features of one channel that share their moments."""

    KEYS = ("channel", "n")

    def __init__(self, feature: dict, config: dict, buffers: dict):
        window = config["window"]
        self.channel = feature["channel"]
        self.n = 0 if feature.get("n") is None else integer(feature, "n", 1, window)
        if (self.n or window) > _LONGEST:
            raise FeatureError("%s: more than %d samples, use n" % (feature["kind"], _LONGEST))
        self._raw = shared(buffers, "moments", array, "i", bytes(64))
        self._newest = self._copy = None
        if self.n and (window - self.n) & 1:
            # the newest samples start between two words, and the kernel reads whole ones
            self._copy = memoryview(array("h", bytes(2 * self.n)))
        self.table = array("h", [0])
        self._frame = None

    def add(self, feature: dict, at: int) -> None:
        kind = feature["kind"]
        q = integer(feature, "q", 0 if kind == "mean" else -1, 8, 0)
        self.table[0] += 1
        self.table.extend(array("h", [KINDS.index("rms" if kind == "std" else kind), at, q]))

    def bind(self, frames, vector) -> None:
        frame = frames[self.channel]
        start = len(frame) - self.n if self.n else 0
        if start:
            frame = memoryview(frame)[start:]
        if self._copy is not None:
            self._newest = frame
            frame = self._copy
        self._frame = frame

    def reset(self) -> None:
        """Nothing is kept between windows."""

    def run(self, count: int, vector) -> None:
        raw = self._raw
        if self._copy is not None:
            self._copy[ALL] = self._newest
        moments(self._frame, self.n or count, raw)
        statistics(raw, self.table, vector)
