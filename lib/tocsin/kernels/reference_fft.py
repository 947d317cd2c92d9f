# SPDX-License-Identifier: Apache-2.0
"""Reference of the block-floating-point FFT and the power spectrum.

A frame is an array('h') of samples. A window is an array('h') of n Q15 coefficients, none below
-32767, zero from `length` on. plan and work come from plan.make_plan and make_work.
"""

from array import array

from tocsin.kernels.arrays import make_work  # noqa: F401
from tocsin.kernels.fixed import bit_length, fit
from tocsin.kernels.plan import LAST_LIMIT, PASS_LIMIT
from tocsin.kernels.reference_moments import level


def rfft(frame: array, window: array, plan: array, work: array) -> int:
    """Transform frame[0:length] * window; return the exponent.

    Afterwards X[k] = (work[2k] + i work[2k+1]) * 2**exponent for k = 0..n/2 is the sum of
    x[t] * window[t] / 2**15 * exp(-2 pi i k t / n), in LSB; |work| < 2**22. With REMOVE_MEAN the
    frame's mean is taken off x first, to a fraction of an LSB.

    Samples are scaled up to 15 bits, windowed, and transformed as n/2 complex points: one pass of
    radix 2 or 4 without twiddles, then radix 4 only, decimation in time. Before each pass the
    shift is chosen from the largest value, and it is done with the pass' one rounding.
    """
    level(frame, plan[2], work)
    mean = fraction = 0
    if plan[3] & 1:
        mean = work[1]
        fraction = work[2]
    s = 15 - bit_length(max(work[4] - mean, mean - work[3]) + 1)
    c = (fraction >> (12 - s) if s <= 12 else fraction << (s - 12)) - 2
    s += 2
    radix = plan[4]
    if radix == 4:
        top = _load4(frame, window, plan, work, mean, s, c)
        exponent = 3 - s
    else:
        top = _load2(frame, window, plan, work, mean, s, c)
        exponent = 2 - s
    m = plan[0] >> 1
    at = plan[7]
    q = radix
    for i in range(plan[5], 0, -1):
        shift = fit(top, PASS_LIMIT if i > 1 else LAST_LIMIT)
        exponent += shift
        top = _radix4(plan, at, q, m, work, shift + 11)
        at += 6 * q
        q <<= 2
    _split(plan, m, work)
    return exponent - 4


def _windowed(frame: array, window: array, i: int, mean: int, s: int, c: int) -> int:
    """Return sample i without its mean, scaled to 15 bits, times its window coefficient."""
    w = window[i]
    return ((((frame[i] - mean) << s) - c) >> 2) * w if w else 0


def _load2(
    frame: array, window: array, plan: array, work: array, mean: int, s: int, c: int
) -> int:
    """First pass, radix 2, from the frame into `work` in digit-reversed order; return the top."""
    half = plan[0] >> 1
    order = plan[6]
    top = 0
    for i in range(half >> 1):
        j = i + i
        ar = (_windowed(frame, window, j, mean, s, c) >> 1) + 8192
        ai = (_windowed(frame, window, j + 1, mean, s, c) >> 1) + 8192
        br = _windowed(frame, window, j + half, mean, s, c) >> 1
        bi = _windowed(frame, window, j + half + 1, mean, s, c) >> 1
        at = plan[order + i]
        work[at] = y = (ar + br) >> 14
        top = max(top, y ^ (y >> 31))
        work[at + 1] = y = (ai + bi) >> 14
        top = max(top, y ^ (y >> 31))
        work[at + 2] = y = (ar - br) >> 14
        top = max(top, y ^ (y >> 31))
        work[at + 3] = y = (ai - bi) >> 14
        top = max(top, y ^ (y >> 31))
    return top


def _load4(
    frame: array, window: array, plan: array, work: array, mean: int, s: int, c: int
) -> int:
    """First pass, radix 4, from the frame into `work` in digit-reversed order; return the top."""
    quarter = plan[0] >> 2
    order = plan[6]
    top = 0
    for i in range(quarter >> 1):
        j = i + i
        ar = (_windowed(frame, window, j, mean, s, c) >> 2) + 8192
        ai = (_windowed(frame, window, j + 1, mean, s, c) >> 2) + 8192
        j += quarter
        br = _windowed(frame, window, j, mean, s, c) >> 2
        bi = _windowed(frame, window, j + 1, mean, s, c) >> 2
        j += quarter
        cr = _windowed(frame, window, j, mean, s, c) >> 2
        ci = _windowed(frame, window, j + 1, mean, s, c) >> 2
        j += quarter
        dr = _windowed(frame, window, j, mean, s, c) >> 2
        di = _windowed(frame, window, j + 1, mean, s, c) >> 2
        y = _butterfly(work, plan[order + i], 2, 14, ar, ai, br, bi, cr, ci, dr, di)
        top = max(top, y)
    return top


def _butterfly(
    work: array, at: int, step: int, shift: int,
    ar: int, ai: int, br: int, bi: int, cr: int, ci: int, dr: int, di: int,
) -> int:  # fmt: skip
    """Store the four sums of a radix-4 butterfly, shifted; return the largest magnitude.

    `ar` and `ai` carry the rounding constant: they have a plus sign in all four sums.
    """
    tr = ar - cr
    ti = ai - ci
    ar += cr
    ai += ci
    cr = br - dr
    ci = bi - di
    br += dr
    bi += di
    work[at] = y = (ar + br) >> shift
    top = y ^ (y >> 31)
    work[at + 1] = y = (ai + bi) >> shift
    top = max(top, y ^ (y >> 31))
    at += step
    work[at] = y = (tr + ci) >> shift
    top = max(top, y ^ (y >> 31))
    work[at + 1] = y = (ti - cr) >> shift
    top = max(top, y ^ (y >> 31))
    at += step
    work[at] = y = (ar - br) >> shift
    top = max(top, y ^ (y >> 31))
    work[at + 1] = y = (ai - bi) >> shift
    top = max(top, y ^ (y >> 31))
    at += step
    work[at] = y = (tr - ci) >> shift
    top = max(top, y ^ (y >> 31))
    work[at + 1] = y = (ti + cr) >> shift
    return max(top, y ^ (y >> 31))


def _radix4(plan: array, tw: int, q: int, m: int, work: array, shift: int) -> int:
    """One twiddled pass in place over blocks of 4q points; return the largest magnitude.

    Inputs of 17 bits times Q13 twiddles; products are kept in Q11, so that four of them sum to
    less than 2**30, and the sums are rounded and shifted once.
    """
    step = q + q
    rounding = 1 << (shift - 1)
    top = 0
    for j in range(q):
        c1 = plan[tw]
        s1 = plan[tw + 1]
        c2 = plan[tw + 2]
        s2 = plan[tw + 3]
        c3 = plan[tw + 4]
        s3 = plan[tw + 5]
        tw += 6
        at = j + j
        while at < m + m:
            i = at + step
            re = work[i]
            im = work[i + 1]
            br = (re * c1 + im * s1) >> 2
            bi = (im * c1 - re * s1) >> 2
            i += step
            re = work[i]
            im = work[i + 1]
            cr = (re * c2 + im * s2) >> 2
            ci = (im * c2 - re * s2) >> 2
            i += step
            re = work[i]
            im = work[i + 1]
            dr = (re * c3 + im * s3) >> 2
            di = (im * c3 - re * s3) >> 2
            ar = (work[at] << 11) + rounding
            ai = (work[at + 1] << 11) + rounding
            y = _butterfly(work, at, step, shift, ar, ai, br, bi, cr, ci, dr, di)
            top = max(top, y)
            at += 4 * step
    return top


def _split(plan: array, m: int, work: array) -> None:
    """Turn the m complex points into bins 0..m of the real transform, times 16.

    The last pass leaves |re|, |im| < 92300, so that no product pair reaches 2**30.
    """
    re = work[0]
    im = work[1]
    work[0] = (re + im) << 4
    work[1] = 0
    work[m + m] = (re - im) << 4
    work[m + m + 1] = 0
    work[m] <<= 4
    work[m + 1] = -(work[m + 1] << 4)
    tw = plan[8] + 2
    i = 2
    j = m + m - 2
    while i < j:
        re = work[i]
        im = work[i + 1]
        x = work[j]
        y = work[j + 1]
        er = ((re + x) << 11) + 128
        ei = ((im - y) << 11) + 128
        re -= x
        im += y
        c = plan[tw]
        s = plan[tw + 1]
        tr = (im * c - re * s) >> 1
        ti = (re * c + im * s) >> 1
        work[i] = (er + tr) >> 8
        work[i + 1] = (ei - ti) >> 8
        work[j] = (er - tr) >> 8
        work[j + 1] = -((ei + ti) >> 8)
        tw += 2
        i += 2
        j -= 2


def spectrum(frame: array, window: array, plan: array, work: array) -> int:
    """Power spectrum; return the exponent: |X[k]|**2 = work[k] * 2**exponent, k = 0..n/2.

    work[k] = p[k] lies in 0..2**30-1. The bins' components are cut to 15 bits of magnitude u,
    taken as u + 1/2, whose square is u * (u + 1) + 1/4.
    """
    exponent = rfft(frame, window, plan, work)
    n = plan[0]
    top = 0
    for i in range(n + 2):
        x = work[i]
        top = max(top, x ^ (x >> 31))
    d = max(bit_length(top) - 15, 0)
    i = 0
    for k in range((n >> 1) + 1):
        x = work[i]
        y = work[i + 1]
        x = (x ^ (x >> 31)) >> d
        y = (y ^ (y >> 31)) >> d
        work[k] = (x * (x + 1) >> 1) + (y * (y + 1) >> 1)
        i += 2
    return 2 * (exponent + d) + 1
