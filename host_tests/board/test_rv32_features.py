# SPDX-License-Identifier: Apache-2.0
"""The RISC-V kernels but FFT and network: equal to the reference, within their instructions."""

from array import array
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from host_tests.board import bench, checks, native_modules
from host_tests.board.machine import MachineError, RiscV
from host_tests.board.strict import StrictRiscV
from tocsin.kernels import reference
from tools.mpy import compile_file

GROUPS = ("time", "parts", "moments", "envelope", "spectral", "model")
LOW, HIGH = -32768, 32767


def halfway(board: RiscV, kernels: SimpleNamespace) -> SimpleNamespace:
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


@pytest.fixture(scope="module")
def rv32():
    return native_modules.assembler(RiscV())


@pytest.fixture(scope="module")
def strict():
    return native_modules.assembler(StrictRiscV())


def test_readers_of_the_spectrum(rv32):
    checks.readers(rv32, 400, seed=2)


def test_samples_in_time(rv32):
    checks.times(rv32, 400, seed=2)


def test_models(rv32):
    checks.models(rv32, 400, seed=2)


def test_aligned_accesses_and_registers(strict):
    checks.readers(strict, 40, seed=3)
    checks.times(strict, 40, seed=3)
    checks.models(strict, 40, seed=3)


def test_arrays_behind_half_a_word():
    board = StrictRiscV()
    kernels = halfway(board, native_modules.assembler(board))
    checks.readers(kernels, 40, seed=4)
    checks.times(kernels, 40, seed=4)
    checks.models(kernels, 40, seed=4)


def test_strict_machine_notices(strict):
    with pytest.raises(MachineError, match="4 bytes at"):
        strict.peak_bin(0x20020002, 0, 1)


@pytest.mark.parametrize("count", (1, 2, 3, 7, 8, 9, 15, 16, 17))
def test_few_samples(strict, count):
    for x in (array("h", [LOW, HIGH] * 9), array("h", range(7, 25)), array("h", [-5] * 18)):
        checks.both(strict, "moments", lambda: checks.empty("i", 16), x[:count], count, None)
        for decimation in (1, 2, 4, 64):
            blocks = count // decimation
            ours, expected = array("h", bytes(2 * blocks)), array("h", bytes(36))
            exponent = reference.teager(x, decimation, expected, count)
            assert strict.teager(x, decimation, ours, count) == exponent
            assert ours == expected[:blocks]


def test_long_frames(rv32):
    n = 32767
    for x in ([LOW, HIGH] * 16384, [LOW] * 32768, [HIGH] * 32766 + [LOW, 0], [HIGH, LOW] * 16384):
        x = array("h", x)
        checks.both(rv32, "moments", lambda: checks.empty("i", 16), x, n, None)
        checks.both(rv32, "teager", lambda: checks.empty("h", n // 64), x, 64, None, n)
        checks.both(rv32, "block_means", lambda: checks.empty("h", 1), x, 8192, None)


@pytest.mark.parametrize("decimation", (1, 2, 8, 64))
def test_envelopes_that_grow(rv32, decimation):
    """Each later block halves all before it."""
    x = array("h", [int((-1) ** i * 1.02**i) for i in range(524)])
    n = 524 // decimation
    checks.both(rv32, "teager", lambda: checks.empty("h", n), x, decimation, None, 524)


def test_nothing_to_do(strict):
    some, none = array("h", [5] * 8), array("i", [1 << 20] * 4)

    def same(name, make, *arguments):
        checks.both(strict, name, make, *arguments)

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
    assert strict.weighted_log2(none, array("h", [1, 0]), 100) == 0
    for lo, hi in ((0, 0), (3, 3), (2, 1)):
        assert strict.peak_bin(none, lo, hi) == lo
        assert strict.centroid(none, lo, hi) == 0


@pytest.mark.parametrize("points", (1, 2, 3, 40))
def test_parts_of_few_samples(strict, points):
    for count in (1, 2, 3, 39, 40):
        for x in (array("h", [LOW, HIGH] * 21), array("h", [HIGH, LOW] * 21)):
            for name in ("block_means", "resample"):
                checks.both(strict, name, lambda: checks.empty("h", points), x, count, None)


def test_extreme_powers(rv32):
    for p in (1, 2**30 - 1):
        work = array("i", [p] * 1025)
        edges = array("h", [5, 0, 1025, 0, 1, 1, 5, 1, 4, 1024, 1025])
        for offset in (-32768, 0, 25000):
            checks.both(rv32, "band_log2", lambda: checks.empty("h", 5), work, edges, offset, None)
            for mantissa, shift in ((32767, 0), (32767, 29), (1, 0), (0, 5)):
                weights = array("h", [0, 1025, *[mantissa, shift] * 1025])
                expected = reference.weighted_log2(work, weights, offset)
                assert rv32.weighted_log2(work, weights, offset) == expected
        assert rv32.peak_bin(work, 3, 1025) == 3
        assert rv32.centroid(work, 0, 1025) == reference.centroid(work, 0, 1025) == 512 * 16
    x = array("h", [LOW, LOW + 1, -1, 0, 1, HIGH])
    checks.both(rv32, "load_power", lambda: checks.empty("i", 6), x, 6, None)


def test_every_power_of_two(rv32):
    work = array("i", [0, 0])
    weights, edges = array("h", [0, 1, 32767, 0]), array("h", [1, 0, 1])
    for bit in range(30):
        for p in {1 << bit, (1 << bit) + 1, (2 << bit) - 1, 3 << bit >> 1}:
            work[0] = min(p, 2**30 - 1)
            checks.both(rv32, "band_log2", lambda: checks.empty("h", 1), work, edges, 0, None)
            expected = reference.weighted_log2(work, weights, 300)
            assert rv32.weighted_log2(work, weights, 300) == expected


def test_extreme_vectors(rv32):
    for n, shift in ((16, 0), (256, 4)):
        z, far = array("h", [4095] * n), array("h", [-4095] * n)
        near = array("h", [4095] * (n - 1) + [4094])
        clusters = array("i", [4, n, shift, 0, 16384, 16384, 1, 0])
        checks.both(
            rv32, "kmeans", lambda: checks.empty("i", 4), z, far + near + far + far, clusters, None
        )
    for shift in (0, 1, 18):
        matrix = array("h", [HIGH, -HIGH, HIGH, -HIGH, HIGH, -HIGH, HIGH, -HIGH])
        matrix += array("h", [HIGH] * 8) + array("h", [-HIGH] * 8) + array("h", [1, *[0] * 7])
        z = array("h", [4095, -4095] * 4)
        for vector in (z, array("h", [4095] * 8), array("h", [-4095] * 8)):
            shape = array("h", [4, 8, shift])
            checks.both(rv32, "matvec", lambda: checks.empty("h", 4), vector, matrix, shape, None)
    f = array("h", [LOW, HIGH] * 6)
    for shift in (0, 1, 12, 27, 28):
        params = array("h", [12, *[HIGH, 8191, shift, LOW, -8191, shift, LOW, 8191, shift] * 4])
        checks.both(rv32, "scale", lambda: checks.empty("h", 12), f, params, None)


def test_equal_clusters_give_the_first(rv32):
    z, centroids = array("h", [1, 2, 3]), array("h", [9, 9, 9, 1, 2, 4, 1, 2, 2])
    params = array("i", [3, 3, 0, 0, 16384, 16384, 16384])
    make = partial(checks.empty, "i", 3)
    assert checks.both(rv32, "kmeans", make, z, centroids, params, None)[0] == 1


def _load_power(kernels, n):
    kernels.load_power(bench.noise(n), n, array("i", bytes(4 * n)))


def _weighted_log2(kernels, n):
    p = array("i", np.random.default_rng(n).integers(0, 1 << 30, n).tolist())
    kernels.weighted_log2(p, array("h", [0, n, *[20000, 3] * n]), 0)


def _reader(name, kernels, n):
    p = array("i", np.random.default_rng(n).integers(0, 1 << 30, n).tolist())
    getattr(kernels, name)(p, 0, n)


def _deinterleave(kernels, n):
    spec = array("h", [3, n, 0])
    kernels.deinterleave(bench.noise(3 * n), 0, spec, array("h", bytes(2 * n)))


def _part(name, kernels, n):
    getattr(kernels, name)(bench.noise(n), n, array("h", bytes(64)))


def _scale(kernels, n):
    params = array("h", [n, *[100, 5000, 12] * n])
    kernels.scale(array("h", range(n)), params, array("h", bytes(2 * n)))


def _matvec(kernels, n):
    kernels.matvec(
        array("h", range(n)), array("h", [3] * n * n), array("h", [n, n, 4]), array("h", [0] * n)
    )


# instructions, prologues included: 3 % above what was reached
WORK = {
    "deinterleave 256": (partial(_deinterleave, n=256), 1002),
    "block_means 256 to 32": (partial(_part, "block_means", n=256), 1684),
    "resample 256 to 32": (partial(_part, "resample", n=256), 597),
    "moments 256": (partial(bench.moments, n=256), 7836),
    "moments 1024": (partial(bench.moments, n=1024), 30768),
    "teager 256": (partial(bench.teager, n=256), 5716),
    "teager 1024": (partial(bench.teager, n=1024), 22037),
    "load_power 128": (partial(_load_power, n=128), 1112),
    "band_log2 256": (partial(bench.band_log2, n=256), 1518),
    "band_log2 1024": (partial(bench.band_log2, n=1024), 2902),
    "weighted_log2 128": (partial(_weighted_log2, n=128), 1709),
    "peak_bin 128": (partial(_reader, "peak_bin", n=128), 605),
    "centroid 128": (partial(_reader, "centroid", n=128), 1719),
    "scale 16": (partial(_scale, n=16), 341),
    "matvec 16 x 16": (partial(_matvec, n=16), 2150),
    "kmeans 16 x 8": (partial(bench.kmeans, n=16, k=8), 1210),
}


def test_instructions():
    """Deterministic. `-s` prints them beside viper's."""
    board = bench.CountingRiscV()
    kernels, viper = native_modules.assembler(board), native_modules.viper(board)

    def count(work, backend):
        board.cycles = 0
        work(backend)
        return board.cycles

    for name, (work, budget) in WORK.items():
        figure = count(work, kernels)
        print(f"{name:24}{figure:8,}{count(work, viper):9,}")
        assert figure <= budget, name


def test_size():
    paths = [native_modules.KERNELS / f"rv32_{group}.py" for group in GROUPS]
    assert sum(compile_file(path, "rv32imc").stat().st_size for path in paths) <= 3600


@pytest.mark.parametrize("path", native_modules.KERNELS.glob("rv32_*.py"), ids=lambda p: p.stem)
def test_no_instruction_that_mpy_cross_gets_wrong(path):
    """It encodes these right for s0, s1, a0 and a1 only, and says nothing about others."""
    source = path.read_text()
    assert [x for x in ("c_sub", "c_and", "c_or", "c_xor") if x + "(" in source] == []
