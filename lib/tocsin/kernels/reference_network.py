# SPDX-License-Identifier: Apache-2.0
"""Reference kernels of int8 networks: quantised input, fully connected layer."""

from array import array


def quantize_s8(z: array, params: array, q: array) -> None:
    """Quantise a vector: q = clamp(z * mult / 2**shift, rounded, + zero_point, -128, 127).

    z is array('h') within +-4095, params array('h') [n, mult, shift, zero_point] with mult
    0..32767 and shift 1..29, q array('b'); halves round up.
    """
    mult = params[1]
    s = params[2]
    zero = params[3]
    half = 1 << (s - 1)
    for i in range(params[0]):
        x = ((z[i] * mult + half) >> s) + zero
        q[i] = -128 if x < -128 else 127 if x > 127 else x


def fc_s8(x: array, w: array, params: array, y: array) -> None:
    """Fully connected layer in int8, TFLite's semantics (zero point of w is 0).

    x is array('b') [n_in], w array('b') [n_out][n_in] with n_in a multiple of 4 (pad w with
    zeros; what x holds there is of no effect), y array('b') with n_out entries or more. params is
    array('i') [n_in, n_out, zp_out, act_min, act_max, 0, 0, 0] and per output [bias, m >> 16,
    m & 0xffff, shift]: bias is the layer's minus the sum of zp_in * w; the scale is
    m * 2**(shift - 31) with m in 2**30..2**31-1 (m = 0 allowed), shift -29..7.

    y = clamp(zp_out + acc * scale, rounded once, halves up), as TFLite's reference kernels do
    when built with single rounding, the way ai-edge-litert is. |acc| << max(shift, 0) must be
    below 2**28; the host checks it from the weights.
    """
    n_in = params[0]
    zero = params[2]
    low = params[3]
    high = params[4]
    at = 0
    k = 8
    for i in range(params[1]):
        acc = params[k]
        for j in range(n_in):
            acc += x[j] * w[at]
            at += 1
        acc = zero + requantize(acc, params[k + 1], params[k + 2], params[k + 3])
        y[i] = low if acc < low else high if acc > high else acc
        k += 4


def requantize(acc: int, m_hi: int, m_lo: int, shift: int) -> int:
    """Return acc * (m_hi * 2**16 + m_lo) * 2**(shift - 31), rounded once, halves up.

    |acc| << max(shift, 0) < 2**28. The product, floored to 2**-30, is put together from limbs of
    14 and 16 bits.
    """
    if shift > 0:
        acc <<= shift
        shift = 0
    hi = acc >> 14
    lo = acc & 0x3FFF
    low = (hi * m_lo + (lo * m_lo >> 14)) >> 2
    return (hi * m_hi + ((lo * m_hi + low) >> 14) + (1 << -shift)) >> (1 - shift)
