# SPDX-License-Identifier: Apache-2.0
"""Numpy twins of the kernels in lib/tocsin/kernels/reference.py, bit-exact, many windows at once.

Samples, bins and features run along the first axis, windows along the second and contiguous: a
frame set is int16 [samples, windows]. The time goes into memory traffic, so callers pass a few
hundred windows per call (CHUNK) and keep the arrays in cache. All arithmetic is int32, which the
reference's bounds allow; sums of many terms are int64.
"""

from array import array

import numpy as np

from tocsin.kernels import fixed
from tocsin.kernels.plan import LAST_LIMIT, PASS_LIMIT

CHUNK = 256

_LOG2 = np.array(fixed.LOG2_TABLE, dtype=np.int32)


def bit_length(x: np.ndarray) -> np.ndarray:
    """Number of bits of each x, 0 <= x < 2**52, as int32."""
    return np.frexp(x.astype(np.float64))[1].astype(np.int32)


def log2_q8(x: np.ndarray) -> np.ndarray:
    """`fixed.log2_q8` and `fixed.log2_q8_wide` for int64 x < 2**52; 0 for x <= 0."""
    x = np.maximum(x, 1).astype(np.int64)
    n = bit_length(x) - 1
    f = (np.where(n <= 15, x << np.maximum(15 - n, 0), x >> np.maximum(n - 15, 0))) & 0x7FFF
    i = f >> 10
    low = _LOG2[i]
    return (n << 8) + ((low + (((_LOG2[i + 1] - low) * (f & 1023)) >> 10) + 32) >> 6)


def level(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean, fraction (Q14), min and max per window of x [count, windows], each int32."""
    count = x.shape[0]
    total = x.sum(axis=0, dtype=np.int32).astype(np.int64)
    mean = total // count
    fraction = ((total - mean * count) << 14) // count
    low, high = x.min(axis=0), x.max(axis=0)
    return (
        mean.astype(np.int32),
        fraction.astype(np.int32),
        low.astype(np.int32),
        high.astype(np.int32),
    )


def _shift_either(x: np.ndarray, right: np.ndarray) -> np.ndarray:
    """x >> right where right >= 0, else x << -right."""
    return np.where(right >= 0, x >> np.maximum(right, 0), x << np.maximum(-right, 0))


def _fold(y: np.ndarray) -> np.ndarray:
    """y where y >= 0, else ~y: the magnitude that the bit tracking uses."""
    return y ^ (y >> 31)


def fit(top: np.ndarray, limit: int) -> np.ndarray:
    """Twin of `fixed.fit`."""
    s = bit_length(top) - limit.bit_length()
    return np.maximum(s + (_shift_either(top, s) >= limit), -8)


class Plan:
    """The tables of `kernels.plan.make_plan`, arranged for whole-array passes."""

    def __init__(self, plan: array) -> None:
        self.n, self.length, self.remove_mean = plan[0], plan[2], plan[3] & 1
        self.m, self.radix = self.n // 2, plan[4]
        m, radix = self.m, plan[4]
        butterflies = m // radix
        stored = np.array(plan[plan[6] : plan[6] + butterflies]) // (2 * radix)
        order = np.argsort(stored)
        point = (order[:, None] + np.arange(radix) * butterflies).reshape(-1)
        self.rows = np.stack([2 * point, 2 * point + 1]).reshape(-1)
        self.passes = []
        at, q = plan[7], radix
        for _ in range(plan[5]):
            tw = np.array(plan[at : at + 6 * q], dtype=np.int32).reshape(q, 3, 2)
            self.passes.append((q, tw.transpose(1, 2, 0)[..., None].copy()))
            at, q = at + 6 * q, 4 * q
        tw = np.array(plan[plan[8] : plan[8] + m], dtype=np.int32).reshape(-1, 2)[1:]
        self.cos, self.sin = tw[:, :1].copy(), tw[:, 1:].copy()


def rfft(
    x: np.ndarray, window: np.ndarray, plan: Plan
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Twin of `rfft`: x int16 [length, windows] -> re, im int32 [n/2 + 1, windows], exponent."""
    mean, fraction, low, high = level(x)
    if not plan.remove_mean:
        mean, fraction = np.zeros_like(mean), np.zeros_like(fraction)
    s = 15 - bit_length(np.maximum(high - mean, mean - low) + 1)
    c = _shift_either(fraction, 12 - s) - 2
    s = s + 2
    coefficients = np.asarray(window, dtype=np.int32)[plan.rows, None]
    if plan.length < plan.n:
        x = np.concatenate([x, np.broadcast_to(mean, (plan.n - plan.length, x.shape[1]))])
    v = np.take(x, plan.rows, axis=0).astype(np.int32)
    v -= mean
    v <<= s
    v -= c
    v >>= 2
    v *= coefficients
    radix, butterflies, count = plan.radix, plan.m // plan.radix, x.shape[1]
    v >>= radix >> 1
    v = v.reshape(2, butterflies, radix, count)
    y = np.empty((2, plan.m, count), dtype=np.int32)
    if radix == 2:
        v[:, :, 0] += 8192
        z = y.reshape(v.shape)
        np.add(v[:, :, 0], v[:, :, 1], out=z[:, :, 0])
        np.subtract(v[:, :, 0], v[:, :, 1], out=z[:, :, 1])
        exponent = 2 - s
    else:
        v[:, :, 0] += 8192
        _sums(v[:, :, 0], v[:, :, 1], v[:, :, 2], v[:, :, 3], y.reshape(v.shape))
        exponent = 3 - s
    y >>= 14
    for q, tw in plan.passes:
        top = np.maximum(y.max(axis=(0, 1)), ~y.min(axis=(0, 1)))
        shift = fit(top, LAST_LIMIT if 4 * q == plan.m else PASS_LIMIT)
        exponent = exponent + shift
        _radix4(y, q, tw, shift + 11)
    re, im = _split(y[0], y[1], plan)
    return re, im, exponent - 4


def _sums(
    a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, out: np.ndarray
) -> None:
    """The four sums of radix-4 butterflies; inputs [2, ...], out [2, blocks, 4, ...]."""
    t = a - c
    a += c
    c = b - d
    b += d
    np.add(a, b, out=out[:, :, 0])
    np.subtract(a, b, out=out[:, :, 2])
    np.add(t[0], c[1], out=out[0, :, 1])
    np.subtract(t[1], c[0], out=out[1, :, 1])
    np.subtract(t[0], c[1], out=out[0, :, 3])
    np.add(t[1], c[0], out=out[1, :, 3])


def _radix4(y: np.ndarray, q: int, tw: np.ndarray, shift: np.ndarray) -> None:
    """One twiddled radix-4 pass in place over y [2, m, windows]."""
    z = y.reshape(2, -1, 4, q, y.shape[-1])
    turned = []
    for i in range(3):
        re, im = z[0, :, i + 1], z[1, :, i + 1]
        cos, sin = tw[i]
        t = np.empty((2, *re.shape), dtype=np.int32)
        np.multiply(re, cos, out=t[0])
        t[0] += im * sin
        np.multiply(im, cos, out=t[1])
        t[1] -= re * sin
        t >>= 2
        turned.append(t)
    a = z[:, :, 0] << 11
    a += np.left_shift(1, shift - 1, dtype=np.int32)
    _sums(a, turned[0], turned[1], turned[2], z)
    y >>= shift


def _split(zr: np.ndarray, zi: np.ndarray, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Bins 0..m of the real transform, times 16, from m complex points."""
    m, half = plan.m, plan.m // 2
    re = np.empty((m + 1, zr.shape[1]), dtype=np.int32)
    im = np.empty_like(re)
    re[0], re[m] = (zr[0] + zi[0]) << 4, (zr[0] - zi[0]) << 4
    im[0] = im[m] = 0
    re[half], im[half] = zr[half] << 4, -(zi[half] << 4)
    ar, ai, br, bi = zr[1:half], zi[1:half], zr[:half:-1], zi[:half:-1]
    er = ar + br
    er <<= 11
    er += 128
    ei = ai - bi
    ei <<= 11
    ei += 128
    dr, di = ar - br, ai + bi
    tr = di * plan.cos
    tr -= dr * plan.sin
    tr >>= 1
    ti = dr * plan.cos
    ti += di * plan.sin
    ti >>= 1
    np.add(er, tr, out=re[1:half])
    np.subtract(ei, ti, out=im[1:half])
    np.subtract(er, tr, out=re[m - 1 : half : -1])
    np.add(ei, ti, out=im[m - 1 : half : -1])
    re[1:half] >>= 8
    im[1:half] >>= 8
    re[half + 1 : m] >>= 8
    im[half + 1 : m] >>= 8
    np.negative(im[half + 1 : m], out=im[half + 1 : m])
    return re, im


def spectrum(
    x: np.ndarray, window: np.ndarray, plan: Plan
) -> tuple[np.ndarray, np.ndarray]:
    """Twin of `spectrum`: x int16 [length, windows] -> p int32 [n/2 + 1, windows], exponent."""
    re, im, exponent = rfft(x, window, plan)
    re, im = _fold(re), _fold(im)
    top = np.bitwise_or.reduce(re, axis=0) | np.bitwise_or.reduce(im, axis=0)
    d = np.maximum(bit_length(top) - 15, 0)
    for u in (re, im):
        u >>= d
        u *= u + 1
        u >>= 1
    re += im
    return re, 2 * (exponent + d) + 1


def _log2_offset(total: np.ndarray, offset: np.ndarray | int) -> np.ndarray:
    """Clamped log2 of sums with an offset, 0 where the sum is 0, as int16."""
    y = np.clip(log2_q8(total) + offset, 0, 32767)
    return np.where(total > 0, y, 0).astype(np.int16)


def load_power(x: np.ndarray) -> np.ndarray:
    """Twin of `load_power`: x int16 [count, windows] -> int32 [count, windows]."""
    wide = x.astype(np.int64)
    return np.minimum(wide * wide, 0x3FFFFFFF).astype(np.int32)


def band_log2(p: np.ndarray, edges: array, offset: np.ndarray | int) -> np.ndarray:
    """Twin of `band_log2`: p [bins, windows] -> int16 [bands, windows]; offset per window."""
    total = np.zeros((edges[0], p.shape[1]), dtype=np.int64)
    for i in range(edges[0]):
        lo, hi = edges[1 + 2 * i], edges[2 + 2 * i]
        p[lo:hi].sum(axis=0, dtype=np.int64, out=total[i])
    return _log2_offset(total, offset)


def weighted_log2(p: np.ndarray, weights: array, offset: np.ndarray | int) -> np.ndarray:
    """Twin of `weighted_log2`: p [bins, windows] -> int16 [windows]; offset per window."""
    lo, count = weights[0], weights[1]
    table = np.array(weights[2 : 2 + 2 * count], dtype=np.int64).reshape(-1, 2)
    terms = (p[lo : lo + count].astype(np.int64) * table[:, :1]) >> (table[:, 1:] + 15)
    return _log2_offset(terms.sum(axis=0), offset)


def peak_bin(p: np.ndarray, lo: int, hi: int) -> np.ndarray:
    """Twin of `peak_bin`, per window."""
    return lo + np.argmax(p[lo:hi], axis=0) if hi > lo else np.full(p.shape[1], lo)


def centroid(p: np.ndarray, lo: int, hi: int) -> np.ndarray:
    """Twin of `centroid`, per window."""
    part = p[lo:hi].astype(np.int64)
    s = np.maximum(bit_length(part.sum(axis=0) >> 15) - 5, 0)
    part >>= s
    total = part.sum(axis=0)
    moment = (part * np.arange(hi - lo)[:, None]).sum(axis=0)
    divisor = np.maximum(total, 1)
    whole = moment // divisor
    rest = moment - whole * total
    return np.where(
        total > 0, ((lo + whole) << 4) + ((rest << 4) + (total >> 1)) // divisor, 0
    ).astype(np.int32)


def _normalised(x: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, ...], np.ndarray]:
    """Mean-free samples scaled to |v| < 2**14, the levels, and the shift s."""
    levels = level(x)
    mean, fraction, low, high = levels
    peak = np.maximum(high - mean, mean - low) + 1
    s = 14 - bit_length(peak + (peak >> 14))
    v = x.astype(np.int32)
    v -= mean
    v <<= s + 3
    v -= _shift_either(fraction, 11 - s) - 4
    v >>= 3
    return v, levels, s


def moments(x: np.ndarray) -> np.ndarray:
    """Twin of `moments`: x int16 [count, windows] -> int32 [16, windows]."""
    count = x.shape[0]
    v, (mean, fraction, low, high), s = _normalised(x)
    above = x > mean
    out = np.zeros((16, x.shape[1]), dtype=np.int32)
    out[0], out[1], out[2], out[3], out[4], out[5] = count, mean, fraction, low, high, s
    out[6] = (above[1:] != above[:-1]).sum(axis=0)
    out[13] = np.maximum(v.max(axis=0), -v.min(axis=0))
    square = v * v
    u = (square + 4096) >> 13
    v *= u
    u *= u
    for at, terms in ((7, square), (9, v), (11, u)):
        total = terms.sum(axis=0, dtype=np.int64)
        out[at], out[at + 1] = total >> 15, total & 0x7FFF
    return out


def teager(x: np.ndarray, decimation: int) -> tuple[np.ndarray, np.ndarray]:
    """Twin of `teager`: x int16 [count, windows] -> int16 [count // decimation, windows], exp."""
    v, _, s = _normalised(x)
    drop = decimation.bit_length() - 1
    psi = np.zeros_like(v)
    psi[1:-1] = (v[1:-1] * v[1:-1] - v[:-2] * v[2:]) >> drop
    blocks = x.shape[0] // decimation
    total = psi[: blocks * decimation].reshape(blocks, decimation, -1).sum(axis=1, dtype=np.int32)
    shift = np.maximum(bit_length(_fold(total).max(axis=0)) - 15, 0)
    return (total >> shift).astype(np.int16), shift - 2 * s


def block_means(x: np.ndarray, blocks: int) -> np.ndarray:
    """Twin of `block_means`: x int16 [count, windows] -> int16 [blocks, windows]."""
    count = x.shape[0]
    edges = np.arange(blocks + 1) * count // blocks
    sums = np.concatenate([np.zeros((1, x.shape[1]), np.int64), np.cumsum(x, 0, np.int64)])
    width = np.diff(edges)[:, None]
    total = sums[edges[1:]] - sums[edges[:-1]]
    means = (2 * total + width) // np.maximum(2 * width, 1)
    return np.where(width > 0, means, x[np.minimum(edges[:-1], count - 1)]).astype(np.int16)


def resample(x: np.ndarray, points: int) -> np.ndarray:
    """Twin of `resample`: x int16 [count, windows] -> int16 [points, windows]."""
    last = max(points - 1, 1)
    at = np.arange(points) * (x.shape[0] - 1)
    i = at // last
    fraction = (((at - i * last) << 13) // last)[:, None]
    low = x[i].astype(np.int64)
    high = x[np.minimum(i + 1, x.shape[0] - 1)]
    return (low + (((high - low) * fraction + 4096) >> 13)).astype(np.int16)


def scale(features: np.ndarray, params: array) -> np.ndarray:
    """Twin of `scale`: features int16 [n, windows] -> z int16 [n, windows]."""
    n = params[0]
    table = np.array(params[1 : 1 + 3 * n], dtype=np.int32).reshape(n, 3)
    offset, mult, shift = table[:, :1], table[:, 1:2], table[:, 2:]
    x = ((features.astype(np.int32) - offset) * mult + ((1 << shift) >> 1)) >> shift
    return np.clip(x, -4095, 4095).astype(np.int16)


def kmeans(z: np.ndarray, centroids: np.ndarray, params: array) -> tuple[np.ndarray, np.ndarray]:
    """Twin of `kmeans`: z int16 [n, windows] -> best [windows], distances int32 [k, windows]."""
    k, n, s = params[0], params[1], params[2]
    centre = np.asarray(centroids, dtype=np.int32).reshape(k, n)
    distances = np.empty((k, z.shape[1]), dtype=np.int32)
    wide = z.astype(np.int32)
    for i in range(k):
        d = wide - centre[i][:, None]
        d *= d
        d >>= s
        total = d.sum(axis=0, dtype=np.int64)
        distances[i] = (total * params[4 + i]) >> 14
    return np.argmin(distances, axis=0), distances


def requantize(acc: np.ndarray, m: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Twin of `reference_network.requantize` with the whole Q31 multiplier m, int64."""
    x = acc.astype(np.int64) * m
    return (x + (np.int64(1) << (30 - shift))) >> (31 - shift)


def quantize_s8(z: np.ndarray, params: array) -> np.ndarray:
    """Twin of `quantize_s8`: z int16 [n, windows] -> int8 [n, windows]."""
    _, mult, s, zero = params[:4]
    x = ((z.astype(np.int32) * mult + (1 << (s - 1))) >> s) + zero
    return np.clip(x, -128, 127).astype(np.int8)


def matvec(z: np.ndarray, matrix: np.ndarray, params: array) -> np.ndarray:
    """Twin of `matvec`: z int16 [cols, windows] -> int16 [rows, windows]."""
    rows, cols, s = params[:3]
    m = np.asarray(matrix, dtype=np.float64).reshape(rows, cols)
    x = ((m @ z.astype(np.float64)).astype(np.int64) + ((1 << s) >> 1)) >> s
    return np.clip(x, -4095, 4095).astype(np.int16)


def fc_s8(x: np.ndarray, w: np.ndarray, params: array) -> np.ndarray:
    """Twin of `fc_s8`: x int8 [n_in, windows] -> y int8 [n_out, windows].

    The product runs in float64 (exact: |acc| < 2**53), which BLAS does fast.
    """
    n_in, n_out, zero, low, high = params[:5]
    table = np.array(params[8 : 8 + 4 * n_out], dtype=np.int64).reshape(n_out, 4)
    weights = np.asarray(w, dtype=np.float64).reshape(n_out, n_in)
    acc = (weights @ x.astype(np.float64)).astype(np.int64) + table[:, :1]
    m = (table[:, 1:2] << 16) + table[:, 2:3]
    y = requantize(acc, m, table[:, 3:]) + zero
    return np.clip(y, low, high).astype(np.int8)
