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
from tocsin.dsp.spectral import PowerSpectrum, band_table
from tocsin.dsp.table import FeatureError, integer, pairs
from tocsin.kernels import band_log2, teager, weighted_log2

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
        self._views = []

    def add(self, feature: dict, at: int) -> None:
        bins = self.source.bins
        if feature["kind"] == "envelope_band_log2":
            pairs(feature, "edges", feature.get("edges"), bins)
            self.items.append((at, band_table(feature["edges"]), True))
            self._views.append(None)
            return
        lines = feature.get("lines")
        if not isinstance(lines, list) or not lines:
            raise FeatureError("envelope_lines: lines must be a list of lists of bin pairs")
        for line in lines:
            pairs(feature, "lines", line, bins)
            self.items.append((at, line_weights(line), False))
            self._views.append(None)
            at += 1

    def bind(self, frames, vector) -> None:
        self._frame = frames[self.channel]
        self.source.bind(self.envelope)
        view = memoryview(vector)
        for i in range(len(self.items)):
            at, table, bands = self.items[i]
            if bands:
                self._views[i] = view[at : at + table[0]]

    def reset(self) -> None:
        """Nothing is kept between windows."""

    def run(self, count: int, vector) -> None:
        exponent = teager(self._frame, self.decimation, self.envelope, self._window)
        offset = self.source.run() + (exponent << 9) + _BAND_ZERO
        work = self.source.work
        for i in range(len(self.items)):
            at, table, bands = self.items[i]
            if bands:
                band_log2(work, table, offset, self._views[i])
            else:
                vector[at] = weighted_log2(work, table, offset)
