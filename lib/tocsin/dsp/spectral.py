# SPDX-License-Identifier: Apache-2.0
"""Features of one channel's power spectrum; all kinds with the same n and window share one FFT.

The newest min(n, window) samples are used, zero-padded to n (64 to 2048, a power of two). Bin k is
k * rate / n. In the domain "spectrum" a frame holds the magnitude of `window` bins, no FFT is
made and the energy of a bin is its square.

    band_log2       2048 + 256 log2(mean square of the signal in the band, LSB^2), per pair lo, hi
                    of `edges` (bins lo .. hi-1); spectrum domain: 256 log2(sum of squares)
    peak_frequency  the strongest bin of lo .. hi-1, refined by the centroid with its neighbours
    peak_log2       like band_log2, the strongest bin and its neighbours
    centroid        energy-weighted mean bin of lo .. hi-1
    velocity_log2   4096 + 256 log2(mean square velocity, (mm/s)^2): an acceleration channel's bins
                    lo .. hi-1, each divided by its angular frequency; `offset` (resolve.py makes
                    it) is 256 log2(square of the mm/s of 1 LSB at bin lo)
    velocity_rms    the same as RMS in mm/s

0 stands for no energy.
"""

from array import array

from tocsin.dsp.buffers import ALL, shared
from tocsin.dsp.table import FeatureError, integer, pairs
from tocsin.dsp.windows import POWER_LOG2, make_window
from tocsin.kernels import (
    band_log2,
    centroid,
    load_power,
    make_work,
    peak_bin,
    spectrum,
    weighted_log2,
)
from tocsin.kernels.fixed import bit_length, exp2_q8, log2_q8, sat16
from tocsin.kernels.plan import REMOVE_MEAN, PlanError, make_plan

_BAND_ZERO = 2048
_VELOCITY_ZERO = 4096


class PowerSpectrum:
    """The power spectrum of the newest samples of a frame, and the scale of its bins.

    `work` holds it for the kernels; bins is how many bins there are.
    """

    def __init__(self, n: int, window_fn: str, length: int, buffers: dict):
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
        self._buffers = buffers
        self._frame = self._head = self._tail = None
        log2_n = bit_length(n) - 1
        self.scale = 256 - 256 * log2_n - log2_q8(length) - POWER_LOG2[window_fn]

    def bind(self, frame) -> None:
        """Take samples from this frame; one that is not exactly n long is copied on each run."""
        self._frame = frame
        if self.length < self.n or len(frame) != self.n:
            scratch = shared(self._buffers, ("scratch", self.n), array, "h", bytes(2 * self.n))
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

    def __init__(self, bins: int, buffers: dict):
        self.bins = bins
        self.work = shared(buffers, ("work", 2 * bins), make_work, 2 * bins)
        self._frame = None

    def bind(self, frame) -> None:
        self._frame = frame

    def run(self) -> int:
        load_power(self._frame, self.bins, self.work)
        return -_BAND_ZERO


def velocity_weights(lo: int, hi: int) -> array:
    """Weights (lo / k)**2 of bins lo .. hi-1, as `weighted_log2` takes them."""
    weights = array("h", [lo, hi - lo])
    for k in range(lo, hi):
        shift = 0
        while lo * lo << (shift + 1) <= k * k:
            shift += 1
        weights.append(min(32767, ((lo * lo << (shift + 15)) + k * k // 2) // (k * k)))
        weights.append(shift)
    return weights


def band_table(edges) -> array:
    """A flat list of bin pairs as `band_log2` takes it."""
    return array("h", [len(edges) >> 1] + list(edges))


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
        self._given = config.get("domain") == "spectrum"
        self._peak = band_table([0, 1])
        self.items = []
        self._views = []

    def add(self, feature: dict, at: int) -> None:
        kind = feature["kind"]
        bins = self.source.bins
        if kind == "band_log2":
            pairs(feature, "edges", feature.get("edges"), bins)
            item = (kind, at, band_table(feature["edges"]), 0, 0)
        else:
            lo = integer(feature, "lo", 0, bins - 1)
            hi = integer(feature, "hi", lo + 1, bins)
            table, offset = None, 0
            if kind == "velocity_rms" or kind == "velocity_log2":
                if self._given or lo < 1:
                    raise FeatureError("%s: needs samples in time, lo above 0" % kind)
                offset = integer(feature, "offset", -20000, 20000) + _VELOCITY_ZERO
                table = velocity_weights(lo, hi)
            item = (kind, at, table, lo if table is None else offset, hi)
        self.items.append(item)
        self._views.append(None)

    def bind(self, frames, vector) -> None:
        self.source.bind(frames[self.channel])
        view = memoryview(vector)
        for i in range(len(self.items)):
            item = self.items[i]
            count = item[2][0] if item[0] == "band_log2" else 1
            self._views[i] = view[item[1] : item[1] + count]

    def reset(self) -> None:
        """Nothing is kept between windows."""

    def run(self, count: int, vector) -> None:
        offset = self.source.run()
        work = self.source.work
        for i in range(len(self.items)):
            kind, at, table, lo, hi = self.items[i]
            if kind == "band_log2":
                band_log2(work, table, offset + _BAND_ZERO, self._views[i])
            elif table is not None:
                value = weighted_log2(work, table, offset + lo)
                if kind == "velocity_rms" and value:
                    value = min(exp2_q8(value >> 1), 32767)
                vector[at] = value
            elif kind == "centroid":
                vector[at] = sat16(centroid(work, lo, hi))
            else:
                peak = peak_bin(work, lo, hi)
                lo = max(peak - 1, 0)
                hi = min(peak + 2, self.source.bins)
                if kind == "peak_frequency":
                    vector[at] = sat16(centroid(work, lo, hi))
                else:
                    self._peak[1] = lo
                    self._peak[2] = hi
                    band_log2(work, self._peak, offset + _BAND_ZERO, self._views[i])
