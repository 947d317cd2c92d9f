# SPDX-License-Identifier: Apache-2.0
"""The RISC-V kernels, as built for boards, equal the reference and keep to their instructions."""

from array import array

import pytest

from host_tests.board import bench, checks, machine, native_modules
from host_tests.board.strict import StrictRiscV
from tocsin.kernels import reference
from tools.mpy import compile_file

# instructions, and per multiply-accumulate for fc_s8
BUDGETS = {
    "rfft_256": 16921,
    "rfft_1024": 78152,
    "spectrum_256": 20310,
    "spectrum_1024": 91428,
    "fc_s8_128x128": 4.04,
    "fc_s8_640x128": 3.80,
}
SIZES = ((64, 400), (128, 200), (256, 100), (512, 40), (1024, 20), (2048, 10))
FILES = native_modules.files("rv32")


@pytest.fixture(scope="module")
def rv32():
    return native_modules.assembler(machine.RiscV())


@pytest.mark.parametrize(("n", "count"), SIZES)
def test_spectrum(rv32, n, count):
    checks.spectrum(rv32, n, count, seed=2000)


def test_models(rv32):
    checks.models(rv32, 400, seed=4)


def test_fully_connected(rv32):
    checks.network(rv32, 400, seed=2)


@pytest.mark.parametrize("length", (1, 2, 3, 4, 5, 7, 8, 9, 33))
def test_short_frames(rv32, length):
    checks.short_frames(rv32, length)


def test_aligned_accesses_and_registers():
    strict = native_modules.assembler(StrictRiscV())
    for n in (64, 128, 256):
        checks.spectrum(strict, n, 12, seed=3)
    checks.models(strict, 40, seed=3)
    checks.network(strict, 40, seed=3)


def test_bytes_at_odd_addresses():
    """int8 arrays may be slices that start anywhere."""
    board = StrictRiscV()
    kernels = native_modules.assembler(board)
    for n_out in range(1, 10):
        x, w = array("b", range(-8, 8)), array("b", [(37 * i) % 255 - 127 for i in range(160)])
        params = array("i", [16, n_out, -3, -128, 127, 0, 0, 0, *[500, 20000, 77, -6] * 10])
        expected = array("b", bytes(n_out))
        reference.fc_s8(x, w, params, expected)
        free = board.free
        places = [board.place(bytes(200)) + odd for odd in (1, 3, 3)]
        board.write(places[0], x.tobytes())
        board.write(places[1], w.tobytes())
        kernels.fc_s8(places[0], places[1], params, places[2])
        assert board.read(places[2], n_out + 1) == expected.tobytes() + b"\0"
        assert board.read(places[2] - 1, 1) == b"\0"
        board.free = free


def test_instructions():
    """Deterministic; 3 % above what was reached."""
    figures = bench.target(bench.CountingRiscV(), native_modules.assembler, "instructions")
    print(figures)
    for name, budget in BUDGETS.items():
        assert next(iter(figures[name].values())) <= budget, name


@pytest.mark.parametrize("words", (-1, 0, 1, 2, 3))
def test_checked_blocks_of_few_words(rv32, words):
    data = array("b", [-128, 127, 5, -1] * 4)
    ours, expected = array("H", [1, 2, 3, 4]), array("H", [1, 2, 3, 4])
    for at in (0, 1):
        differs = reference.check_words(data, words, expected, at)
        assert rv32.check_words(data, words, ours, at) == differs
        assert ours == expected


def test_instructions_of_a_checked_block():
    board = bench.CountingRiscV()
    check = native_modules.assembler(board).check_words
    board.cycles = 0
    check(array("b", bytes(4000)), 1000, array("H", bytes(8)), 1)
    assert board.cycles <= 6254


def test_size_of_the_code():
    paths = [native_modules.KERNELS / f"rv32_{group}.py" for group in FILES]
    sizes = [compile_file(path, "rv32imc").stat().st_size for path in paths]
    print(dict(zip(FILES, sizes)))
    assert sum(sizes) <= 8192
