# SPDX-License-Identifier: Apache-2.0
"""Rounding, saturation, logarithms and cosines in integers, defined once for every module.

Unless a docstring says otherwise, arguments, results and every intermediate value stay within
-2**30..2**30-1, MicroPython's small integers, so nothing here allocates. A "wide" value is a
pair (hi, lo) that stands for hi * 2**15 + lo with 0 <= lo < 2**15.
"""

from array import array

try:
    from micropython import const
except ImportError:

    def const(value: int) -> int:
        """Stand in for MicroPython's `const` on CPython."""
        return value


INT16_MIN = -32768
INT16_MAX = 32767
SMALL_MAX = 0x3FFFFFFF

# 2**14 * log2(1 + i/32) and 2**14 * 2**(i/32), rounded
LOG2_TABLE = array(
    "h",
    (0, 727, 1433, 2118, 2784, 3432, 4062, 4676, 5274, 5858, 6428, 6984, 7527, 8059, 8578, 9086,
     9584, 10071, 10549, 11017, 11476, 11926, 12368, 12802, 13228, 13646, 14057, 14461, 14858,
     15249, 15634, 16012, 16384),
)  # fmt: skip
_EXP2 = array(
    "H",
    (16384, 16743, 17109, 17484, 17867, 18258, 18658, 19066, 19484, 19911, 20347, 20792, 21247,
     21713, 22188, 22674, 23170, 23678, 24196, 24726, 25268, 25821, 26386, 26964, 27554, 28158,
     28774, 29405, 30048, 30706, 31379, 32066, 32768),
)  # fmt: skip



def sat16(x: int) -> int:
    """Clamp to int16."""
    return -32768 if x < -32768 else 32767 if x > 32767 else x


def sat8(x: int) -> int:
    """Clamp to int8."""
    return -128 if x < -128 else 127 if x > 127 else x


def shift_round(x: int, s: int) -> int:
    """Return x / 2**s rounded to nearest, halves up; s <= 0 shifts left."""
    return (x + (1 << (s - 1))) >> s if s > 0 else x << -s


def bit_length(x: int) -> int:
    """Return the number of bits of x, 0 <= x < 2**30."""
    n = 0
    if x >= 0x10000:
        n = 16
        x >>= 16
    if x >= 0x100:
        n += 8
        x >>= 8
    if x >= 0x10:
        n += 4
        x >>= 4
    if x >= 4:
        n += 2
        x >>= 2
    return n + (x if x < 2 else 2)


def fit(top: int, limit: int) -> int:
    """Return the least s >= -8 with top / 2**s < limit, 0 <= top < 2**22, limit >= 256."""
    s = bit_length(top) - bit_length(limit)
    if (top >> s if s >= 0 else top << -s) >= limit:
        s += 1
    return s if s > -8 else -8


def isqrt(x: int) -> int:
    """Return floor(sqrt(x)), 0 <= x < 2**30."""
    root = 0
    bit = 1 << 28
    while bit:
        if x >= root + bit:
            x -= root + bit
            root = (root >> 1) + bit
        else:
            root >>= 1
        bit >>= 2
    return root


def log2_q8(x: int) -> int:
    """Return 256 * log2(x), at most 0.6 off, for 1 <= x < 2**30; 0 for x <= 0.

    The 15 bits after the leading one, truncated, enter a table of 32 linear pieces.
    """
    if x <= 0:
        return 0
    n = bit_length(x) - 1
    f = (x << (15 - n) if n <= 15 else x >> (n - 15)) & 0x7FFF
    i = f >> 10
    low = LOG2_TABLE[i]
    return (n << 8) + ((low + (((LOG2_TABLE[i + 1] - low) * (f & 1023)) >> 10) + 32) >> 6)


def log2_q8_wide(hi: int, lo: int) -> int:
    """Return 256 * log2(hi * 2**15 + lo) as `log2_q8` would, 0 <= hi < 2**30."""
    if hi >= 0x8000:
        return log2_q8(hi) + 3840
    return log2_q8((hi << 15) | lo)


def exp2_q8(x: int) -> int:
    """Return 2**(x / 256) rounded, relative error below 1e-4, saturated to 2**30-1; x any sign."""
    n = x >> 8
    if n >= 30:
        return SMALL_MAX
    f = x & 255
    i = f >> 3
    low = _EXP2[i]
    m = (low << 3) + (_EXP2[i + 1] - low) * (f & 7)
    return shift_round(m, 17 - n) if n > -13 else 0


def norm_mant(hi: int, lo: int) -> int:
    """Return the 15 leading bits of a wide value, 2**14..2**15-1; 0 for zero.

    value = norm_mant * 2**norm_exp, up to truncation below the 15th bit.
    """
    e = norm_exp(hi, lo)
    if e >= 15:
        return hi >> (e - 15)
    x = (hi << 15) | lo
    return x >> e if e >= 0 else x << -e


def norm_exp(hi: int, lo: int) -> int:
    """Return the exponent that belongs to `norm_mant`, -15 for zero; 0 <= hi < 2**30."""
    return bit_length(hi) if hi else bit_length(lo) - 15


def scale_sat(m: int, e: int) -> int:
    """Return m * 2**e rounded, halves up, saturated to 2**30-1, for 0 <= m < 2**16."""
    if e <= 0:
        return shift_round(m, -e) if e > -18 else 0
    if m == 0:
        return 0
    return m << e if bit_length(m) + e <= 30 else SMALL_MAX


def ratio(a_hi: int, a_lo: int, b_hi: int, b_lo: int, q: int) -> int:
    """Return a / b * 2**q from wide values >= 0, relative error below 2**-13, saturated.

    A zero divisor gives 0.
    """
    m = norm_mant(b_hi, b_lo)
    if m == 0:
        return 0
    e = norm_exp(a_hi, a_lo) - norm_exp(b_hi, b_lo) + q - 15
    return scale_sat((norm_mant(a_hi, a_lo) << 15) // m, e)
