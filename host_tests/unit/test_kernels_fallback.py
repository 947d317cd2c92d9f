# SPDX-License-Identifier: Apache-2.0
"""Real MicroPython with the native files of every architecture beside the library.

The WebAssembly build has no native code. Told that it is a board of some architecture, it meets
what a board meets whose firmware takes no native files or no native source.
"""

import json

import pytest

from host_tests.micropython import wasm
from tocsin import kernels
from tools.mpy import ARCHES, build_kernels, device_files, native_backend

pytestmark = pytest.mark.skipif(bool(wasm.missing()), reason=wasm.missing() or "")
NUMBERS = {folder: number for number, (folder, _) in kernels.NATIVE.items()}

PRETEND = """
import sys
class Sys:
    modules = sys.modules
    class implementation:
        _mpy = {number} << 10 | 0x306
sys.modules["sys"] = Sys
import tocsin.kernels as kernels
sys.modules["sys"] = sys
"""
GOLDEN = """
import kernels_cases as cases
from noalloc import vectors
cases.reference = kernels
expected = vectors("kernels")
parts = ("spectra", "times", "model")
wrong = [part for part in parts if getattr(cases, part)() != expected[part]]
print("backend", kernels.BACKEND, "wrong", wrong)
exit_code = 0
"""
TWIN = "from tocsin.kernels.reference_{group} import *\nprint('loaded {place} {group}')\n"


@pytest.fixture(scope="module")
def native(tmp_path_factory) -> dict[str, str]:
    """Path on the board -> file: what `make kernels` builds, in the folders where it belongs."""
    files = {}
    for arch in ARCHES:
        for path in build_kernels(arch, tmp_path_factory.mktemp("kernels") / arch):
            files[f"/lib/tocsin/kernels/{arch}/{path.name}"] = str(path)
    return files


@pytest.mark.parametrize("arch", ARCHES)
def test_refused_native_files_and_source_leave_the_reference(native, arch):
    """First the .mpy files (ValueError), then the sources (SyntaxError), for every kernel."""
    exit_code, output = wasm.run(PRETEND.format(number=NUMBERS[arch]), GOLDEN, files=native)
    assert exit_code == 0, output
    assert "backend reference wrong []" in output


@pytest.mark.parametrize("arch", ARCHES)
def test_what_loads_is_used_and_the_rest_comes_from_the_next_one(native, tmp_path, arch):
    """A board's own assembler for one group, viper source for another, refusals for the others."""
    assembler = kernels.NATIVE[NUMBERS[arch]][1]
    files = dict(native)
    for place, group in ((f"{arch}/{assembler}", "fft"), ("viper", "moments")):
        path = tmp_path / f"{group}.py"
        path.write_text(TWIN.format(group=group, place=place))
        inside = f"/lib/tocsin/kernels/{place}_{group}"
        files.pop(inside + ".mpy", None)
        files[inside + ".py"] = str(path)
    exit_code, output = wasm.run(PRETEND.format(number=NUMBERS[arch]), GOLDEN, files=files)
    assert exit_code == 0, output
    assert f"loaded {arch}/{assembler} fft" in output
    assert "loaded viper moments" in output
    assert "backend reference wrong []" in output


IMPORT = """
refused = {{}}
for module in {modules}:
    try:
        __import__("tocsin.kernels." + module)
        refused[module] = "nothing"
    except Exception as error:
        refused[module] = type(error).__name__
import json
print("refused", json.dumps(refused))
exit_code = 0
"""


def test_source_of_native_code_is_refused_with_what_selection_expects():
    """As on a board without the emitter or the assembler."""
    modules = [path.stem for path in device_files() if native_backend(path)]
    exit_code, output = wasm.run(IMPORT.format(modules=modules))
    assert exit_code == 0, output
    refused = json.loads(output.split("refused ")[1].splitlines()[0])
    assert set(refused) == set(modules)
    assert set(refused.values()) <= {"SyntaxError", "ImportError"}, refused
