# SPDX-License-Identifier: Apache-2.0
"""Reference kernels of the models: scaling, k-means distances, int8 fully connected."""

from array import array


def scale(features: array, params: array, z: array) -> None:
    """Scale a feature vector: z = clamp((f - offset) * mult / 2**shift, rounded, +-4095).

    params is array('h') [n, offset, mult, shift, offset, mult, shift, ...] with |mult| < 2**13 and
    shift 0..28; features and z are array('h'); halves round up.
    """
    at = 1
    for i in range(params[0]):
        s = params[at + 2]
        x = (((features[i] - params[at]) * params[at + 1]) + ((1 << s) >> 1)) >> s
        z[i] = -4095 if x < -4095 else 4095 if x > 4095 else x
        at += 3


def kmeans(z: array, centroids: array, params: array, distances: array) -> int:
    """Return the index of the nearest cluster, the first one of equals.

    z is array('h') of n values within +-4095, centroids array('h') [k][n] within +-4095, params
    array('i') [k, n, shift, 0, w, w, ...] with a weight per cluster, Q14, 0..16384: the smallest
    radius squared over the cluster's. distances, array('i') of k words, receives
    floor(sum((z - c)**2 >> shift) * w / 2**14), below 2**30. The sum stays there when
    n * 8190**2 >> shift does: shift 0 to n = 16, then 1 per doubling, 4 at n = 256.
    """
    n = params[1]
    s = params[2]
    at = 0
    best = 0
    least = 0x3FFFFFFF
    for i in range(params[0]):
        total = 0
        for j in range(n):
            d = z[j] - centroids[at]
            total += (d * d) >> s
            at += 1
        w = params[4 + i]
        total = (total >> 14) * w + ((total & 0x3FFF) * w >> 14)
        distances[i] = total
        if total < least:
            least = total
            best = i
    return best


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


def matvec(z: array, matrix: array, params: array, u: array) -> None:
    """Multiply by a matrix: u = clamp(matrix z / 2**shift, rounded, +-4095).

    z is array('h') within +-4095, matrix array('h') [rows][cols] with a sum of magnitudes below
    2**18 in each row, params array('h') [rows, cols, shift], shift 0..18, u array('h'); halves
    round up.
    """
    cols = params[1]
    s = params[2]
    at = 0
    for i in range(params[0]):
        x = (1 << s) >> 1
        for j in range(cols):
            x += matrix[at] * z[j]
            at += 1
        x >>= s
        u[i] = -4095 if x < -4095 else 4095 if x > 4095 else x
