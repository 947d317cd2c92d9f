# SPDX-License-Identifier: Apache-2.0
"""Level and moments in viper code, bit-exact with reference_moments.py.

Viper ints are 32 bits and wrap; pointers are raw, so nothing here may be called with arrays
shorter than the reference says.
"""

import micropython

from tocsin.kernels.fixed import bit_length


@micropython.viper
def level(frame: ptr16, count: int, out: ptr32):
    total = 0
    low = high = (int(frame[0]) ^ 0x8000) - 0x8000
    for i in range(count):
        x = (int(frame[i]) ^ 0x8000) - 0x8000
        total += x
        if x < low:
            low = x
        elif x > high:
            high = x
    mean = total // count
    out[0] = count
    out[1] = mean
    out[2] = ((total - mean * count) << 14) // count
    out[3] = low
    out[4] = high


def moments(frame, count, out):
    level(frame, count, out)
    mean = out[1]
    peak = max(out[4] - mean, mean - out[3]) + 1
    s = 14 - bit_length(peak + (peak >> 14))
    out[5] = s
    _moments(frame, count, out, (out[2] >> (11 - s) if s <= 11 else out[2] << (s - 11)) - 4)


@micropython.viper
def _moments(frame: ptr16, count: int, out: ptr32, c: int):
    mean = out[1]
    s = out[5] + 3
    sq_hi = 0
    sq_lo = 0
    cu_hi = 0
    cu_lo = 0
    qu_hi = 0
    qu_lo = 0
    crossings = 0
    top = 0
    above = 0
    if ((int(frame[0]) ^ 0x8000) - 0x8000) > mean:
        above = 1
    for i in range(count):
        x = (int(frame[i]) ^ 0x8000) - 0x8000 - mean
        v = ((x << s) - c) >> 3
        if x > 0:
            if above == 0:
                above = 1
                crossings += 1
        elif above:
            above = 0
            crossings += 1
        if v > top:
            top = v
        if 0 - v > top:
            top = 0 - v
        x = v * v
        sq_hi += x >> 15
        sq_lo += x & 0x7FFF
        u = (x + 4096) >> 13
        x = v * u
        cu_hi += x >> 15
        cu_lo += x & 0x7FFF
        x = u * u
        qu_hi += x >> 15
        qu_lo += x & 0x7FFF
    out[6] = crossings
    out[7] = sq_hi + (sq_lo >> 15)
    out[8] = sq_lo & 0x7FFF
    out[9] = cu_hi + (cu_lo >> 15)
    out[10] = cu_lo & 0x7FFF
    out[11] = qu_hi + (qu_lo >> 15)
    out[12] = qu_lo & 0x7FFF
    out[13] = top
    out[14] = 0
    out[15] = 0
