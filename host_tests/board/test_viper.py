# SPDX-License-Identifier: Apache-2.0
"""The viper kernels' machine code, emulated, equals the reference bit for bit."""

from array import array

import pytest

from host_tests.board import bench, checks, machine, native_modules
from tools import mpy_format
from tools.mpy import compile_file

# cycles, and per multiply-accumulate for fc_s8
BUDGETS = {
    "rfft_256": 205366,
    "rfft_1024": 981071,
    "spectrum_256": 243321,
    "band_log2_256": 15414,
    "moments_256": 100476,
    "teager_256": 63846,
    "kmeans_16x8": 13637,
    "fc_s8_128x128": 44.2,
    "fc_s8_640x128": 42.2,
}


@pytest.fixture(scope="module", params=(machine.Thumb, machine.RiscV), ids=lambda m: m.arch)
def viper(request):
    return native_modules.viper(request.param())


SIZES = ((64, 100), (128, 60), (256, 30), (512, 8), (1024, 4), (2048, 2))


@pytest.mark.parametrize(("n", "count"), SIZES)
def test_spectrum(viper, n, count):
    checks.spectrum(viper, n, count)


def test_readers_of_the_spectrum(viper):
    checks.readers(viper, 250)


def test_samples_in_time(viper):
    checks.times(viper, 300)


def test_models(viper):
    checks.models(viper, 300)


def test_fully_connected(viper):
    checks.network(viper, 300)


def test_a_write_past_an_array_is_noticed():
    thumb = machine.Thumb()
    kernels = native_modules.viper(thumb)
    with pytest.raises(machine.MachineError, match="past the end"):
        kernels.deinterleave(checks.empty("h", 8), 0, array("h", [1, 4, 0]), checks.empty("h", 2))


def test_cycles_of_the_native_code():
    """Deterministic; 3 % above what was reached. The bytecode around it is not counted."""
    figures = bench.target(machine.Thumb(), native_modules.viper, "cycles")
    print(figures)
    for name, budget in BUDGETS.items():
        assert next(iter(figures[name].values())) <= budget, name


@pytest.mark.parametrize("group", native_modules.GROUPS)
def test_mpy_parser_refuses_damaged_files(group):
    path = native_modules.KERNELS / f"viper_{group}.py"
    data = compile_file(path, "armv6m").read_bytes()
    assert mpy_format.parse(data).arch == "armv6m"
    for damaged in (data[:-1], data + b"\0", b"X" + data[1:], data[:1] + b"\x05" + data[2:]):
        with pytest.raises(mpy_format.MpyError):
            mpy_format.parse(damaged)
