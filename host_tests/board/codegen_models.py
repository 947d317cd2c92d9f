# SPDX-License-Identifier: Apache-2.0
"""Models and generated code for the tests of tools/codegen."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from tocsin.models.bundle import parse
from tools.codegen import check, module
from tools.codegen.plan import make_plan
from tools.train.bundle_format import Model, Scaler, decode, encode
from tools.train.quantize import FloatNetwork, quantize_network

HEAP_BUDGET = Path(__file__).parents[1] / "vectors" / "heap_budget.json"


def network(*sizes: int) -> Model:
    """A classifier of these layer widths, random but quantised like a trained one."""
    rng = np.random.default_rng(sizes)
    n = sizes[0]
    scaler = np.stack([rng.integers(1000, 3000, n), rng.integers(4000, 8000, n),
                       rng.integers(11, 14, n)], axis=1)  # fmt: skip
    z = np.clip(np.round(128 * rng.normal(size=(400, n))), -4095, 4095).astype(np.int16)
    weights = tuple(rng.normal(size=(a, b)) / np.sqrt(a) for a, b in zip(sizes, sizes[1:]))
    biases = tuple(rng.normal(size=b) / 8 for b in sizes[1:])
    return Model(
        conf={"features": []},
        feature_names=[f"f{i}" for i in range(n)],
        scaler=Scaler(scaler.astype(np.int16)),
        classes=[f"c{i}" for i in range(sizes[-1])],
        network=quantize_network(FloatNetwork(weights, biases, normal=0), z),
    )


def heap_budget(text: str) -> Model:
    """16 features, 8 clusters, 16-32-16-2: the model of host_tests/vectors/heap_budget.json."""
    return decode(bytes.fromhex(text))


def emulated(model: Model, arch: str) -> SimpleNamespace:
    """judge (the generated `Scorer`), bundle, board and the unit that it counts."""
    data = encode(model)
    bundle = parse(data)
    source = module.source(make_plan(model), bundle.decision, data, "model.tcb", arch)
    board, unit = check.processor(arch)
    judge = check.load(source, check.compiled(source, arch), board).Scorer(bundle)
    return SimpleNamespace(judge=judge, bundle=bundle, board=board, unit=unit, source=source)


def costs(model: Model, arch: str) -> tuple[int, int]:
    """(interpreter, generated): native code of one vector, in what `check.processor` counts."""
    made: Any = emulated(model, arch)
    inputs = check.vectors(model, 20)
    generated = check.cost(made.judge, made.board, inputs)
    with check.interpreter(made.bundle, check.backend(made.board)) as generic:
        return check.cost(generic, made.board, inputs), generated
