# SPDX-License-Identifier: Apache-2.0
"""Reference kernels that read a power spectrum p[k] = work[k] in 0..2**30-1."""

from array import array

from tocsin.kernels.fixed import bit_length, log2_q8_wide


def load_power(frame: array, count: int, work: array) -> None:
    """Take a frame that holds magnitudes: work[k] = min(frame[k]**2, 2**30 - 1) for k < count."""
    for k in range(count):
        x = frame[k]
        work[k] = x * x if x > -32768 else 0x3FFFFFFF


def band_log2(work: array, edges: array, offset: int, out: array) -> None:
    """Store 256 * log2(sum of p[lo:hi]) + offset, clamped to 0..32767, per band; 0 if empty.

    edges is array('h') [count, lo, hi, lo, hi, ...] with 0 <= lo <= hi <= n/2 + 1; out has
    `count` or more entries. Sums are exact.
    """
    at = 1
    for i in range(edges[0]):
        hi = lo = 0
        for k in range(edges[at], edges[at + 1]):
            p = work[k]
            hi += p >> 15
            lo += p & 0x7FFF
        hi += lo >> 15
        lo &= 0x7FFF
        at += 2
        y = log2_q8_wide(hi, lo) + offset if hi | lo else 0
        out[i] = 0 if y < 0 else 32767 if y > 32767 else y


def weighted_log2(work: array, weights: array, offset: int) -> int:
    """Return 256 * log2(sum of p[k] * w[k]) + offset, clamped to 0..32767; 0 if empty.

    weights is array('h') [lo, count, mantissa, shift, mantissa, shift, ...] for bins lo..lo +
    count - 1: w = mantissa * 2**-(15 + shift), mantissa 0..32767, shift 0..29, each term floored.
    """
    hi = lo = 0
    at = 2
    for k in range(weights[0], weights[0] + weights[1]):
        p = work[k]
        w = weights[at]
        p = ((p >> 15) * w + ((p & 0x7FFF) * w >> 15)) >> weights[at + 1]
        hi += p >> 15
        lo += p & 0x7FFF
        at += 2
    hi += lo >> 15
    lo &= 0x7FFF
    y = log2_q8_wide(hi, lo) + offset if hi | lo else 0
    return 0 if y < 0 else 32767 if y > 32767 else y


def peak_bin(work: array, lo: int, hi: int) -> int:
    """Return the first k in lo..hi-1 with the largest p[k]; lo when that is 0."""
    best = lo
    most = 0
    for k in range(lo, hi):
        if work[k] > most:
            most = work[k]
            best = k
    return best


def centroid(work: array, lo: int, hi: int) -> int:
    """Return the centre of gravity of p[lo:hi] in bins, Q4, rounded; 0 when all are 0.

    The powers are shifted down, alike, until their sum is below 2**20.
    """
    high = low = 0
    for k in range(lo, hi):
        p = work[k]
        high += p >> 15
        low += p & 0x7FFF
    high += low >> 15
    s = max(bit_length(high) - 5, 0)
    moment = total = 0
    for k in range(lo, hi):
        p = work[k] >> s
        total += p
        moment += p * (k - lo)
    if total == 0:
        return 0
    whole = moment // total
    rest = moment - whole * total
    return ((lo + whole) << 4) + ((rest << 4) + (total >> 1)) // total
