# SPDX-License-Identifier: Apache-2.0
"""Which backend is chosen, and that the float backend agrees with the reference."""

import importlib
import os
import shutil
import subprocess
import sys
from array import array

import pytest

import tocsin.kernels
from host_tests.unit.kernels_signals import frame, signal, window
from tocsin.kernels.plan import REMOVE_MEAN, make_plan
from tools.mpy import ROOT

KERNELS = ROOT / "lib" / "tocsin" / "kernels"

MICROPYTHON = os.environ.get("MICROPYTHON")

# architecture numbers of sys.implementation._mpy
PLAIN, X64, ARMV6M, ARMV7EMSP, XTENSAWIN, RV32IMC = 0, 2, 4, 7, 10, 11
FOLDERS = {ARMV6M: "armv6m", ARMV7EMSP: "armv7emsp", XTENSAWIN: "xtensawin", RV32IMC: "rv32imc"}
ASSEMBLER = {ARMV6M: "thumb", ARMV7EMSP: "thumb", XTENSAWIN: "xtensa", RV32IMC: "rv32"}
TWIN = "from tocsin.kernels.reference_{group} import *\nbackend = '{place}'\n"
REFUSALS = {
    "import": "raise ImportError('not here')",
    "decorator": "@micropython.asm_thumb\ndef f(:",
    "version": "raise ValueError('incompatible .mpy file')",
    "attribute": "import sys\nsys.no_such_name",
}


@pytest.fixture
def load(monkeypatch, tmp_path):
    """load(arch, files): the package as a board of that architecture with those files loads it.

    files: path below the package, without .py -> source. The package's own native files are
    hidden, the reference is there.
    """
    parent = sys.modules["tocsin"]
    own = tocsin.kernels
    kept = {name: m for name, m in sys.modules.items() if name.startswith("tocsin.kernels")}
    folder = tmp_path / "tocsin" / "kernels"
    native = shutil.ignore_patterns("thumb_*", "viper_*", "xtensa_*", "rv32_*")
    shutil.copytree(KERNELS, folder, ignore=native)

    def forget():
        for name in list(sys.modules):
            if name.startswith("tocsin.kernels"):
                del sys.modules[name]

    def make(arch, files):
        for name, source in files.items():
            path = folder / (name + ".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(source)
        monkeypatch.setattr(sys.implementation, "_mpy", arch << 10 | 0x306, raising=False)
        monkeypatch.setattr(parent, "__path__", [str(tmp_path / "tocsin")])
        forget()
        importlib.invalidate_caches()
        return importlib.import_module("tocsin.kernels")

    yield make
    forget()
    sys.modules.update(kept)
    parent.kernels = own


def twins(place: str, groups: tuple[str, ...]) -> dict[str, str]:
    """Files of a backend that do what the reference does and say who they are."""
    return {f"{place}_{group}": TWIN.format(group=group, place=place) for group in groups}


def used(kernels, name: str) -> str:
    """Where a kernel's module lies: `armv6m.thumb`, `viper`, `reference` .."""
    module = kernels.find(name, kernels.BACKEND)
    for place, loaded in sys.modules.items():
        if getattr(loaded, name, None) is module and hasattr(loaded, "backend"):
            return place[len("tocsin.kernels.") :].rsplit("_", 1)[0]
    return "reference"


@pytest.mark.parametrize("arch", FOLDERS)
def test_each_architecture_takes_its_own_folder(load, arch):
    """The native files of all architectures lie side by side."""
    files = {}
    for other, folder in FOLDERS.items():
        files |= twins(f"{folder}/{ASSEMBLER[other]}", ("time", "fft"))
        files |= twins(f"{folder}/viper", ("time", "parts"))
    kernels = load(arch, files)
    assert kernels.BACKEND == ASSEMBLER[arch]
    assert used(kernels, "spectrum") == f"{FOLDERS[arch]}.{ASSEMBLER[arch]}"
    assert used(kernels, "resample") == f"{FOLDERS[arch]}.viper"
    assert used(kernels, "fc_s8") == "reference"


@pytest.mark.parametrize(
    ("arch", "version", "expected"),
    (
        (ARMV6M, (1, 25, 0, ""), "viper"),
        (ARMV6M, (1, 26, 1, ""), "reference"),
        (ARMV7EMSP, (1, 27, 0, ""), "reference"),
        (RV32IMC, (1, 26, 0, ""), "reference"),
        (XTENSAWIN, (1, 26, 0, ""), "viper"),
        (RV32IMC, (1, 28, 0, ""), "viper"),
    ),
)
def test_viper_source_is_left_alone_where_firmware_miscompiles_it(
    load, monkeypatch, arch, version, expected
):
    """Native files come from a newer compiler and are taken all the same."""
    monkeypatch.setattr(sys.implementation, "version", version)
    assert load(arch, twins("viper", ("time",))).BACKEND == expected
    assert load(arch, twins(f"{FOLDERS[arch]}/viper", ("time",))).BACKEND == "viper"


@pytest.mark.parametrize("arch", (PLAIN, X64))
def test_runtimes_without_32_bit_native_code_take_the_reference(load, arch):
    files = twins("viper", ("time",)) | twins("armv6m/thumb", ("time",))
    kernels = load(arch, files)
    assert kernels.BACKEND == "reference"
    assert used(kernels, "deinterleave") == "reference"


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("depth", range(5))
def test_what_refuses_to_load_is_passed_over(load, refusal, depth):
    """In this order: assembler in the folder, beside it, viper likewise, the reference."""
    places = ["armv6m/thumb", "thumb", "armv6m/viper", "viper"]
    groups = ("time", "moments")
    files: dict[str, str] = {}
    for i, place in enumerate(places):
        files |= twins(place, groups)
        if i < depth:
            files |= {f"{place}_{group}": REFUSALS[refusal] for group in groups}
    kernels = load(ARMV6M, files)
    assert kernels.BACKEND == ("thumb", "thumb", "viper", "viper", "reference")[depth]
    expected = [*places, "reference"][depth].replace("/", ".")
    assert used(kernels, "moments") == expected


def test_results_are_the_same_wherever_a_kernel_comes_from(load):
    """One group from each place, none whole: still the values of the reference."""
    from tocsin.kernels import reference

    sources = {g: (KERNELS / f"reference_{g}.py").read_text() for g in ("fft", "spectral")}
    files = {
        "armv6m/thumb_spectral": REFUSALS["version"],
        "viper_spectral": sources["spectral"] + "backend = 1\n",
        "armv6m/thumb_fft": sources["fft"].replace("def spectrum", "def _spectrum")
        + "backend = 1\n",
        **twins("armv6m/viper", ("fft",)),
    }
    kernels = load(ARMV6M, files)
    places = [used(kernels, name) for name in ("rfft", "spectrum", "band_log2", "kmeans")]
    assert places == ["armv6m.thumb", "armv6m.viper", "viper", "reference"]
    x = frame(signal("noise", 256, 1))
    plan = make_plan(256, 256, REMOVE_MEAN)
    edges = array("h", [2, 1, 30, 30, 129])
    results = []
    for source in (reference, kernels):
        work, bands = source.make_work(256), array("h", [0, 0])
        exponent = source.spectrum(x, window("hann", 256, 256), plan, work)
        source.band_log2(work, edges, 0, bands)
        results.append((exponent, list(work), list(bands)))
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("arch", "files", "ulab", "expected"),
    (
        (ARMV6M, ("armv6m/thumb_time",), True, ("thumb",)),
        (ARMV6M, ("viper_time",), True, ("viper",)),
        (ARMV6M, (), True, ("ulab",)),
        (ARMV6M, (), False, ("reference",)),
        (ARMV7EMSP, ("armv7emsp/thumb_time",), True, ("thumb", "ulab")),
        (ARMV7EMSP, ("viper_time",), True, ("viper", "ulab")),
        (ARMV7EMSP, ("thumb_time",), False, ("thumb",)),
        (XTENSAWIN, ("xtensawin/xtensa_time",), True, ("xtensa", "ulab")),
        (XTENSAWIN, (), True, ("ulab",)),
        (RV32IMC, ("rv32imc/rv32_time", "viper_time"), True, ("rv32",)),
        (X64, ("viper_time",), True, ("ulab",)),
    ),
)
def test_only_a_measurement_chooses_ulab_over_native_code(load, arch, files, ulab, expected):
    sources = {name: TWIN.format(group="time", place=name) for name in files}
    kernels = load(arch, sources | {"ulab": "" if ulab else "raise ImportError"})
    assert expected == kernels.CANDIDATES
    assert expected[0] == kernels.BACKEND


def test_ulab_has_every_kernel_that_reads_its_work():
    """So that no other backend's kernel meets its floats."""
    source = (KERNELS / "ulab.py").read_text()
    for group in tocsin.kernels.SPECTRA:
        for name in tocsin.kernels.GROUPS[group]:
            assert f"\ndef {name}(" in source


def test_groups_name_every_kernel_of_the_reference():
    from tocsin.kernels import reference

    assert sorted(sum(tocsin.kernels.GROUPS.values(), ())) == sorted(reference.__all__)
    for group, names in tocsin.kernels.GROUPS.items():
        module = importlib.import_module("tocsin.kernels.reference_" + group)
        assert all(hasattr(module, name) for name in names)


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
