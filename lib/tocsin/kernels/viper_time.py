# SPDX-License-Identifier: Apache-2.0
"""Kernels on samples in time in viper code, bit-exact with reference_time.py.

Viper ints are 32 bits and wrap; pointers are raw, so nothing here may be called with arrays
shorter than the reference says.
"""

from array import array

import micropython

from tocsin.kernels.fixed import bit_length

_scratch = array("i", bytes(20))


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


@micropython.viper
def deinterleave(block: ptr16, start: int, spec: ptr16, frame: ptr16):
    step = int(spec[0])
    at = int(spec[2])
    end = at + int(spec[1])
    while at < end:
        frame[at] = block[start]
        start += step
        at += 1
