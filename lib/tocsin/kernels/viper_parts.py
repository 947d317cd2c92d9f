# SPDX-License-Identifier: Apache-2.0
"""Other numbers of points in viper code, bit-exact with reference_parts.py.

Viper ints are 32 bits and wrap; pointers are raw, so nothing here may be called with arrays
shorter than the reference says.
"""

import micropython


def block_means(frame, count, out):
    _block_means(frame, count, out, len(out))


@micropython.viper
def _block_means(frame: ptr16, count: int, out: ptr16, blocks: int):
    start = 0
    for i in range(blocks):
        end = (i + 1) * count // blocks
        width = end - start
        if width > 0:
            total = 0
            while start < end:
                total += (int(frame[start]) ^ 0x8000) - 0x8000
                start += 1
            out[i] = ((2 * total + width) // (2 * width)) & 0xFFFF
        else:
            out[i] = frame[start]


def resample(frame, count, out):
    _resample(frame, count - 1, out, len(out) - 1)


@micropython.viper
def _resample(frame: ptr16, span: int, out: ptr16, last: int):
    out[0] = frame[0]
    for i in range(1, last + 1):
        at = i * span
        t = at // last
        x = (int(frame[t]) ^ 0x8000) - 0x8000
        fraction = ((at - t * last) << 13) // last
        if fraction:
            x += ((((int(frame[t + 1]) ^ 0x8000) - 0x8000) - x) * fraction + 4096) >> 13
        out[i] = x & 0xFFFF
