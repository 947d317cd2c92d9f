# SPDX-License-Identifier: Apache-2.0
"""Features that are one number read off the bins lo .. hi-1 of a power spectrum.

    peak_frequency  the strongest bin, refined by the centroid with its neighbours
    peak_log2       like band_log2, the strongest bin and its neighbours
    centroid        energy-weighted mean bin
    velocity_log2   4096 + 256 log2(mean square velocity, (mm/s)^2): the bins of an acceleration
                    channel, each divided by its angular frequency; `offset` (resolve.py makes
                    it) is 256 log2(square of the mm/s of 1 LSB at bin lo)
    velocity_rms    the same as RMS in mm/s

0 stands for no energy.
"""

from array import array

from tocsin.dsp.buffers import shared
from tocsin.dsp.checks import FeatureError, integer
from tocsin.kernels import band_log2, centroid, peak_bin, weighted_log2
from tocsin.kernels.fixed import exp2_q8

_BAND_ZERO = 2048
_VELOCITY_ZERO = 4096


def make_line(feature: dict, at: int, source):
    """The object that computes a feature of this spectrum. Raises FeatureError."""
    lo = integer(feature, "lo", 0, source.bins - 1)
    hi = integer(feature, "hi", lo + 1, source.bins)
    if feature["kind"][:8] == "velocity":
        if source.given or lo < 1:
            raise FeatureError("%s: needs samples in time, lo above 0" % feature["kind"])
        weights = shared(source.buffers, ("velocity", lo, hi), velocity_weights, lo, hi)
        return Velocity(feature, at, weights)
    return Peak(feature, at, lo, hi, source.bins)


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


class Velocity:
    """velocity_rms and velocity_log2."""

    def __init__(self, feature: dict, at: int, weights: array):
        self.at = at
        self.rms = feature["kind"] == "velocity_rms"
        self.offset = integer(feature, "offset", -20000, 20000) + _VELOCITY_ZERO
        self.weights = weights

    def bind(self, vector) -> None:
        """Needs no view."""

    def run(self, work, offset: int, vector) -> None:
        value = weighted_log2(work, self.weights, offset + self.offset)
        if self.rms and value:
            value = min(exp2_q8(value >> 1), 32767)
        vector[self.at] = value


class Peak:
    """peak_frequency, peak_log2 and centroid."""

    def __init__(self, feature: dict, at: int, lo: int, hi: int, bins: int):
        self.kind = feature["kind"]
        self.at = at
        self.lo = lo
        self.hi = hi
        self.bins = bins
        self._table = array("h", [1, 0, 0])
        self._view = None

    def bind(self, vector) -> None:
        self._view = memoryview(vector)[self.at : self.at + 1]

    def run(self, work, offset: int, vector) -> None:
        lo = self.lo
        hi = self.hi
        if self.kind != "centroid":
            peak = peak_bin(work, lo, hi)
            lo = max(peak - 1, 0)
            hi = min(peak + 2, self.bins)
        if self.kind != "peak_log2":
            vector[self.at] = min(centroid(work, lo, hi), 32767)
            return
        self._table[1] = lo
        self._table[2] = hi
        band_log2(work, self._table, offset + _BAND_ZERO, self._view)
