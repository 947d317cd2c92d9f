# SPDX-License-Identifier: Apache-2.0
"""FFT plans, the tables that every FFT kernel streams, and the cosines they are made of.

All in integers, the same on every platform; a device drops this when its tables are made.
"""

from array import array

from tocsin.kernels.fixed import bit_length, shift_round

REMOVE_MEAN = 1

_HEADER = 16
_QUARTER_PI_Q40 = 863554413089
# largest input of a radix-4 pass, after its shift, whose output stays below 2**16, and of the last
# pass, whose output the split's products allow: a component grows by at most 1 + 3 sqrt(2)
PASS_LIMIT = 12480
LAST_LIMIT = 17600


class PlanError(ValueError):
    """An FFT size or frame length that no plan can be made for."""


def make_plan(n: int, length: int, flags: int) -> array:
    """Return the plan of a real FFT of n points over frames of `length` samples.

    n is a power of two, 64..2048; 1 <= length <= n (the rest is zero padding); flags is 0 or
    REMOVE_MEAN. Raises PlanError. The int16 layout, M = n / 2 complex points:

        0 n   1 log2 n   2 length   3 flags   4 radix of the first pass, 2 or 4
        5 number of radix-4 passes after it   6, 7, 8 index of the tables A, B, C
        A  M / radix entries: where in `work` butterfly i of the first pass is stored
        B  per radix-4 pass, for j = 0..q-1 (q a quarter of the pass' transform size):
           cos, sin of W, W**2, W**3 with W = exp(-2 pi i j / 4q), Q13
        C  cos, sin of exp(-2 pi i k / n) for k = 0..M/2-1, Q12
    """
    log2_n = bit_length(n) - 1 if 0 < n <= 2048 else 0
    if log2_n < 6 or n != 1 << log2_n:
        raise PlanError("FFT size {}: use a power of two from 64 to 2048".format(n))
    if not 1 <= length <= n:
        raise PlanError("frame of {} samples: use 1 to {} for FFT size {}".format(length, n, n))
    if flags & ~REMOVE_MEAN:
        raise PlanError("unknown plan flags {}: use 0 or REMOVE_MEAN".format(flags))
    m = n >> 1
    radix = 2 if log2_n & 1 == 0 else 4
    passes = (log2_n - 1 - (radix >> 1)) >> 1
    twiddles = _HEADER + (m // radix + 1 & ~1)
    split = twiddles + 6 * (m - radix) // 3
    plan = array("h", bytes(2 * (split + m)))
    plan[0], plan[1], plan[2], plan[3] = n, log2_n, length, flags
    plan[4], plan[5], plan[6], plan[7], plan[8] = radix, passes, _HEADER, twiddles, split
    for i in range(m // radix):
        plan[_HEADER + i] = 2 * radix * _reverse4(i, passes)
    quarter = _quarter(n, 16)
    at = twiddles
    size = 4 * radix
    while size <= m:
        step = n // size
        for j in range(size // 4):
            for power in (1, 2, 3):
                _put(plan, at, quarter, power * j * step, n)
                at += 2
        size *= 4
    quarter = _quarter(n, 17)
    for k in range(m >> 1):
        _put(plan, split + 2 * k, quarter, k, n)
    return plan


def _reverse4(i: int, digits: int) -> int:
    """Return i with its base-4 digits reversed."""
    r = 0
    for _ in range(digits):
        r = (r << 2) | (i & 3)
        i >>= 2
    return r


def _quarter(n: int, shift: int) -> array:
    """Return cos(2 pi k / n), Q(29 - shift), for k = 0..n/4."""
    return array("h", [shift_round(value, shift) for value in cosines(n)])


def _put(plan: array, at: int, quarter: array, k: int, n: int) -> None:
    """Store cos and sin of 2 pi k / n, 0 <= k < n, from the first quarter's cosines."""
    plan[at] = fold(quarter, k, n)
    plan[at + 1] = fold(quarter, (k + 3 * n // 4) % n, n)


def cos_q(k: int, n: int, one: int) -> int:
    """Return one * cos(2 pi k / n), rounded, the same on every platform.

    Folds the angle into one octant and sums the Taylor series in Q40. Uses big integers: for
    tables that are made once, not for a hot path.
    """
    t = 8 * (k % n)
    if t > 4 * n:
        t = 8 * n - t
    negative = t > 2 * n
    if negative:
        t = 4 * n - t
    sine = t > n
    if sine:
        t = 2 * n - t
    x = t * _QUARTER_PI_Q40 // n
    square = (x * x) >> 40
    unit = 1 << 40
    y = unit
    for d in (156, 110, 72, 42, 20, 6) if sine else (132, 90, 56, 30, 12, 2):
        y = unit - (((square * y) >> 40) // d)
    if sine:
        y = (x * y) >> 40
    y = (one * y + (unit >> 1)) >> 40
    return -y if negative else y


COSINES = {}
"""n -> the table of `cosines`, kept while tables are made; empty it when they are."""


def cosines(n: int) -> array:
    """Return 2**29 cos(2 pi k / n), rounded, int32, for k = 0..n/4; n a multiple of 4."""
    if n not in COSINES:
        COSINES[n] = array("i", [cos_q(k, n, 1 << 29) for k in range((n >> 2) + 1)])
    return COSINES[n]


def fold(quarter, k: int, n: int) -> int:
    """Return the cosine of 2 pi k / n, 0 <= k < n, from those of the first quarter."""
    if k > n >> 1:
        k = n - k
    return quarter[k] if k <= n >> 2 else -quarter[(n >> 1) - k]


def cos_q15(k: int, n: int) -> int:
    """Return 2**15 * cos(2 pi k / n), rounded: -32768..32768. See `cos_q`."""
    return cos_q(k, n, 32768)
