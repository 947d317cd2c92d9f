# SPDX-License-Identifier: Apache-2.0
"""What reads a power spectrum in viper code, bit-exact with reference_spectral.py.

Viper ints are 32 bits and wrap; pointers are raw, so nothing here may be called with arrays
shorter than the reference says.
"""

from array import array

import micropython

from tocsin.kernels.fixed import LOG2_TABLE, log2_q8_wide

_sum = array("i", bytes(8))


@micropython.viper
def load_power(frame: ptr16, count: int, work: ptr32):
    for k in range(count):
        x = (int(frame[k]) ^ 0x8000) - 0x8000
        if x == -32768:
            work[k] = 0x3FFFFFFF
        else:
            work[k] = x * x


def band_log2(work, edges, offset, out):
    _bands(work, edges, offset, out, LOG2_TABLE)


@micropython.viper
def _bands(work: ptr32, edges: ptr16, offset: int, out: ptr16, table: ptr16):
    at = 1
    for i in range(int(edges[0])):
        hi = 0
        lo = 0
        k = int(edges[at])
        end = int(edges[at + 1])
        while k < end:
            p = work[k]
            hi += p >> 15
            lo += p & 0x7FFF
            k += 1
        at += 2
        hi += lo >> 15
        lo &= 0x7FFF
        y = 0
        if hi | lo:
            n = 0
            if hi >= 0x8000:
                n = 15
                lo = hi
            else:
                lo |= hi << 15
            while lo >= 0x10000:
                lo >>= 1
                n += 1
            k = 15
            while lo < 0x8000:
                lo <<= 1
                k -= 1
            lo &= 0x7FFF
            k += n
            n = lo >> 10
            hi = int(table[n])
            y = (k << 8) + ((hi + ((int(table[n + 1]) - hi) * (lo & 1023) >> 10) + 32) >> 6)
            y += offset
            if y < 0:
                y = 0
            elif y > 0x7FFF:
                y = 0x7FFF
        out[i] = y


def weighted_log2(work, weights, offset):
    _weighted(work, weights, _sum)
    hi = _sum[0]
    lo = _sum[1]
    y = log2_q8_wide(hi, lo) + offset if hi | lo else 0
    return 0 if y < 0 else 32767 if y > 32767 else y


@micropython.viper
def _weighted(work: ptr32, weights: ptr16, out: ptr32):
    hi = 0
    lo = 0
    at = 2
    k = int(weights[0])
    for _ in range(int(weights[1])):
        p = work[k]
        w = int(weights[at])
        p = ((p >> 15) * w + ((p & 0x7FFF) * w >> 15)) >> int(weights[at + 1])
        hi += p >> 15
        lo += p & 0x7FFF
        at += 2
        k += 1
    out[0] = hi + (lo >> 15)
    out[1] = lo & 0x7FFF


@micropython.viper
def peak_bin(work: ptr32, lo: int, hi: int) -> int:
    best = lo
    most = 0
    while lo < hi:
        x = work[lo]
        if x > most:
            most = x
            best = lo
        lo += 1
    return best


@micropython.viper
def centroid(work: ptr32, lo: int, hi: int) -> int:
    high = 0
    low = 0
    k = lo
    while k < hi:
        p = work[k]
        high += p >> 15
        low += p & 0x7FFF
        k += 1
    high += low >> 15
    s = 0
    while high >= 32:
        high >>= 1
        s += 1
    moment = 0
    total = 0
    k = lo
    while k < hi:
        p = work[k] >> s
        total += p
        moment += p * (k - lo)
        k += 1
    if total == 0:
        return 0
    k = moment // total
    moment -= k * total
    return ((lo + k) << 4) + ((moment << 4) + (total >> 1)) // total
