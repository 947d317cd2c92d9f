# SPDX-License-Identifier: Apache-2.0
"""A real MicroPython image picks kernels: native files, viper source, reference; same results."""

import json
import os

import pytest

from host_tests.contract import kernels_cases
from tools.emulator import pico
from tools.mpy import ROOT, board_files

pytestmark = pytest.mark.skipif(not os.environ.get(pico.VARIABLE), reason=pico.MISSING)

SCRIPT = """
import sys
sys.path.append("/")
import json
import kernels_cases as cases
import tocsin.kernels as kernels
from array import array
from tocsin.kernels.arrays import ArrayError
from tocsin.kernels.plan import make_plan

cases.reference = kernels
work = kernels.make_work(64)
x = cases.frame("noise", 64)
exponent = kernels.spectrum(x, cases.hann(64, 64), make_plan(64, 64, 1), work)
found = [exponent, cases.crc(array("i", work[:33])), cases.model()]
from tocsin.kernels import checked
for wrong in (bytes(200), [1] * 64, x[:63], memoryview(x)[1:], array("i", x), array("H", x)):
    try:
        checked.spectrum(wrong, x, make_plan(64, 64, 1), work)
        found.append("taken")
    except ArrayError:
        pass
try:
    checked.resample(x, 64, memoryview(bytes(64)))
    found.append("taken")
except ArrayError:
    pass
modules = [n[15:] for n in sys.modules if n.startswith("tocsin.kernels.") and "_fft" in n]
print(json.dumps([sys.implementation.version[1], kernels.BACKEND, sorted(modules), found]))
"""


def files(native: bool, viper: bool) -> dict[str, bytes]:
    """A board's files; without `native` the firmware is another than they were built for."""
    found = pico.tree(board_files("armv6m"), without=("/main.py", "/boot.py"))
    found["/kernels_cases.py"] = (ROOT / "host_tests/contract/kernels_cases.py").read_bytes()
    for name, data in list(found.items()):
        if "/kernels/armv6m/" in name and not native:
            found[name] = data[:2] + bytes([data[2] & ~3 | 2]) + data[3:]  # .mpy 6.2
        elif "/kernels/viper_" in name and not viper:
            del found[name]
    return found


@pytest.mark.parametrize(
    ("native", "viper", "backend", "fft"),
    (
        (True, True, "thumb", ["armv6m.thumb_fft", "armv6m.thumb_fft_load",
                               "armv6m.thumb_fft_passes"]),
        (False, True, "viper", ["viper_fft"]),
        (False, False, "reference", ["reference_fft"]),
    ),
)  # fmt: skip
def test_results_are_the_same_wherever_the_kernels_come_from(native, viper, backend, fft):
    board = pico.Pico(pico.image_from_environment(), files(native, viper))
    minor, name, modules, found = json.loads(board.run(SCRIPT).splitlines()[-1])
    if viper and not native and minor in (26, 27):  # these compile viper wrongly
        backend, fft = "reference", ["reference_fft"]
    assert name == backend
    assert fft == [m for m in modules if m != "reference_fft" or backend == "reference"]
    reference = kernels_cases.reference
    work = reference.make_work(64)
    x, window = kernels_cases.frame("noise", 64), kernels_cases.hann(64, 64)
    exponent = reference.spectrum(x, window, kernels_cases.make_plan(64, 64, 1), work)
    crc = kernels_cases.crc(work[:33])
    assert found == [exponent, crc, json.loads(json.dumps(kernels_cases.model()))]
