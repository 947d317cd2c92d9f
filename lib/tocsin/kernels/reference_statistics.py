# SPDX-License-Identifier: Apache-2.0
"""Reference kernel of statistics: what features say, from the raw numbers of `moments`."""

from array import array

from tocsin.kernels.fixed import isqrt, log2_q8, log2_q8_wide, ratio, sat16, shift_round

MEAN = 0
RMS = 1
RMS_LOG2 = 2
STD_LOG2 = 3
PEAK = 4
PEAK_TO_PEAK = 5
CREST_FACTOR = 6
SKEWNESS = 7
KURTOSIS = 8
ZERO_CROSSINGS = 9

_BIG = 20 << 8


def statistics(raw: array, table: array, vector: array) -> None:
    """Write statistics of one channel to vector, saturated at int16.

    raw is what `moments` makes, table array('h') [rows, kind, at, q, kind, at, q, ...] and vector
    array('h'): row by row, vector[at] becomes the statistic of that kind (0..9, above) with q
    fractional bits, -1..8. All but MEAN are 0 for a constant signal.
    """
    varies = raw[7] or raw[8]
    at = 1
    for _ in range(table[0]):
        kind = table[at]
        if kind == MEAN:
            q = table[at + 2]
            value = (raw[1] << q) + shift_round(raw[2], 14 - q)
        else:
            value = _statistic(raw, kind, table[at + 2]) if varies else 0
        vector[table[at + 1]] = sat16(value)
        at += 3


def _statistic(raw, kind: int, q: int) -> int:
    if kind == RMS:
        return shift_round(isqrt(_mean_square(raw)), min(_root_shift(raw) + raw[5] - q, 20))
    if kind == RMS_LOG2:
        return max(0, _mean_square_log2(raw) + 2048)
    if kind == STD_LOG2:
        return _log2_above_one(raw)
    if kind == PEAK:
        return shift_round(raw[13], raw[5] - q)
    if kind == PEAK_TO_PEAK:
        return shift_round(raw[4] - raw[3], -q)
    if kind == CREST_FACTOR:
        return _crest_factor(raw)
    if kind == SKEWNESS:
        return _skewness(raw)
    return _kurtosis(raw) if kind == KURTOSIS else raw[6]


def _mean_square_log2(raw) -> int:
    """256 * log2(mean square in LSB^2)."""
    return log2_q8_wide(raw[7], raw[8]) - log2_q8(raw[0]) - (raw[5] << 9)


def _root_shift(raw) -> int:
    """How many fractional bits the RMS of the scaled samples has room for in 15 bits."""
    return (28 - ((log2_q8_wide(raw[7], raw[8]) - log2_q8(raw[0])) >> 8)) >> 1


def _mean_square(raw) -> int:
    """Mean square of the scaled samples with 2 * root_shift fractional bits, below 2**30."""
    return ratio(raw[7], raw[8], 0, raw[0], 2 * _root_shift(raw))


def _log2_above_one(raw) -> int:
    """256 * log2(1 + mean square in LSB^2)."""
    value = _mean_square_log2(raw)
    if value > _BIG:
        return value
    return log2_q8(256 + ratio(raw[7], raw[8], 0, raw[0], 8 - 2 * raw[5])) - 2048


def _crest_factor(raw) -> int:
    """Largest distance from the mean over the RMS, Q8."""
    square = raw[13] * raw[13]
    low = (square & 0x7FFF) * raw[0]
    high = (square >> 15) * raw[0] + (low >> 15)
    return isqrt(ratio(high, low & 0x7FFF, raw[7], raw[8], 16))


def _skewness(raw) -> int:
    """Mean cube over the RMS cubed, Q8."""
    high = raw[9]
    low = raw[10]
    if high < 0:
        high = -high
        if low:
            high -= 1
            low = 32768 - low
    cubes = ratio(high, low, raw[7], raw[8], 28)
    root = isqrt(_mean_square(raw))
    value = ratio(cubes >> 15, cubes & 0x7FFF, 0, root, _root_shift(raw) - 7)
    return -value if raw[9] < 0 else value


def _kurtosis(raw) -> int:
    """Mean fourth power over the mean square squared, Q8."""
    fourth = ratio(raw[11], raw[12], raw[7], raw[8], 26)
    square = _mean_square(raw)
    q = 8 + 2 * _root_shift(raw)
    return ratio(fourth >> 15, fourth & 0x7FFF, square >> 15, square & 0x7FFF, q)
