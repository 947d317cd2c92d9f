# SPDX-License-Identifier: Apache-2.0
"""The Xtensa kernels but FFT and network: equal to the reference, within their instructions.

The emulated core refuses loads and stores that are not aligned, as an ESP32 does.
"""

import pytest

from host_tests.board import checks, corners, native_modules, xtensa
from host_tests.board.machine import MachineError
from tools.mpy import compile_file

pytestmark = pytest.mark.skipif(xtensa.QEMU is None, reason=xtensa.MISSING)
GROUPS = ("time", "parts", "moments", "envelope", "spectral", "model")


@pytest.fixture(scope="module")
def kernels():
    return native_modules.assembler(xtensa.Xtensa())


def test_readers_of_the_spectrum(kernels):
    checks.readers(kernels, 400, seed=2)


def test_samples_in_time(kernels):
    checks.times(kernels, 400, seed=2)


def test_models(kernels):
    checks.models(kernels, 400, seed=2)


@pytest.mark.parametrize("corner", corners.ALL, ids=lambda corner: corner.__name__)
def test_corners(kernels, corner):
    corner(kernels)


def test_arrays_behind_half_a_word():
    board = xtensa.Xtensa()
    kernels = corners.halfway(board, native_modules.assembler(board))
    checks.readers(kernels, 100, seed=4)
    checks.times(kernels, 100, seed=4)
    checks.models(kernels, 100, seed=4)


def test_the_core_refuses_what_is_not_aligned():
    board = xtensa.Xtensa()
    kernels = native_modules.assembler(board)
    with pytest.raises(MachineError, match="exception 9"):
        kernels.peak_bin(board.place(bytes(16)) + 2, 0, 1)


# instructions, prologues included: 3 % above what was reached
BUDGETS = {
    "deinterleave 256": 1143,
    "block_means 256 to 32": 1600,
    "resample 256 to 32": 612,
    "moments 256": 6878,
    "moments 1024": 27049,
    "teager 256": 5017,
    "teager 1024": 19356,
    "load_power 128": 1124,
    "band_log2 256": 1266,
    "band_log2 1024": 2369,
    "weighted_log2 128": 2101,
    "peak_bin 128": 615,
    "centroid 128": 1563,
    "scale 16": 369,
    "matvec 16 x 16": 1769,
    "kmeans 16 x 8": 1233,
}


def test_instructions():
    """Deterministic. `-s` prints them beside viper's."""
    board = xtensa.Xtensa()
    kernels, viper = native_modules.assembler(board), native_modules.viper(board)
    for name, figure in corners.instructions(board, kernels, viper).items():
        assert figure <= BUDGETS[name], name


def test_size():
    paths = [native_modules.KERNELS / f"xtensa_{group}.py" for group in GROUPS]
    assert sum(compile_file(path, "xtensawin").stat().st_size for path in paths) <= 3400
