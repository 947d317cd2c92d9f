# SPDX-License-Identifier: Apache-2.0
"""Cosines in integers, the same on every platform: for tables that are made once."""

from array import array

_QUARTER_PI_Q40 = 863554413089


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
