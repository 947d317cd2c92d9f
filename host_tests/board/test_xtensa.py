# SPDX-License-Identifier: Apache-2.0
"""The Xtensa kernels' machine code, run by qemu, equals the reference and keeps to its counts."""

from array import array

import pytest

from host_tests.board import bench, checks, native_modules, xtensa, xtensa_opcodes
from host_tests.unit.kernels_signals import window
from tocsin.kernels import reference
from tocsin.kernels.plan import REMOVE_MEAN, make_plan
from tools import mpy_format, native_abi
from tools.mpy import compile_file

pytestmark = pytest.mark.skipif(xtensa.QEMU is None, reason=xtensa.MISSING)

# instructions, and per multiply-accumulate for fc_s8
BUDGETS = {
    "rfft_256": 19195,
    "rfft_1024": 89339,
    "spectrum_256": 22852,
    "spectrum_1024": 103675,
    "fc_s8_128x128": 5.35,
    "fc_s8_640x128": 5.03,
}
SIZES = ((64, 200), (128, 80), (256, 50), (512, 20), (1024, 10), (2048, 5))
ENTRY = b"\x36\x61\x00"  # entry a1, 48
FILES = sorted(native_modules.KERNELS.glob("xtensa_*.py"))


@pytest.fixture(scope="module")
def kernels():
    return native_modules.assembler(xtensa.Xtensa())


@pytest.fixture(scope="module")
def viper():
    return native_modules.viper(xtensa.Xtensa())


@pytest.mark.parametrize(("n", "count"), SIZES)
def test_spectrum(kernels, n, count):
    checks.spectrum(kernels, n, count, seed=2000)


def test_readers_of_the_spectrum(kernels):
    checks.readers(kernels, 400, seed=2)


def test_samples_in_time(kernels):
    checks.times(kernels, 400, seed=2)


def test_models(kernels):
    checks.models(kernels, 400, seed=2)


def test_fully_connected(kernels):
    checks.network(kernels, 400, seed=2)


@pytest.mark.parametrize("length", (1, 2, 3, 7, 8, 9, 33))
def test_short_frames(kernels, length):
    """What lies behind the frame's samples has no effect."""
    for n in (64, 128):
        x = array("h", [-32768, 32767, 5, -3] * (n // 4))
        plan = make_plan(n, length, REMOVE_MEAN)
        arguments = x, window("edges", length, n), plan, None
        checks.both(kernels, "spectrum", lambda n=n: checks.empty("i", n + 2), *arguments)


def test_the_largest_products_of_a_layer(kernels):
    """-128 everywhere, in fours of outputs and alone."""
    for n_out in (1, 4, 7):
        x, w = array("b", [-128] * 64), array("b", [-128] * 64 * n_out)
        params = array("i", [64, n_out, 3, -128, 127, 0, 0, 0] + [5, 1 << 14, 77, -7] * n_out)
        ours, expected = array("b", bytes(n_out)), array("b", bytes(n_out))
        kernels.fc_s8(x, w, params, ours)
        reference.fc_s8(x, w, params, expected)
        assert ours == expected


def test_viper_spectrum(viper):
    for n, count in ((64, 40), (128, 20), (256, 10), (512, 4), (1024, 2), (2048, 2)):
        checks.spectrum(viper, n, count)


def test_viper_readers_of_the_spectrum(viper):
    checks.readers(viper, 150)


def test_viper_samples_in_time(viper):
    checks.times(viper, 150)


def test_viper_models(viper):
    checks.models(viper, 150)


def test_viper_fully_connected(viper):
    checks.network(viper, 150)


def test_instructions_of_the_native_code():
    """Deterministic; 3 % above what was reached. The bytecode around it is not counted."""
    figures = bench.target(xtensa.Xtensa(), native_modules.assembler, "instructions")
    print(figures)
    for name, budget in BUDGETS.items():
        assert next(iter(figures[name].values())) <= budget, name


def test_size_of_the_code():
    assert sum(compile_file(path, "xtensawin").stat().st_size for path in FILES) <= 8192


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_opcodes_are_what_their_comments_say(path):
    """Branch distances too, which depend on where the assembler puts each line."""
    source = path.read_text()
    assert xtensa_opcodes.rewrite(source) == source
    built = mpy_format.parse(compile_file(path, "xtensawin").read_bytes())
    index = native_modules.functions(native_abi.unguarded(source, path.name), built)
    for name, size in xtensa_opcodes.sizes(source).items():
        code = built.code.children[index[name]].data
        assert code[-size:][:3] == ENTRY
        assert (len(code) - size) % 4 == 0
