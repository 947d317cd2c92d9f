# SPDX-License-Identifier: Apache-2.0
"""Statistics of one channel's samples about their mean, all from one pass of the moments kernel.

Over the newest `n` samples of the window, or, without `n`, over the `count` samples of the frame.
mean, std, rms, peak and peak_to_peak saturate at int16; `q` gives them fractional bits, -1 halves
them (not the mean). rms_log2 is 2048 + 256 log2(mean square, LSB^2), 0 for a constant; std_log2 is
256 log2(1 + mean square).
"""

from array import array

from tocsin.dsp.buffers import ALL, shared
from tocsin.dsp.table import FeatureError, integer
from tocsin.kernels import moments
from tocsin.kernels.fixed import isqrt, log2_q8, log2_q8_wide, ratio, sat16, shift_round

_LONGEST = 2048
_BIG = 20 << 8


def mean_square_log2(raw) -> int:
    """256 * log2(mean square in LSB^2), of raw moments that are not all zero."""
    return log2_q8_wide(raw[7], raw[8]) - log2_q8(raw[0]) - (raw[5] << 9)


def root_shift(raw) -> int:
    """How many fractional bits the RMS of the scaled samples has room for in 15 bits."""
    return (28 - ((log2_q8_wide(raw[7], raw[8]) - log2_q8(raw[0])) >> 8)) >> 1


def scaled_mean_square(raw) -> int:
    """Mean square of the scaled samples with 2 * root_shift fractional bits, below 2**30."""
    return ratio(raw[7], raw[8], 0, raw[0], 2 * root_shift(raw))


def rms(raw, q: int) -> int:
    """RMS in LSB with q fractional bits."""
    shift = root_shift(raw) + raw[5] - q
    return shift_round(isqrt(scaled_mean_square(raw)), min(shift, 20))


def log2_above_one(raw) -> int:
    """256 * log2(1 + mean square in LSB^2)."""
    value = mean_square_log2(raw)
    if value > _BIG:
        return value
    return log2_q8(256 + ratio(raw[7], raw[8], 0, raw[0], 8 - 2 * raw[5])) - 2048


def crest_factor(raw) -> int:
    """Largest distance from the mean over the RMS, Q8."""
    square = raw[13] * raw[13]
    low = (square & 0x7FFF) * raw[0]
    high = (square >> 15) * raw[0] + (low >> 15)
    return isqrt(ratio(high, low & 0x7FFF, raw[7], raw[8], 16))


def skewness(raw) -> int:
    """Mean cube over the RMS cubed, Q8."""
    high = raw[9]
    low = raw[10]
    if high < 0:
        high = -high
        if low:
            high -= 1
            low = 32768 - low
    cubes = ratio(high, low, raw[7], raw[8], 28)
    root = isqrt(scaled_mean_square(raw))
    value = ratio(cubes >> 15, cubes & 0x7FFF, 0, root, root_shift(raw) - 7)
    return -value if raw[9] < 0 else value


def kurtosis(raw) -> int:
    """Mean fourth power over the mean square squared, Q8."""
    fourth = ratio(raw[11], raw[12], raw[7], raw[8], 26)
    square = scaled_mean_square(raw)
    q = 8 + 2 * root_shift(raw)
    return ratio(fourth >> 15, fourth & 0x7FFF, square >> 15, square & 0x7FFF, q)


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
        self.items = []
        self._frame = None

    def add(self, feature: dict, at: int) -> None:
        self.items.append(
            (
                feature["kind"],
                at,
                integer(feature, "q", 0 if feature["kind"] == "mean" else -1, 8, 0),
            )
        )

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
        varies = raw[7] or raw[8]
        for kind, at, q in self.items:
            if kind == "mean":
                value = (raw[1] << q) + shift_round(raw[2], 14 - q)
            elif not varies:
                value = 0
            elif kind == "std" or kind == "rms":
                value = rms(raw, q)
            elif kind == "rms_log2":
                value = max(0, mean_square_log2(raw) + 2048)
            elif kind == "std_log2":
                value = log2_above_one(raw)
            elif kind == "peak":
                value = shift_round(raw[13], raw[5] - q)
            elif kind == "peak_to_peak":
                value = shift_round(raw[4] - raw[3], -q)
            elif kind == "crest_factor":
                value = crest_factor(raw)
            elif kind == "skewness":
                value = skewness(raw)
            elif kind == "kurtosis":
                value = kurtosis(raw)
            else:
                value = raw[6]
            vector[at] = sat16(value)
