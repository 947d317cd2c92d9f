# SPDX-License-Identifier: Apache-2.0
"""Features of the envelope: repeated knocks of a bearing or a gear, however high they ring.

The Teager-Kaiser energy of the frame, averaged over `decimation` samples (a power of two up to
64), is a squared envelope; the spectrum of its window // decimation values, zero-padded to n,
shows the rate of the knocks. Bin k is k * rate / (decimation * n).

    envelope_band_log2  2048 + 256 log2(mean square of the envelope in the band, LSB^4), per pair
                        lo, hi of `edges`
    envelope_lines      the same, per entry of `lines`: a flat list of pairs lo, hi, a line and its
                        harmonics, added up
"""

from array import array

from tocsin.dsp.buffers import shared
from tocsin.dsp.checks import FeatureError, integer, pairs
from tocsin.dsp.spectral import Bands, PowerSpectrum
from tocsin.kernels import teager, weighted_log2

_BAND_ZERO = 2048
_LONGEST = 2048


def line_weights(edges) -> array:
    """Weights of 1 in the bin pairs and 0 between them, as `weighted_log2` takes them."""
    lo = min(edges)
    weights = array("h", [lo, max(edges) - lo] + [0, 0] * (max(edges) - lo))
    for i in range(0, len(edges), 2):
        for k in range(edges[i], edges[i + 1]):
            weights[2 + 2 * (k - lo)] = 32767
    return weights


class Lines:
    """One line with its harmonics."""

    def __init__(self, edges: list, at: int):
        self.at = at
        self.weights = line_weights(edges)

    def bind(self, vector) -> None:
        """Needs no view."""

    def run(self, work, offset: int, vector) -> None:
        vector[self.at] = weighted_log2(work, self.weights, offset + _BAND_ZERO)


class Envelope:
    """All envelope features of one channel that share an envelope spectrum."""

    KEYS = ("channel", "n", "decimation", "window_fn")

    def __init__(self, feature: dict, config: dict, buffers: dict):
        kind = feature["kind"]
        self._window = config["window"]
        self.channel = feature["channel"]
        self.decimation = integer(feature, "decimation", 1, 64)
        n = integer(feature, "n", 64, 2048)
        length = self._window // self.decimation
        if self._window > _LONGEST or length < 8 or self.decimation & (self.decimation - 1):
            raise FeatureError(
                "%s: window up to %d, decimation a power of two that leaves 8 values"
                % (kind, _LONGEST)
            )
        self.envelope = shared(buffers, ("envelope", length), array, "h", bytes(2 * length))
        self.source = PowerSpectrum(n, feature.get("window_fn", "hann"), length, buffers)
        self._frame = None
        self.items = []

    def add(self, feature: dict, at: int) -> None:
        bins = self.source.bins
        if feature["kind"] == "envelope_band_log2":
            self.items.append(Bands(feature, at, bins))
            return
        lines = feature.get("lines")
        if not isinstance(lines, list) or not lines:
            raise FeatureError("envelope_lines: lines must be a list of lists of bin pairs")
        for line in lines:
            pairs(feature, "lines", line, bins)
            self.items.append(Lines(line, at))
            at += 1

    def bind(self, frames, vector) -> None:
        self._frame = frames[self.channel]
        self.source.bind(self.envelope)
        for item in self.items:
            item.bind(vector)

    def reset(self) -> None:
        """Nothing is kept between windows."""

    def run(self, count: int, vector) -> None:
        exponent = teager(self._frame, self.decimation, self.envelope, self._window)
        offset = self.source.run() + (exponent << 9)
        for item in self.items:
            item.run(self.source.work, offset, vector)
