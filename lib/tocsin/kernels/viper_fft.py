# SPDX-License-Identifier: Apache-2.0
"""The FFT in viper code, bit-exact with reference_fft.py.

Viper ints are 32 bits and wrap; pointers are raw, so nothing here may be called with arrays
shorter than the reference says. Pairs of int16 are read as one word. Scalars that are worked
out once per window stay in bytecode.
"""

import micropython

from tocsin.kernels.fixed import bit_length, fit
from tocsin.kernels.plan import LAST_LIMIT, PASS_LIMIT, make_work  # noqa: F401
from tocsin.kernels.viper_time import level


def rfft(frame, window, plan, work):
    level(frame, plan[2], work)
    mean = fraction = 0
    if plan[3] & 1:
        mean = work[1]
        fraction = work[2]
    s = 15 - bit_length(max(work[4] - mean, mean - work[3]) + 1)
    c = (fraction >> (12 - s) if s <= 12 else fraction << (s - 12)) - 2
    s += 2
    q = plan[4]
    if q == 4:
        top = _load4(frame, window, plan, work, mean, s, c)
        exponent = 3 - s
    else:
        top = _load2(frame, window, plan, work, mean, s, c)
        exponent = 2 - s
    m = plan[0] >> 1
    at = plan[7]
    for i in range(plan[5], 0, -1):
        shift = fit(top, PASS_LIMIT if i > 1 else LAST_LIMIT)
        exponent += shift
        top = _radix4(plan, at, q, m, work, shift + 11)
        at += 6 * q
        q <<= 2
    _split(plan, m, work)
    return exponent - 4


@micropython.viper
def _load2(
    frame: ptr32, window: ptr32, plan: ptr16, work: ptr32, mean: int, s: int, c: int
) -> int:
    half = int(plan[0]) >> 2
    order = int(plan[6])
    top = 0
    for i in range(half):
        x = frame[i]
        w = window[i]
        ar = ((((((x << 16 >> 16) - mean) << s) - c) >> 2) * (w << 16 >> 16) >> 1) + 8192
        ai = (((((x >> 16) - mean) << s) - c >> 2) * (w >> 16) >> 1) + 8192
        x = frame[i + half]
        w = window[i + half]
        br = ((((x << 16 >> 16) - mean) << s) - c >> 2) * (w << 16 >> 16) >> 1
        bi = ((((x >> 16) - mean) << s) - c >> 2) * (w >> 16) >> 1
        p = ptr32(int(work) + (int(plan[order + i]) << 2))
        y = (ar + br) >> 14
        p[0] = y
        y ^= y >> 31
        if y > top:
            top = y
        y = (ai + bi) >> 14
        p[1] = y
        y ^= y >> 31
        if y > top:
            top = y
        y = (ar - br) >> 14
        p[2] = y
        y ^= y >> 31
        if y > top:
            top = y
        y = (ai - bi) >> 14
        p[3] = y
        y ^= y >> 31
        if y > top:
            top = y
    return top


@micropython.viper
def _load4(
    frame: ptr32, window: ptr32, plan: ptr16, work: ptr32, mean: int, s: int, c: int
) -> int:
    quarter = int(plan[0]) >> 3
    order = int(plan[6])
    top = 0
    for i in range(quarter):
        x = frame[i]
        w = window[i]
        ar = (((((x << 16 >> 16) - mean) << s) - c >> 2) * (w << 16 >> 16) >> 2) + 8192
        ai = (((((x >> 16) - mean) << s) - c >> 2) * (w >> 16) >> 2) + 8192
        j = i + quarter
        x = frame[j]
        w = window[j]
        br = ((((x << 16 >> 16) - mean) << s) - c >> 2) * (w << 16 >> 16) >> 2
        bi = ((((x >> 16) - mean) << s) - c >> 2) * (w >> 16) >> 2
        j += quarter
        x = frame[j]
        w = window[j]
        cr = ((((x << 16 >> 16) - mean) << s) - c >> 2) * (w << 16 >> 16) >> 2
        ci = ((((x >> 16) - mean) << s) - c >> 2) * (w >> 16) >> 2
        j += quarter
        x = frame[j]
        w = window[j]
        dr = ((((x << 16 >> 16) - mean) << s) - c >> 2) * (w << 16 >> 16) >> 2
        di = ((((x >> 16) - mean) << s) - c >> 2) * (w >> 16) >> 2
        p = ptr32(int(work) + (int(plan[order + i]) << 2))
        tr = ar - cr
        ti = ai - ci
        ar += cr
        ai += ci
        cr = br - dr
        ci = bi - di
        br += dr
        bi += di
        y = (ar + br) >> 14
        p[0] = y
        y ^= y >> 31
        if y > top:
            top = y
        y = (ai + bi) >> 14
        p[1] = y
        y ^= y >> 31
        if y > top:
            top = y
        y = (tr + ci) >> 14
        p[2] = y
        y ^= y >> 31
        if y > top:
            top = y
        y = (ti - cr) >> 14
        p[3] = y
        y ^= y >> 31
        if y > top:
            top = y
        y = (ar - br) >> 14
        p[4] = y
        y ^= y >> 31
        if y > top:
            top = y
        y = (ai - bi) >> 14
        p[5] = y
        y ^= y >> 31
        if y > top:
            top = y
        y = (tr - ci) >> 14
        p[6] = y
        y ^= y >> 31
        if y > top:
            top = y
        y = (ti + cr) >> 14
        p[7] = y
        y ^= y >> 31
        if y > top:
            top = y
    return top


@micropython.viper
def _radix4(plan: ptr16, at: int, q: int, m: int, work: ptr32, shift: int) -> int:
    rounding = 1 << (shift - 1)
    step = q << 3
    tw = ptr32(int(plan) + (at << 1))
    end = int(work) + (m << 3)
    top = 0
    for j in range(q):
        c1 = tw[0]
        s1 = c1 >> 16
        c1 = c1 << 16 >> 16
        c2 = tw[1]
        s2 = c2 >> 16
        c2 = c2 << 16 >> 16
        c3 = tw[2]
        s3 = c3 >> 16
        c3 = c3 << 16 >> 16
        tw = ptr32(int(tw) + 12)
        a = int(work) + (j << 3)
        while a < end:
            p = ptr32(a + step)
            re = p[0]
            im = p[1]
            br = (re * c1 + im * s1) >> 2
            bi = (im * c1 - re * s1) >> 2
            p = ptr32(int(p) + step)
            re = p[0]
            im = p[1]
            cr = (re * c2 + im * s2) >> 2
            ci = (im * c2 - re * s2) >> 2
            p = ptr32(int(p) + step)
            re = p[0]
            im = p[1]
            dr = (re * c3 + im * s3) >> 2
            di = (im * c3 - re * s3) >> 2
            p = ptr32(a)
            re = (p[0] << 11) + rounding
            im = (p[1] << 11) + rounding
            tr = re - cr
            ti = im - ci
            re += cr
            im += ci
            cr = br - dr
            ci = bi - di
            br += dr
            bi += di
            y = (re + br) >> shift
            p[0] = y
            y ^= y >> 31
            if y > top:
                top = y
            y = (im + bi) >> shift
            p[1] = y
            y ^= y >> 31
            if y > top:
                top = y
            p = ptr32(int(p) + step)
            y = (tr + ci) >> shift
            p[0] = y
            y ^= y >> 31
            if y > top:
                top = y
            y = (ti - cr) >> shift
            p[1] = y
            y ^= y >> 31
            if y > top:
                top = y
            p = ptr32(int(p) + step)
            y = (re - br) >> shift
            p[0] = y
            y ^= y >> 31
            if y > top:
                top = y
            y = (im - bi) >> shift
            p[1] = y
            y ^= y >> 31
            if y > top:
                top = y
            p = ptr32(int(p) + step)
            y = (tr - ci) >> shift
            p[0] = y
            y ^= y >> 31
            if y > top:
                top = y
            y = (ti + cr) >> shift
            p[1] = y
            y ^= y >> 31
            if y > top:
                top = y
            a += step << 2
    return top


@micropython.viper
def _split(plan: ptr16, m: int, work: ptr32):
    re = work[0]
    im = work[1]
    work[0] = (re + im) << 4
    work[1] = 0
    work[m + m] = (re - im) << 4
    work[m + m + 1] = 0
    work[m] = work[m] << 4
    work[m + 1] = 0 - (work[m + 1] << 4)
    tw = ptr32(int(plan) + (int(plan[8]) << 1))
    p = ptr32(int(work) + 8)
    r = ptr32(int(work) + ((m - 1) << 3))
    for k in range(1, m >> 1):
        re = p[0]
        im = p[1]
        x = r[0]
        y = r[1]
        er = ((re + x) << 11) + 128
        ei = ((im - y) << 11) + 128
        re -= x
        im += y
        c = tw[k]
        s = c >> 16
        c = c << 16 >> 16
        tr = (im * c - re * s) >> 1
        ti = (re * c + im * s) >> 1
        p[0] = (er + tr) >> 8
        p[1] = (ei - ti) >> 8
        r[0] = (er - tr) >> 8
        r[1] = 0 - ((ei + ti) >> 8)
        p = ptr32(int(p) + 8)
        r = ptr32(int(r) - 8)


def spectrum(frame, window, plan, work):
    exponent = rfft(frame, window, plan, work)
    return 2 * (exponent + _power(work, plan[0] >> 1)) + 1


@micropython.viper
def _power(work: ptr32, m: int) -> int:
    top = 0
    for i in range(m + m + 2):
        x = work[i]
        top |= x ^ (x >> 31)
    d = 0
    while top >= 0x8000:
        top >>= 1
        d += 1
    p = ptr32(int(work))
    for k in range(m + 1):
        x = p[0]
        y = p[1]
        x = (x ^ (x >> 31)) >> d
        y = (y ^ (y >> 31)) >> d
        work[k] = (x * (x + 1) >> 1) + (y * (y + 1) >> 1)
        p = ptr32(int(p) + 8)
    return d
