# SPDX-License-Identifier: Apache-2.0
"""The FFT in viper code, bit-exact with reference_fft.py.

Viper ints are 32 bits and wrap; pointers are raw, so nothing here may be called with arrays
shorter than the reference says. Pairs of int16 are read as one word. Scalars that are worked
out once per window stay in bytecode.
"""

import micropython

from tocsin.kernels.arrays import make_work  # noqa: F401
from tocsin.kernels.fixed import bit_length, fit
from tocsin.kernels.plan import LAST_LIMIT, PASS_LIMIT

from .viper_moments import level


def rfft(frame, window, plan, work):
    level(frame, plan[2], work)
    mean = fraction = 0
    if plan[3] & 1:
        mean = work[1]
        fraction = work[2]
    s = 15 - bit_length(max(work[4] - mean, mean - work[3]) + 1)
    c = (fraction >> (12 - s) if s <= 12 else fraction << (s - 12)) - 2
    s += 2
    m = plan[0] >> 1
    q = plan[4]
    _load(frame, window, plan, work, mean, s, c)
    if q == 4:
        _radix4(plan, 0, 1, m, work, 14)
        exponent = 3 - s
    else:
        _radix2(m, work)
        exponent = 2 - s
    at = plan[7]
    for i in range(plan[5], 0, -1):
        shift = fit(_top(work, m + m), PASS_LIMIT if i > 1 else LAST_LIMIT)
        exponent += shift
        _radix4(plan, at, q, m, work, shift + 11)
        at += 6 * q
        q <<= 2
    _split(plan, m, work)
    return exponent - 4


@micropython.viper
def _load(frame: ptr32, window: ptr32, plan: ptr16, work: ptr32, mean: int, s: int, c: int):
    radix = int(plan[4])
    count = (int(plan[0]) >> 1) // radix
    order = ptr16(int(plan) + (int(plan[6]) << 1))
    down = radix >> 1
    at = 0
    while radix:
        for i in range(count):
            x = frame[at]
            w = window[at]
            at += 1
            p = ptr32(int(work) + (int(order[i]) << 2))
            p[0] = ((((x << 16 >> 16) - mean) << s) - c >> 2) * (w << 16 >> 16) >> down
            p[1] = ((((x >> 16) - mean) << s) - c >> 2) * (w >> 16) >> down
        work = ptr32(int(work) + 8)
        radix -= 1


@micropython.viper
def _radix2(m: int, work: ptr32):
    p = ptr32(int(work))
    for _ in range(m >> 1):
        re = p[0] + 8192
        im = p[1] + 8192
        x = p[2]
        y = p[3]
        p[0] = (re + x) >> 14
        p[1] = (im + y) >> 14
        p[2] = (re - x) >> 14
        p[3] = (im - y) >> 14
        p = ptr32(int(p) + 16)


@micropython.viper
def _radix4(plan: ptr16, at: int, q: int, m: int, work: ptr32, shift: int):
    rounding = 1 << (shift - 1)
    step = q << 3
    tw = ptr32(int(plan) + (at << 1))
    end = int(work) + (m << 3)
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
            br = p[0]
            bi = p[1]
            p = ptr32(int(p) + step)
            cr = p[0]
            ci = p[1]
            p = ptr32(int(p) + step)
            dr = p[0]
            di = p[1]
            p = ptr32(a)
            re = p[0]
            im = p[1]
            if at:
                re <<= 11
                im <<= 11
                x = br
                br = (x * c1 + bi * s1) >> 2
                bi = (bi * c1 - x * s1) >> 2
                x = cr
                cr = (x * c2 + ci * s2) >> 2
                ci = (ci * c2 - x * s2) >> 2
                x = dr
                dr = (x * c3 + di * s3) >> 2
                di = (di * c3 - x * s3) >> 2
            re += rounding
            im += rounding
            x = re - cr
            y = im - ci
            re += cr
            im += ci
            cr = br - dr
            ci = bi - di
            br += dr
            bi += di
            p[0] = (re + br) >> shift
            p[1] = (im + bi) >> shift
            p = ptr32(int(p) + step)
            p[0] = (x + ci) >> shift
            p[1] = (y - cr) >> shift
            p = ptr32(int(p) + step)
            p[0] = (re - br) >> shift
            p[1] = (im - bi) >> shift
            p = ptr32(int(p) + step)
            p[0] = (x - ci) >> shift
            p[1] = (y + cr) >> shift
            a += step << 2


@micropython.viper
def _top(work: ptr32, count: int) -> int:
    top = 0
    for i in range(count):
        x = work[i]
        x ^= x >> 31
        if x > top:
            top = x
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
    d = max(bit_length(_top(work, plan[0] + 2)) - 15, 0)
    _power(work, (plan[0] >> 1) + 1, d)
    return 2 * (exponent + d) + 1


@micropython.viper
def _power(work: ptr32, bins: int, d: int):
    p = ptr32(int(work))
    for k in range(bins):
        x = p[0]
        y = p[1]
        x = (x ^ (x >> 31)) >> d
        y = (y ^ (y >> 31)) >> d
        work[k] = (x * (x + 1) >> 1) + (y * (y + 1) >> 1)
        p = ptr32(int(p) + 8)
