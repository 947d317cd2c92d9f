# SPDX-License-Identifier: Apache-2.0
"""The RISC-V kernels, as built for boards, equal the reference and keep to their instructions."""

import re

import pytest

from host_tests.board import bench, checks, machine, native_modules
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


def test_readers_of_the_spectrum(rv32):
    checks.readers(rv32, 400, seed=2)


def test_samples_in_time(rv32):
    checks.times(rv32, 400, seed=2)


def test_models(rv32):
    checks.models(rv32, 400, seed=2)


def test_fully_connected(rv32):
    checks.network(rv32, 400, seed=2)


@pytest.mark.parametrize("length", (1, 2, 3, 4, 5, 7, 8, 9, 33))
def test_short_frames(rv32, length):
    checks.short_frames(rv32, length)


def test_instructions():
    """Deterministic; 3 % above what was reached."""
    figures = bench.target(bench.CountingRiscV(), native_modules.assembler, "instructions")
    print(figures)
    for name, budget in BUDGETS.items():
        assert next(iter(figures[name].values())) <= budget, name


def test_size_of_the_code():
    paths = [native_modules.KERNELS / f"rv32_{group}.py" for group in FILES]
    sizes = [compile_file(path, "rv32imc").stat().st_size for path in paths]
    print(dict(zip(FILES, sizes)))
    assert sum(sizes) <= 8192


@pytest.mark.parametrize("group", FILES)
def test_no_instruction_that_mpy_cross_encodes_wrongly(group):
    """Of these it keeps two bits of a register's number only."""
    source = (native_modules.KERNELS / f"rv32_{group}.py").read_text()
    found = re.findall(r"\bc_(?:sub|and|or|xor)\((\w+), (\w+)\)", source)
    assert {name for pair in found for name in pair} <= {"s0", "s1", "a0", "a1"}
    assert "asm_rv32" in source
