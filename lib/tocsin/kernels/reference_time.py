# SPDX-License-Identifier: Apache-2.0
"""Reference kernels on samples in time: moments, envelope, resampling, channels."""

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


def teager(frame: array, decimation: int, out: array, count: int) -> int:
    """Block-average the Teager-Kaiser energy of frame[0:count]; return the exponent.

    psi[t] = x[t]**2 - x[t-1] * x[t+1] of the mean-free samples (0 at both ends) is the squared
    envelope of the derivative (Kaiser, ICASSP 1990). Block i is the mean of `decimation` (a power
    of two, 1..64) values from t = i * decimation on and equals out[i] * 2**exponent LSB**2;
    count // decimation entries of out, array('h') of at least 5, are written; count 1..32767.
    """
    level(frame, count, out)
    mean = out[1]
    c = out[2]
    peak = max(out[4] - mean, mean - out[3]) + 1
    s = 14 - bit_length(peak + (peak >> 14))
    c = (c >> (11 - s) if s <= 11 else c << (s - 11)) - 4
    exponent = -2 * s
    s += 3
    blocks = count // decimation
    last = count - 1
    drop = bit_length(decimation) - 1
    shift = t = before = 0
    here = (((frame[0] - mean) << s) - c) >> 3
    for i in range(blocks):
        total = 0
        for _ in range(decimation):
            if t < last:
                after = (((frame[t + 1] - mean) << s) - c) >> 3
                if t:
                    total += (here * here - before * after) >> drop
                before = here
                here = after
            t += 1
        while not -32768 <= total >> shift <= 32767:
            shift += 1
            for k in range(i):
                out[k] >>= 1
        out[i] = total >> shift
    return exponent + shift


def block_means(frame: array, count: int, out: array) -> None:
    """Store the means of len(out) equal blocks of frame[0:count], rounded; count 1..8192.

    Block i covers i * count // len(out) up to the next block's start; an empty one (count below
    len(out)) takes the sample where it would start.
    """
    blocks = len(out)
    start = 0
    for i in range(blocks):
        end = (i + 1) * count // blocks
        width = end - start
        if width > 0:
            total = 0
            for t in range(start, end):
                total += frame[t]
            out[i] = (2 * total + width) // (2 * width)
        else:
            out[i] = frame[start]
        start = end


def resample(frame: array, count: int, out: array) -> None:
    """Stretch or squeeze frame[0:count] to len(out) samples by linear interpolation.

    The first and last samples stay; the fraction between two samples is Q13, rounded once.
    """
    last = len(out) - 1
    for i in range(last + 1):
        at = i * (count - 1)
        t = at // last if last else 0
        x = frame[t]
        fraction = ((at - t * last) << 13) // last if last else 0
        out[i] = x + (((frame[t + 1] - x) * fraction + 4096) >> 13) if fraction else x


def deinterleave(block: array, start: int, spec: array, frame: array) -> None:
    """Copy one channel's samples from an interleaved block to a frame, both array('h').

    spec is array('h') [step, count, at]: frame[at + i] = block[start + i * step], i < count.
    """
    at = spec[2]
    step = spec[0]
    for i in range(at, at + spec[1]):
        frame[i] = block[start]
        start += step
