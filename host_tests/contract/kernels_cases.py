# SPDX-License-Identifier: Apache-2.0
"""Input of the kernels' golden vectors, the same on every platform, and the calls made with it."""

import binascii
from array import array

from tocsin.kernels import reference
from tocsin.kernels.plan import cos_q15, make_plan

SIZES = (64, 128, 256, 512, 1024, 2048)
FRAMES = ("noise", "quiet", "square", "impulse", "alternating", "constant", "lowest")


def lcg(seed: int):
    """Yield 16-bit numbers (Numerical Recipes' generator)."""
    x = seed
    while True:
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        yield x >> 16


def numbers(count: int, low: int, high: int, seed: int) -> list:
    """Return `count` numbers from low to high."""
    source = lcg(seed)
    return [low + next(source) * (high - low + 1) // 65536 for _ in range(count)]


def frame(kind: str, n: int) -> array:
    """A frame of n samples."""
    if kind == "noise":
        return array("h", numbers(n, -32768, 32767, 1))
    if kind == "quiet":
        return array("h", [16000 + x for x in numbers(n, -20, 20, 2)])
    if kind == "square":
        return array("h", [32767 if t * 5 // n & 1 else -32768 for t in range(n)])
    if kind == "impulse":
        return array("h", [30000 if t == n // 3 else -7 for t in range(n)])
    if kind == "alternating":
        return array("h", [32767 if t & 1 else -32768 for t in range(n)])
    return array("h", [12345 if kind == "constant" else -32768] * n)


def hann(length: int, n: int) -> array:
    """A Hann window in Q15, zero from `length` on."""
    table = [min((32768 - cos_q15(i, length)) >> 1, 32767) for i in range(length)]
    return array("h", table + [0] * (n - length))


def crc(values) -> int:
    """CRC-32 of an array's bytes."""
    return binascii.crc32(bytes(values)) & 0xFFFFFFFF


def plans() -> list:
    """[n, length, flags, CRC of the plan] for every size."""
    return [[n, n - n // 3, 1, crc(make_plan(n, n - n // 3, 1))] for n in SIZES]


def spectra() -> list:
    """[n, frame, length, exponents of rfft and spectrum, CRCs of both, readings]."""
    rows = []
    for n in SIZES:
        for kind in FRAMES if n <= 256 else FRAMES[:2]:
            length = n if kind != "quiet" else n - 20
            x, table, plan = frame(kind, n), hann(length, n), make_plan(n, length, 1)
            work = reference.make_work(n)
            exponent = reference.rfft(x, table, plan, work)
            row = [n, kind, length, exponent, crc(work)]
            exponent = reference.spectrum(x, table, plan, work)
            bands = array("h", bytes(6))
            edges = array("h", [3, 1, n // 8, n // 8, n // 2 + 1, 5, 5])
            reference.band_log2(work, edges, 256 * exponent + 2048, bands)
            weights = array("h", [2, 3, 32767, 0, 20000, 1, 16384, 4])
            row += [
                exponent,
                crc(array("i", work[: n // 2 + 1])),
                list(bands),
                reference.weighted_log2(work, weights, 256 * exponent + 2048),
                reference.peak_bin(work, 1, n // 2 + 1),
                reference.centroid(work, 1, n // 2 + 1),
            ]
            rows.append(row)
    return rows


def times() -> list:
    """[frame, n, moments, teager exponent and values, block means, resampled]."""
    rows = []
    for kind in FRAMES:
        n = 100
        x = frame(kind, n)
        raw, envelope = array("i", bytes(64)), array("h", bytes(24))
        means, points = array("h", bytes(14)), array("h", bytes(18))
        reference.moments(x, n, raw)
        exponent = reference.teager(x, 8, envelope, n)
        reference.block_means(x, n, means)
        reference.resample(x, n, points)
        rows.append([kind, n, list(raw), exponent, list(envelope), list(means), list(points)])
    return rows


def model() -> list:
    """Results of scale, quantize_s8, matvec, kmeans and fc_s8 on one random vector each."""
    n, k = 12, 5
    f = array("h", numbers(n, -32768, 32767, 3))
    scaler = array("h", [n])
    for i in range(n):
        scaler.extend(array("h", [numbers(n, -9999, 9999, 4)[i], 8191 - 700 * i, 20 - i]))
    z, q, u = array("h", bytes(2 * n)), array("b", bytes(n)), array("h", bytes(2 * k))
    distances, y = array("i", bytes(4 * k)), array("b", bytes(k))
    reference.scale(f, scaler, z)
    reference.quantize_s8(z, array("h", [n, 20000, 19, -3]), q)
    matrix = array("h", numbers(n * k, -20000, 20000, 5))
    reference.matvec(z, matrix, array("h", [k, n, 17]), u)
    centroids = array("h", numbers(n * k, -4095, 4095, 6))
    clusters = array("i", [k, n, 1, 0] + numbers(k, 1, 16384, 7))
    best = reference.kmeans(z, centroids, clusters, distances)
    params = array("i", [n, k, 4, -128, 127, 0, 0, 0])
    for i in range(k):
        params.extend(array("i", [3000 - 999 * i, 16384 + 3000 * i, 50000 - i, i - 9]))
    reference.fc_s8(q, array("b", numbers(n * k, -128, 127, 8)), params, y)
    return [list(z), list(q), list(u), best, list(distances), list(y)]


def cosines() -> list:
    """[k, n, cos_q15] at odd places."""
    pairs = ((1, 3), (1, 7), (5, 200), (333, 2048), (1023, 2048), (50, 100), (-3, 1000))
    return [[k, n, cos_q15(k, n)] for k, n in pairs]
