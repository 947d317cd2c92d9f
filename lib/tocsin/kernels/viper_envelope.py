# SPDX-License-Identifier: Apache-2.0
"""The Teager-Kaiser envelope in viper code, bit-exact with reference_envelope.py.

Viper ints are 32 bits and wrap; pointers are raw, so nothing here may be called with arrays
shorter than the reference says.
"""

from array import array

import micropython

from tocsin.kernels.fixed import bit_length

from .viper_moments import level

_scratch = array("i", bytes(20))


def teager(frame, decimation, out, count):
    level(frame, count, _scratch)
    mean = _scratch[1]
    peak = max(_scratch[4] - mean, mean - _scratch[3]) + 1
    s = 14 - bit_length(peak + (peak >> 14))
    c = (_scratch[2] >> (11 - s) if s <= 11 else _scratch[2] << (s - 11)) - 4
    _scratch[2] = c
    _scratch[3] = s + 3
    return _teager(frame, decimation, out, _scratch) - 2 * s


@micropython.viper
def _teager(frame: ptr16, decimation: int, out: ptr16, scratch: ptr32) -> int:
    last = scratch[0] - 1
    mean = scratch[1]
    c = scratch[2]
    s = scratch[3]
    drop = 0
    while (2 << drop) <= decimation:
        drop += 1
    blocks = (last + 1) >> drop
    shift = 0
    t = 0
    before = 0
    here = (((((int(frame[0]) ^ 0x8000) - 0x8000) - mean) << s) - c) >> 3
    for i in range(blocks):
        total = 0
        end = t + decimation
        while t < end:
            if t < last:
                after = (((((int(frame[t + 1]) ^ 0x8000) - 0x8000) - mean) << s) - c) >> 3
                if t:
                    total += (here * here - before * after) >> drop
                before = here
                here = after
            t += 1
        y = total >> shift
        while y != ((y << 16) >> 16):
            y >>= 1
            shift += 1
            for k in range(i):
                out[k] = ((int(out[k]) << 16) >> 17) & 0xFFFF
        out[i] = y & 0xFFFF
    return shift
