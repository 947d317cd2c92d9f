# SPDX-License-Identifier: Apache-2.0
"""Generated code, emulated, scores as the interpreter does and keeps to its cost.

    python -m pytest -s host_tests/board/test_codegen.py -k cost        prints what it gains
"""

import json
from array import array

import numpy as np
import pytest

from host_tests.board import codegen_models, xtensa
from host_tests.unit.test_models_twin import random_model
from tocsin.models.scorer import Scorer
from tools import mpy_format
from tools.codegen import check
from tools.mpy import THUMB
from tools.train.bundle_format import decode

needs_qemu = pytest.mark.skipif(xtensa.QEMU is None, reason=xtensa.MISSING)
ARCHES = ("armv6m", "rv32imc", pytest.param("xtensawin", marks=needs_qemu))
GOLDEN = json.loads((codegen_models.HEAP_BUDGET.parent / "models.json").read_text())["cases"]
BUDGET = json.loads(codegen_models.HEAP_BUDGET.read_text())["bundle"]
MODELS = {
    "16x8, 16-32-16-2": codegen_models.heap_budget(BUDGET),
    "16-32-16-2": codegen_models.network(16, 32, 16, 2),
    "64-32-8": codegen_models.network(64, 32, 8),
}
# cycles (armv6m) or instructions of native code per vector, 3 % above what was reached
BUDGETS = {
    "armv6m": {"16x8, 16-32-16-2": 5807, "16-32-16-2": 4799, "64-32-8": 9703},
    "rv32imc": {"16x8, 16-32-16-2": 5175, "16-32-16-2": 4434, "64-32-8": 9019},
    "xtensawin": {"16x8, 16-32-16-2": 5250, "16-32-16-2": 4482, "64-32-8": 9177},
}


@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize("name", sorted(set(GOLDEN) - {"forest"}))
def test_every_part_and_head(arch, name):
    model = decode(bytes.fromhex(GOLDEN[name]["bundle"]))
    made = codegen_models.emulated(model, arch)
    check.compare(Scorer(made.bundle), made.judge, check.vectors(model, 80, seed=7))


@pytest.mark.parametrize("arch", ARCHES)
def test_any_model_that_the_format_allows(arch):
    """Odd sizes, all shifts, long rows, several classes; seeds of forests are left out."""
    seen = 0
    for seed in range(100, 122):
        model = random_model(np.random.default_rng(seed))
        if model.forest is None:
            made = codegen_models.emulated(model, arch)
            check.compare(Scorer(made.bundle), made.judge, check.vectors(model, 20, seed))
            seen += 1
    assert seen > 8


@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize("sizes", [(1, 2), (3, 5, 2), (81, 7, 3), (199, 4, 2)])
def test_odd_and_long_layers(arch, sizes):
    model = codegen_models.network(*sizes)
    made = codegen_models.emulated(model, arch)
    check.compare(Scorer(made.bundle), made.judge, check.vectors(model, 40))


@pytest.mark.parametrize("arch", ARCHES)
def test_vectors_of_another_kind_never_reach_native_code(arch):
    made = codegen_models.emulated(MODELS["16-32-16-2"], arch)
    made.board.cycles = 0
    for wrong in (array("h", [0] * 15), array("h", [0] * 17), array("i", [0] * 16), None):
        with pytest.raises(ValueError, match=r"must be array\('h'\) of 16"):
            made.judge.score(wrong)
    assert made.board.cycles == 0


@pytest.mark.parametrize("arch", ARCHES)
def test_cost(arch):
    """Deterministic. The bytecode around it is not counted: see test_codegen_pico.py."""
    for name, model in MODELS.items():
        generic, generated = codegen_models.costs(model, arch)
        print(f"{arch}, {name}: interpreter {generic:,}, generated {generated:,}")
        assert generated <= BUDGETS[arch][name], name
        assert generated < generic, name


def test_armv7_gets_the_same_instructions():
    codes = []
    for arch in THUMB:
        source = codegen_models.emulated(MODELS["64-32-8"], arch).source
        mpy = mpy_format.parse(check.compiled(source, arch))
        codes.append([code.data for code in mpy.code.children if code.kind == "asm"])
    assert codes[0] == codes[1]
    assert len(codes[0]) == 1
