# SPDX-License-Identifier: Apache-2.0
"""`tocsin codegen` writes a verified module that gains, or one line and exit code 2."""

import json
from pathlib import Path

import numpy as np
import pytest

from host_tests.board import codegen_models, machine, xtensa
from host_tests.unit.test_models_twin import random_model
from tools import cli, mpy_format
from tools.codegen import check, generate, module
from tools.codegen.generate import CodegenError
from tools.train import pack
from tools.train.bundle_format import decode

GOLDEN = json.loads(codegen_models.HEAP_BUDGET.read_text())
MODEL = decode(bytes.fromhex(GOLDEN["bundle"]))
FOREST = json.loads(codegen_models.HEAP_BUDGET.with_name("models.json").read_text())
FRAMES = (np.random.default_rng(0).normal(size=(2, 256, 1)) * 1000).astype(np.int16)


@pytest.fixture(autouse=True)
def few_inputs(monkeypatch):
    monkeypatch.setattr(check, "INPUTS", 30)


@pytest.fixture
def bundle(tmp_path):
    path = tmp_path / "pump.tcb"
    path.write_bytes(pack.pack(MODEL, FRAMES))
    return path


def refused(capsys, *arguments):
    """Exit code 2 and one line on stderr, which is returned; nothing new in the folder."""
    folder = Path(arguments[0]).parent
    before = sorted(folder.iterdir())
    assert cli.main(["codegen", *map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert sorted(folder.iterdir()) == before
    return captured.err


def test_random_inputs_are_at_least_a_thousand(monkeypatch):
    monkeypatch.undo()
    assert check.INPUTS >= 1000


def test_module_is_written_beside_the_bundle(bundle, capsys):
    assert cli.main(["codegen", str(bundle), "--arch", "armv6m", "--json", "-"]) == 0
    figures = json.loads(capsys.readouterr().out)
    mpy = bundle.with_suffix(".mpy").read_bytes()
    assert mpy_format.parse(mpy).arch == "armv6m"
    assert figures["file"] == str(bundle.with_suffix(".mpy"))
    assert figures["unit"] == "cycles"
    assert figures["generated"] < figures["generic"]
    assert figures["generated_mpy_bytes"] == len(mpy)
    assert (figures["vectors"], figures["random_inputs"]) == (2, 30)
    assert sorted(path.name for path in bundle.parent.iterdir()) == ["pump.mpy", "pump.tcb"]


def test_source_has_its_licence_and_its_bundle(bundle, capsys):
    out = bundle.with_name("readable.py")
    assert cli.main(["codegen", str(bundle), "--arch", "rv32imc", "--out", str(out)]) == 0
    assert "fewer" in capsys.readouterr().out
    source = out.read_text()
    assert source.startswith("# SPDX-License-Identifier: Apache-2.0\n")
    assert f"BUNDLE = {bundle.read_bytes()[-4:]!r}\n" in source
    assert max(len(line) for line in source.splitlines() if not line.startswith("_TABLE")) <= 120


def test_same_bundle_gives_the_same_bytes(bundle):
    data = bundle.read_bytes()
    assert generate.generate(data, "pump.tcb", "armv6m") == generate.generate(
        data, "pump.tcb", "armv6m"
    )


def test_bad_input_is_one_line(bundle, tmp_path, capsys):
    wrong = tmp_path / "wrong.tcb"
    wrong.write_bytes(b"no bundle at all, but long enough")
    bare = tmp_path / "bare.tcb"
    bare.write_bytes(pack.pack(MODEL))
    trees = tmp_path / "trees.tcb"
    model = decode(bytes.fromhex(FOREST["cases"]["forest"]["bundle"]))
    trees.write_bytes(pack.pack(MODEL.changed(
        clusters=None, network=None, forest=model.forest, classes=model.classes), FRAMES))
    arch = ("--arch", "armv6m")
    assert "not a model bundle" in refused(capsys, wrong, *arch)
    assert "does not exist" in refused(capsys, tmp_path / "none.tcb", *arch)
    assert "no self-test vectors" in refused(capsys, bare, *arch)
    assert "trees are nothing but comparisons" in refused(capsys, trees, *arch)
    assert "use armv6m, armv7emsp" in refused(capsys, bundle, "--arch", "z80")
    for out, reason in (("other.mpy", "looks for pump.mpy"), ("pump.txt", "a .mpy for the board"),
                        ("a/pump.mpy", "is not a folder"), ("p.1.py", "a name with dots")):
        assert reason in refused(capsys, bundle, *arch, "--out", tmp_path / out)


def test_wrong_code_is_never_written(bundle, capsys, monkeypatch):
    """One weight of the table differs: the vectors or the random inputs find it."""
    true_source = module.source

    def damaged(plan, *rest):
        plan.table[-20] ^= 1 << 9
        return true_source(plan, *rest)

    monkeypatch.setattr(module, "source", damaged)
    assert "the generated code is wrong" in refused(capsys, bundle, "--arch", "armv6m")


def test_the_smallest_models_gain_nothing():
    """One feature and seven clusters: the loop around it costs what is saved."""
    model = random_model(np.random.default_rng(27))
    assert (model.n_features, model.network, len(model.clusters.centroids)) == (1, None, 7)
    generic, generated = codegen_models.costs(model, "rv32imc")
    gain = generate.Gain("rv32imc", "instructions", generic, generated, 1, 1, 1, 1)
    assert not gain.worth_it


def test_no_gain_is_a_refusal_with_the_figures(bundle, capsys, monkeypatch):
    monkeypatch.setattr(check, "cost", lambda judge, board, inputs: 777)
    line = refused(capsys, bundle, "--arch", "armv6m")
    assert "the generic interpreter is as good: 777 cycles with the interpreter, 777" in line


def test_without_a_processor_nothing_is_written(bundle, capsys, monkeypatch):
    monkeypatch.setattr(xtensa, "QEMU", None)
    assert "nothing verifies xtensawin code here" in refused(
        capsys, bundle, "--arch", "xtensawin"
    )


def test_code_that_leaves_its_memory_is_never_written(bundle, capsys, monkeypatch):
    def broken(*_):
        raise machine.MachineError("wrote past the end of an array")

    monkeypatch.setattr(machine.Thumb, "call_assembler", broken)
    assert "wrote past the end" in refused(capsys, bundle, "--arch", "armv6m")


def test_unwritable_folder_is_one_line(bundle, capsys, monkeypatch):
    def full(path, data):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(pack, "write", full)
    assert "check the path and its rights" in refused(capsys, bundle, "--arch", "armv6m")


def test_only_this_bundle_is_named(bundle):
    found = generate.generate(bundle.read_bytes(), "pump.tcb", "armv6m")
    assert f"BUNDLE = {bundle.read_bytes()[-4:]!r}" in found.source
    with pytest.raises(CodegenError, match="use armv6m"):
        generate.generate(bundle.read_bytes(), "pump.tcb", "")
