# SPDX-License-Identifier: Apache-2.0
"""The spectrum on ulab's numpy, in float32, where firmware has it.

Same signatures as reference_spectral.py. Powers are floats in LSB**2, so exponents are 0. Log
features differ from the reference by at most 1 unit in bands that hold more than 1/1000 of the
energy; below that the reference's own rounding shows. ulab makes a new array per operation: these
kernels allocate.
"""

from array import array
from math import floor, log

from ulab import numpy as np

_OCTAVE = 369.32993  # 256 / ln 2


def make_work(n: int) -> "np.ndarray":
    """Return the work array of an FFT of n points."""
    return np.zeros(n + 2)


def _transform(frame: array, window: array, plan: array) -> tuple:
    """Return the real and imaginary parts of all n bins."""
    n, length = plan[0], plan[2]
    x = np.array(np.frombuffer(frame, dtype=np.int16, count=length), dtype=np.float)
    if plan[3] & 1:
        x -= np.mean(x)
    y = np.zeros(n)
    y[:length] = x * np.frombuffer(window, dtype=np.int16, count=length) * (1 / 32768)
    z = np.fft.fft(y)
    if isinstance(z, tuple):
        return z
    return np.real(z), np.imag(z)


def rfft(frame: array, window: array, plan: array, work: "np.ndarray") -> int:
    """Real FFT, bins 0..n/2 as re, im pairs in LSB; return the exponent, 0."""
    n = plan[0]
    re, im = _transform(frame, window, plan)
    work[0 : n + 2 : 2] = re[: n // 2 + 1]
    work[1 : n + 2 : 2] = im[: n // 2 + 1]
    return 0


def spectrum(frame: array, window: array, plan: array, work: "np.ndarray") -> int:
    """Power of the bins 0..n/2 in LSB**2; return the exponent, 0."""
    bins = plan[0] // 2 + 1
    re, im = _transform(frame, window, plan)
    re = re[:bins]
    im = im[:bins]
    work[:bins] = re * re + im * im
    return 0


def load_power(frame: array, count: int, work: "np.ndarray") -> None:
    """Take a frame that already holds magnitudes."""
    x = np.array(np.frombuffer(frame, dtype=np.int16, count=count), dtype=np.float)
    work[:count] = x * x


def _log2(total: float, offset: int) -> int:
    """Clamped log2 of a sum in 1/256 octave, 0 if there is none."""
    if total <= 0:
        return 0
    return min(max(floor(log(total) * _OCTAVE + 0.5) + offset, 0), 32767)


def band_log2(work: "np.ndarray", edges: array, offset: int, out: array) -> None:
    """Log energy per band."""
    for i in range(edges[0]):
        lo, hi = edges[2 * i + 1], edges[2 * i + 2]
        out[i] = _log2(np.sum(work[lo:hi]), offset) if hi > lo else 0


def weighted_log2(work: "np.ndarray", weights: array, offset: int) -> int:
    """Log of a weighted sum of powers."""
    lo, count = weights[0], weights[1]
    if count == 0:
        return 0
    pairs = np.frombuffer(weights, dtype=np.int16, count=2 * count, offset=4)
    shift = np.array(pairs[1::2], dtype=np.float)
    w = pairs[::2] * np.exp((shift + 15) * -0.6931472)
    return _log2(np.sum(work[lo : lo + count] * w), offset)


def peak_bin(work: "np.ndarray", lo: int, hi: int) -> int:
    """First bin with the largest power."""
    return lo + int(np.argmax(work[lo:hi])) if hi > lo else lo


def centroid(work: "np.ndarray", lo: int, hi: int) -> int:
    """Centre of gravity in bins, Q4."""
    if hi <= lo:
        return 0
    p = work[lo:hi]
    total = np.sum(p)
    if total <= 0:
        return 0
    return floor(16 * (lo + np.sum(p * np.arange(hi - lo)) / total) + 0.5)
