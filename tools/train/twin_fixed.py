# SPDX-License-Identifier: Apache-2.0
"""Numpy twins of lib/tocsin/kernels/fixed.py: the same integers, over int64 arrays.

A wide value is one int64 here, hi * 2**15 + lo, below 2**45.
"""

from __future__ import annotations

import numpy as np

from tocsin.kernels import fixed

from .twin_kernels import bit_length

_EXP2 = np.array(fixed._EXP2, dtype=np.int64)


def sat16(x: np.ndarray) -> np.ndarray:
    return np.clip(x, -32768, 32767)


def shift_either(x: np.ndarray, right: np.ndarray | int) -> np.ndarray:
    """x >> right, or x << -right where right is negative."""
    return np.where(right >= 0, x >> np.maximum(right, 0), x << np.maximum(-right, 0))


def shift_round(x: np.ndarray, s: np.ndarray | int) -> np.ndarray:
    half = np.where(s > 0, np.int64(1) << np.maximum(np.asarray(s) - 1, 0), 0)
    return shift_either(x + half, np.asarray(s))


def isqrt(x: np.ndarray) -> np.ndarray:
    """Floor of the root; exact below 2**52."""
    return np.sqrt(x.astype(np.float64)).astype(np.int64)


def exp2_q8(x: np.ndarray) -> np.ndarray:
    n = x >> 8
    i = (x & 255) >> 3
    m = (_EXP2[i] << 3) + (_EXP2[i + 1] - _EXP2[i]) * (x & 7)
    y = shift_round(m, 17 - np.clip(n, -13, 29))
    return np.where(n >= 30, fixed.SMALL_MAX, np.where(n > -13, y, 0))


def _scale_sat(m: np.ndarray, e: np.ndarray) -> np.ndarray:
    down = np.where(e > -18, shift_round(m, np.clip(-e, 0, 18)), 0)
    fits = bit_length(m) + e <= 30
    up = np.where(fits, m << np.clip(np.where(fits, e, 0), 0, 30), fixed.SMALL_MAX)
    return np.where(e <= 0, down, np.where(m == 0, 0, up))


def ratio(a: np.ndarray, b: np.ndarray, q: np.ndarray | int) -> np.ndarray:
    """a / b * 2**q of wide values, as `fixed.ratio`."""
    a, b = np.broadcast_arrays(np.asarray(a, np.int64), np.asarray(b, np.int64))
    ea, eb = bit_length(a).astype(np.int64) - 15, bit_length(b).astype(np.int64) - 15
    ma, mb = shift_either(a, ea), shift_either(b, eb)
    y = _scale_sat((ma << 15) // np.maximum(mb, 1), ea - eb + q - 15)
    return np.where(mb == 0, 0, y)


def mean_q(total: np.ndarray, count: int, q: int) -> np.ndarray:
    """`dsp.finish.mean_q`."""
    total = np.asarray(total, dtype=np.int64)
    count, q = count << max(-q, 0), max(q, 0)
    whole = total // count
    rest = total - whole * count
    return (whole << q) + ((rest << (q + 1)) + count) // (count << 1)
