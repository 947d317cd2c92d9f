# SPDX-License-Identifier: Apache-2.0
"""Features of one channel's power spectrum; all kinds with the same n and window share one FFT.

The newest min(n, window) samples are used, zero-padded to n (64 to 2048, a power of two). Bin k is
k * rate / n. In the domain "spectrum" a frame holds the magnitude of `window` bins, no FFT is
made and the energy of a bin is its square.

    band_log2       2048 + 256 log2(mean square of the signal in the band, LSB^2), per pair lo, hi
                    of `edges` (bins lo .. hi-1); spectrum domain: 256 log2(sum of squares)

lines.py has the kinds that read one number off the spectrum; it is imported for them only.
0 stands for no energy.
"""

from array import array

from tocsin.dsp.buffers import ALL, shared
from tocsin.dsp.checks import FeatureError, integer, pairs
from tocsin.kernels import band_log2, load_power, make_work, spectrum
from tocsin.kernels.fixed import bit_length, log2_q8

_BAND_ZERO = 2048


class PowerSpectrum:
    """The power spectrum of the newest samples of a frame, and the scale of its bins.

    `work` holds it for the kernels; bins is how many bins there are; buffers are the shared ones.
    """

    given = False

    def __init__(self, n: int, window_fn: str, length: int, buffers: dict):
        from tocsin.dsp.windows import POWER_LOG2, make_window
        from tocsin.kernels.plan import REMOVE_MEAN, PlanError, make_plan

        length = min(n, length)
        try:
            self.plan = shared(buffers, ("plan", n, length), make_plan, n, length, REMOVE_MEAN)
        except PlanError as error:
            raise FeatureError(str(error))
        self.window_fn = window_fn
        self.window = shared(
            buffers, (str(window_fn), n, length), make_window, window_fn, length, n
        )
        self.work = shared(buffers, ("work", n), make_work, n)
        self.bins = (n >> 1) + 1
        self.n = n
        self.length = length
        self.buffers = buffers
        self._frame = self._head = self._tail = None
        log2_n = bit_length(n) - 1
        self.scale = 256 - 256 * log2_n - log2_q8(length) - POWER_LOG2[window_fn]

    def bind(self, frame) -> None:
        """Take samples from this frame; one that is not exactly n long is copied on each run."""
        self._frame = frame
        if self.length < self.n or len(frame) != self.n:
            scratch = shared(self.buffers, ("scratch", self.n), array, "h", bytes(2 * self.n))
            self._frame = scratch
            self._head = memoryview(scratch)[: self.length]
            self._tail = memoryview(frame)[len(frame) - self.length :]

    def run(self) -> int:
        """Compute it; returns 256 log2 of the mean square (LSB^2) that a power of 1 stands for."""
        if self._head is not None:
            self._head[ALL] = self._tail
        return (spectrum(self._frame, self.window, self.plan, self.work) << 8) + self.scale


class GivenSpectrum:
    """A frame that already is a magnitude spectrum, in place of an FFT."""

    given = True

    def __init__(self, bins: int, buffers: dict):
        self.bins = bins
        self.work = shared(buffers, ("work", 2 * bins), make_work, 2 * bins)
        self._frame = None

    def bind(self, frame) -> None:
        self._frame = frame

    def run(self) -> int:
        load_power(self._frame, self.bins, self.work)
        return -_BAND_ZERO


class Bands:
    """One output per band of a spectrum."""

    def __init__(self, feature: dict, at: int, bins: int):
        edges = feature.get("edges")
        pairs(feature, "edges", edges, bins)
        self.at = at
        self.table = array("h", [len(edges) >> 1] + edges)
        self._view = None

    def bind(self, vector) -> None:
        self._view = memoryview(vector)[self.at : self.at + self.table[0]]

    def run(self, work, offset: int, vector) -> None:
        band_log2(work, self.table, offset + _BAND_ZERO, self._view)


class Spectral:
    """All spectral features of one channel that share a spectrum."""

    KEYS = ("channel", "n", "window_fn")

    def __init__(self, feature: dict, config: dict, buffers: dict):
        self.channel = feature["channel"]
        if config.get("domain") == "spectrum":
            self.source = GivenSpectrum(config["window"], buffers)
        else:
            n = integer(feature, "n", 64, 2048)
            window_fn = feature.get("window_fn", "hann")
            self.source = PowerSpectrum(n, window_fn, config["window"], buffers)
        self.items = []

    def add(self, feature: dict, at: int) -> None:
        if feature["kind"] == "band_log2":
            item = Bands(feature, at, self.source.bins)
        else:
            from tocsin.dsp.lines import make_line

            item = make_line(feature, at, self.source)
        self.items.append(item)

    def bind(self, frames, vector) -> None:
        self.source.bind(frames[self.channel])
        for item in self.items:
            item.bind(vector)

    def reset(self) -> None:
        """Nothing is kept between windows."""

    def run(self, count: int, vector) -> None:
        offset = self.source.run()
        for item in self.items:
            item.run(self.source.work, offset, vector)
