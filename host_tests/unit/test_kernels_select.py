# SPDX-License-Identifier: Apache-2.0
"""Which backend is chosen, and that the float backend agrees with the reference."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

import tocsin.kernels
from tools.mpy import ROOT

MICROPYTHON = os.environ.get("MICROPYTHON")

# architecture numbers of sys.implementation._mpy
PLAIN, X64, ARMV6M, ARMV7EMSP, XTENSAWIN, RV32IMC = 0, 2, 4, 7, 10, 11

REFERENCE = ("reference",)
VIPER = ("viper", "reference")
THUMB = ("thumb", "viper", "reference")


@pytest.mark.parametrize(
    ("arch", "has", "expected"),
    (
        (PLAIN, (), ("reference", REFERENCE)),
        (ARMV6M, ("thumb_time",), ("thumb", THUMB)),
        (ARMV6M, ("thumb_time", "viper_time"), ("thumb", THUMB)),
        (ARMV6M, ("thumb_time", "viper_time", "ulab"), ("thumb", THUMB)),
        (ARMV6M, ("viper_time",), ("viper", VIPER)),
        (ARMV6M, ("viper_time", "ulab"), ("viper", VIPER)),
        (ARMV6M, ("ulab",), ("ulab", REFERENCE)),
        (ARMV7EMSP, ("thumb_time", "viper_time"), ("thumb", THUMB)),
        (ARMV7EMSP, ("thumb_time", "viper_time", "ulab"), ("ulab", THUMB)),
        (ARMV7EMSP, ("viper_time", "ulab"), ("ulab", VIPER)),
        (XTENSAWIN, ("thumb_time", "viper_time"), ("viper", VIPER)),
        (XTENSAWIN, ("viper_time", "ulab"), ("ulab", VIPER)),
        (RV32IMC, ("thumb_time", "viper_time", "ulab"), ("viper", VIPER)),
        (X64, ("viper_time",), ("reference", REFERENCE)),
        (X64, ("viper_time", "ulab"), ("ulab", REFERENCE)),
    ),
)
def test_selection(monkeypatch, arch, has, expected):
    monkeypatch.setattr(tocsin.kernels, "_load", lambda name: name if name in has else None)
    runtime = SimpleNamespace(implementation=SimpleNamespace(_mpy=arch << 10 | 0x306))
    monkeypatch.setattr(tocsin.kernels, "sys", runtime)
    assert tocsin.kernels._select() == expected


def test_missing_or_refused_kernel_comes_from_the_next_backend(monkeypatch):
    kernels = tocsin.kernels
    modules = {
        "thumb_spectral": SimpleNamespace(band_log2="thumb"),
        "viper_spectral": SimpleNamespace(band_log2="viper", centroid="viper"),
        "reference_fft": SimpleNamespace(rfft="reference"),
    }
    monkeypatch.setattr(kernels, "_load", modules.get)
    monkeypatch.setattr(kernels, "_native", THUMB)
    saved = dict(vars(kernels))
    try:
        assert kernels.__getattr__("band_log2") == "thumb"
        assert kernels.__getattr__("centroid") == "viper"
        assert kernels.__getattr__("rfft") == "reference"
    finally:
        for name in ("band_log2", "centroid", "rfft"):
            vars(kernels).pop(name, None)
        vars(kernels).update(saved)


def test_cpython_uses_the_reference():
    code = (
        "import sys, tocsin.kernels as k; k.fc_s8\n"
        "assert k.BACKEND == 'reference' and k.fc_s8.__module__.endswith('reference_network')\n"
        "assert 'tocsin.kernels.reference_fft' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT / "lib", check=True)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError):
        tocsin.kernels.no_such_kernel  # noqa: B018


ULAB = """
import sys
sys.path[:] = ["lib", "host_tests/contract"]
from array import array
import kernels_cases as cases
from tocsin.kernels import BACKEND, reference, ulab
from tocsin.kernels.plan import make_plan

print(BACKEND)
for n in cases.SIZES:
    window = cases.hann(n, n)
    plan = make_plan(n, n, 1)
    edges = array("h", [3, 1, n // 8, n // 8, n // 4, n // 4, n // 2 + 1])
    weights = array("h", [1, n // 2] + [32767, 0, 20000, 3] * (n // 4))
    for amplitude in (20, 300, 32767):
        x = array("h", cases.numbers(n, -amplitude, amplitude, n + amplitude))
        values = []
        for kernels in (reference, ulab):
            work = kernels.make_work(n)
            bands = array("h", bytes(6))
            exponent = kernels.spectrum(x, window, plan, work)
            kernels.band_log2(work, edges, 256 * exponent, bands)
            values.append(list(bands))
            values[-1].append(kernels.weighted_log2(work, weights, 256 * exponent))
            values[-1].append(kernels.centroid(work, 1, n // 2 + 1))
            values[-1].append(kernels.peak_bin(work, 1, n // 2 + 1))
        print(max(abs(a - b) for a, b in zip(values[0], values[1])))
"""


@pytest.mark.skipif(not MICROPYTHON, reason="needs MICROPYTHON, a unix build with ulab")
def test_ulab_is_within_one_unit():
    done = subprocess.run(
        [MICROPYTHON, "-c", ULAB], cwd=ROOT, check=True, capture_output=True, text=True
    )
    backend, *differences = done.stdout.split()
    assert backend == "ulab"
    assert len(differences) == 18
    assert max(map(int, differences)) <= 1


def test_ulab_kernels_use_only_what_ulab_has(monkeypatch, capsys):
    """The same comparison on the emulator's ulab, which has nothing that the real one lacks."""
    from tools.emulator import standin_ulab

    for name, module in standin_ulab.build().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys, "path", [str(ROOT / "host_tests" / "contract"), *sys.path])
    lines = ULAB.replace('sys.path[:] = ["lib", "host_tests/contract"]', "")
    try:
        exec(lines, {})
    finally:
        sys.modules.pop("tocsin.kernels.ulab", None)
    differences = capsys.readouterr().out.split()[1:]
    assert len(differences) == 18
    assert max(map(int, differences)) <= 1
