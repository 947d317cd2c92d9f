# SPDX-License-Identifier: Apache-2.0
"""Corners of the kernels' contract, and work to count instructions of: for every processor.

Each corner compares with the reference; the first difference is an AssertionError. ALL has them.
"""

from array import array
from collections.abc import Callable
from functools import partial
from itertools import product
from types import SimpleNamespace

import numpy as np

from host_tests.board import bench, checks
from host_tests.board.machine import Machine
from tocsin.kernels import reference

LOW, HIGH = -32768, 32767


def halfway(board: Machine, kernels: SimpleNamespace) -> SimpleNamespace:
    """The same kernels with every int16 array two bytes behind a word."""

    def call(kernel, *arguments):
        free, given, arrays = board.free, [], []
        for value in arguments:
            if isinstance(value, array) and value.typecode == "h":
                arrays.append((value, board.place(bytes(2 * len(value) + 4)) + 2))
                board.write(arrays[-1][1], value.tobytes())
                given.append(arrays[-1][1])
            else:
                given.append(value)
        result = kernel(*given)
        for value, at in arrays:
            value[:] = array("h", board.read(at, 2 * len(value)))
        board.free = free
        return result

    return SimpleNamespace(
        **{name: partial(call, kernel) for name, kernel in vars(kernels).items()}
        | {"block_means": lambda x, n, out: call(kernels._block_means, x, n, out, len(out))}
        | {"resample": lambda x, n, out: call(kernels._resample, x, n - 1, out, len(out) - 1)}
    )


def few_samples(kernels: SimpleNamespace) -> None:
    """Samples that don't fill a turn of the loops."""
    for count in (1, 2, 3, 7, 8, 9, 15, 16, 17):
        for x in (array("h", [LOW, HIGH] * 9), array("h", range(7, 25)), array("h", [-5] * 18)):
            checks.both(kernels, "moments", lambda: checks.empty("i", 16), x[:count], count, None)
            for decimation in (1, 2, 4, 64):
                blocks = count // decimation
                ours, expected = array("h", bytes(2 * blocks)), array("h", bytes(36))
                exponent = reference.teager(x, decimation, expected, count)
                assert kernels.teager(x, decimation, ours, count) == exponent
                assert ours == expected[:blocks]


def samples_around_the_mean(kernels: SimpleNamespace) -> None:
    """Crossings, with fractions of the mean from 1 / n to 1 - 1 / n."""
    n = 33
    for ones, low, step in product(range(n + 1), (LOW, -1, HIGH - 2), (1, 2)):
        x = array("h", [low + step * (i * 7 % n < ones) for i in range(n)])
        checks.both(kernels, "moments", lambda: checks.empty("i", 16), x, n, None)


def long_frames(kernels: SimpleNamespace) -> None:
    """The longest frames, at their limits."""
    n = 32767
    for x in ([LOW, HIGH] * 16384, [LOW] * 32768, [HIGH] * 32766 + [LOW, 0], [HIGH, LOW] * 16384):
        x = array("h", x)
        checks.both(kernels, "moments", lambda: checks.empty("i", 16), x, n, None)
        checks.both(kernels, "teager", lambda: checks.empty("h", n // 64), x, 64, None, n)
        checks.both(kernels, "block_means", lambda: checks.empty("h", 1), x, 8192, None)


def envelopes_that_grow(kernels: SimpleNamespace) -> None:
    """Each later block halves all before it."""
    x = array("h", [int((-1) ** i * 1.02**i) for i in range(524)])
    for decimation in (1, 2, 8, 64):
        n = 524 // decimation
        checks.both(kernels, "teager", lambda n=n: checks.empty("h", n), x, decimation, None, 524)


def nothing_to_do(kernels: SimpleNamespace) -> None:
    """Counts of 0, ranges without a bin."""
    some, none = array("h", [5] * 8), array("i", [1 << 20] * 4)

    def same(name, make, *arguments):
        checks.both(kernels, name, make, *arguments)

    same("load_power", lambda: checks.empty("i", 1), some, 0, None)
    same("deinterleave", lambda: checks.empty("h", 4), some, 3, array("h", [2, 0, 1]), None)
    same("scale", lambda: checks.empty("h", 1), some, array("h", [0]), None)
    for rows, cols in ((0, 3), (2, 0)):
        shape = array("h", [rows, cols, 3])
        same("matvec", lambda: checks.empty("h", 2), some, some, shape, None)
    for k, n in ((0, 3), (2, 0)):
        clusters = array("i", [k, n, 0, 0, 9, 9])
        same("kmeans", lambda: checks.empty("i", 2), some, some, clusters, None)
    same("band_log2", lambda: checks.empty("h", 1), none, array("h", [0]), 100, None)
    empty = array("h", [2, 0, 0, 3, 3])
    same("band_log2", lambda: checks.empty("h", 2), none, empty, 100, None)
    same("block_means", lambda: array("h"), some, 3, None)
    same("resample", lambda: array("h"), some, 3, None)
    assert kernels.weighted_log2(none, array("h", [1, 0]), 100) == 0
    for lo, hi in ((0, 0), (3, 3), (2, 1)):
        assert kernels.peak_bin(none, lo, hi) == lo
        assert kernels.centroid(none, lo, hi) == 0


def parts_of_few_samples(kernels: SimpleNamespace) -> None:
    """One point, one sample, and empty blocks."""
    for points, count in product((1, 2, 3, 40), (1, 2, 3, 39, 40)):
        for x in (array("h", [LOW, HIGH] * 21), array("h", [HIGH, LOW] * 21)):
            for name in ("block_means", "resample"):
                checks.both(kernels, name, lambda n=points: checks.empty("h", n), x, count, None)


def extreme_powers(kernels: SimpleNamespace) -> None:
    """Powers and weights at their limits, all bins of the longest frame."""
    for p in (1, 2**30 - 1):
        work = array("i", [p] * 1025)
        edges = array("h", [5, 0, 1025, 0, 1, 1, 5, 1, 4, 1024, 1025])
        for offset in (-32768, 0, 25000):
            make = partial(checks.empty, "h", 5)
            checks.both(kernels, "band_log2", make, work, edges, offset, None)
            for mantissa, shift in ((32767, 0), (32767, 29), (1, 0), (0, 5)):
                weights = array("h", [0, 1025, *[mantissa, shift] * 1025])
                expected = reference.weighted_log2(work, weights, offset)
                assert kernels.weighted_log2(work, weights, offset) == expected
        assert kernels.peak_bin(work, 3, 1025) == 3
        assert kernels.centroid(work, 0, 1025) == reference.centroid(work, 0, 1025) == 512 * 16
    x = array("h", [LOW, LOW + 1, -1, 0, 1, HIGH])
    checks.both(kernels, "load_power", lambda: checks.empty("i", 6), x, 6, None)


def every_power_of_two(kernels: SimpleNamespace) -> None:
    """Sums at and around powers of two."""
    work = array("i", [0, 0])
    weights, edges = array("h", [0, 1, 32767, 0]), array("h", [1, 0, 1])
    for bit in range(30):
        for p in {1 << bit, (1 << bit) + 1, (2 << bit) - 1, 3 << bit >> 1}:
            work[0] = min(p, 2**30 - 1)
            checks.both(kernels, "band_log2", lambda: checks.empty("h", 1), work, edges, 0, None)
            expected = reference.weighted_log2(work, weights, 300)
            assert kernels.weighted_log2(work, weights, 300) == expected


def extreme_vectors(kernels: SimpleNamespace) -> None:
    """Vectors at their limits, the least and largest shifts."""
    for n, shift in ((16, 0), (256, 4)):
        z, far = array("h", [4095] * n), array("h", [-4095] * n)
        near = array("h", [4095] * (n - 1) + [4094])
        clusters = array("i", [4, n, shift, 0, 16384, 16384, 1, 0])
        centroids = far + near + far + far
        make = partial(checks.empty, "i", 4)
        checks.both(kernels, "kmeans", make, z, centroids, clusters, None)
    for shift in (0, 1, 18):
        matrix = array("h", [HIGH, -HIGH, HIGH, -HIGH, HIGH, -HIGH, HIGH, -HIGH])
        matrix += array("h", [HIGH] * 8) + array("h", [-HIGH] * 8) + array("h", [1, *[0] * 7])
        z = array("h", [4095, -4095] * 4)
        for vector in (z, array("h", [4095] * 8), array("h", [-4095] * 8)):
            shape = array("h", [4, 8, shift])
            make = partial(checks.empty, "h", 4)
            checks.both(kernels, "matvec", make, vector, matrix, shape, None)
    f = array("h", [LOW, HIGH] * 6)
    for shift in (0, 1, 12, 27, 28):
        params = array("h", [12, *[HIGH, 8191, shift, LOW, -8191, shift, LOW, 8191, shift] * 4])
        checks.both(kernels, "scale", lambda: checks.empty("h", 12), f, params, None)


def equal_clusters_give_the_first(kernels: SimpleNamespace) -> None:
    """Of equal distances the first one counts."""
    z, centroids = array("h", [1, 2, 3]), array("h", [9, 9, 9, 1, 2, 4, 1, 2, 2])
    params = array("i", [3, 3, 0, 0, 16384, 16384, 16384])
    make = partial(checks.empty, "i", 3)
    assert checks.both(kernels, "kmeans", make, z, centroids, params, None)[0] == 1


ALL: tuple[Callable[[SimpleNamespace], None], ...] = (
    few_samples,
    samples_around_the_mean,
    long_frames,
    envelopes_that_grow,
    nothing_to_do,
    parts_of_few_samples,
    extreme_powers,
    every_power_of_two,
    extreme_vectors,
    equal_clusters_give_the_first,
)


def _load_power(kernels: SimpleNamespace, n: int) -> None:
    kernels.load_power(bench.noise(n), n, array("i", bytes(4 * n)))


def _weighted_log2(kernels: SimpleNamespace, n: int) -> None:
    p = array("i", np.random.default_rng(n).integers(0, 1 << 30, n).tolist())
    kernels.weighted_log2(p, array("h", [0, n, *[20000, 3] * n]), 0)


def _reader(name: str, kernels: SimpleNamespace, n: int) -> None:
    p = array("i", np.random.default_rng(n).integers(0, 1 << 30, n).tolist())
    getattr(kernels, name)(p, 0, n)


def _deinterleave(kernels: SimpleNamespace, n: int) -> None:
    spec = array("h", [3, n, 0])
    kernels.deinterleave(bench.noise(3 * n), 0, spec, array("h", bytes(2 * n)))


def _part(name: str, kernels: SimpleNamespace, n: int) -> None:
    getattr(kernels, name)(bench.noise(n), n, array("h", bytes(64)))


def _scale(kernels: SimpleNamespace, n: int) -> None:
    params = array("h", [n, *[100, 5000, 12] * n])
    kernels.scale(array("h", range(n)), params, array("h", bytes(2 * n)))


def _matvec(kernels: SimpleNamespace, n: int) -> None:
    kernels.matvec(
        array("h", range(n)), array("h", [3] * n * n), array("h", [n, n, 4]), array("h", [0] * n)
    )


WORK: dict[str, Callable[[SimpleNamespace], None]] = {
    "deinterleave 256": partial(_deinterleave, n=256),
    "block_means 256 to 32": partial(_part, "block_means", n=256),
    "resample 256 to 32": partial(_part, "resample", n=256),
    "moments 256": partial(bench.moments, n=256),
    "moments 1024": partial(bench.moments, n=1024),
    "teager 256": partial(bench.teager, n=256),
    "teager 1024": partial(bench.teager, n=1024),
    "load_power 128": partial(_load_power, n=128),
    "band_log2 256": partial(bench.band_log2, n=256),
    "band_log2 1024": partial(bench.band_log2, n=1024),
    "weighted_log2 128": partial(_weighted_log2, n=128),
    "peak_bin 128": partial(_reader, "peak_bin", n=128),
    "centroid 128": partial(_reader, "centroid", n=128),
    "scale 16": partial(_scale, n=16),
    "matvec 16 x 16": partial(_matvec, n=16),
    "kmeans 16 x 8": partial(bench.kmeans, n=16, k=8),
}


def instructions(
    board: Machine, kernels: SimpleNamespace, viper: SimpleNamespace
) -> dict[str, int]:
    """What WORK takes on a machine that counts, prologues included; prints it beside viper's."""
    figures = {}
    for name, work in WORK.items():
        counts = []
        for backend in (kernels, viper):
            board.cycles = 0
            work(backend)
            counts.append(board.cycles)
        figures[name] = counts[0]
        print(f"{name:24}{counts[0]:8,}{counts[1]:9,}")
    return figures
