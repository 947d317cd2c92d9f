# SPDX-License-Identifier: Apache-2.0
"""Reference kernels of the level and the moments of samples."""

from array import array

from tocsin.kernels.fixed import bit_length


def level(frame: array, count: int, out: array) -> None:
    """Store [count, mean, fraction, min, max] of frame[0:count] in out[0:5]; count 1..32767.

    mean is floor(sum / count); fraction is what the floor left off, Q14, floored.
    """
    total = 0
    low = high = frame[0]
    for i in range(count):
        x = frame[i]
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


def moments(frame: array, count: int, out: array) -> None:
    """Store the raw moments of frame[0:count] around its mean; count 1..32767.

    out, array('i') of 16 words, wide values (hi, lo) = hi * 2**15 + lo with 0 <= lo < 2**15:

        0 count   1 mean, floored   2 its fraction, Q14   3 min   4 max
        5 s, -3..13: v = (x - mean) * 2**s, rounded, so that |v| < 2**14
        6 number of changes of (x > mean) from one sample to the next
        7, 8 sum of v*v   9, 10 sum of v*u (hi is signed)   11, 12 sum of u*u
        13 largest |v|   14, 15 zero

    with u = v*v / 2**13, rounded. Mean square = (7, 8) / count * 2**(-2s) in LSB**2;
    skewness = sqrt(count) * 2**13 * (9, 10) / (7, 8)**1.5;
    kurtosis = count * 2**26 * (11, 12) / (7, 8)**2; crest**2 = out[13]**2 * count / (7, 8).
    """
    level(frame, count, out)
    mean = out[1]
    peak = max(out[4] - mean, mean - out[3]) + 1
    s = 14 - bit_length(peak + (peak >> 14))
    out[5] = s
    c = (out[2] >> (11 - s) if s <= 11 else out[2] << (s - 11)) - 4
    s += 3
    sq_hi = sq_lo = cu_hi = cu_lo = qu_hi = qu_lo = crossings = top = 0
    above = frame[0] > mean
    for i in range(count):
        x = frame[i] - mean
        if (x > 0) != above:
            above = not above
            crossings += 1
        v = ((x << s) - c) >> 3
        top = max(top, v, -v)
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
    out[14] = out[15] = 0
