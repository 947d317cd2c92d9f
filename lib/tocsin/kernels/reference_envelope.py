# SPDX-License-Identifier: Apache-2.0
"""Reference kernel of the Teager-Kaiser envelope."""

from array import array

from tocsin.kernels.fixed import bit_length
from tocsin.kernels.reference_moments import level


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
