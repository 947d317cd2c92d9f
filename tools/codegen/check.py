# SPDX-License-Identifier: Apache-2.0
"""Runs a generated module's native code on an emulated processor, beside the interpreter's.

The module's Python part runs as Python; each of its native functions is the machine code that
mpy-cross made of it. The emulated processors are those of `host_tests/board`.
"""

import sys
import tempfile
import warnings
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from unicorn import UcError

from host_tests.board import bench, machine, native_modules, xtensa
from tocsin.kernels import reference
from tocsin.models import kmeans, mlp, scorer
from tocsin.models.bundle import Bundle
from tocsin.models.scorer import Scorer
from tools import mpy_format, native_abi
from tools.mpy import ROOT, THUMB, compile_file
from tools.train.bundle_format import Model

_PREFIX = {arch: prefix for prefix, arch in native_abi.ARCHES.items()}
INPUTS = 1000
"""Random vectors that must give the interpreter's results to the bit."""
_REASONS_EVERY = 50


class Differs(ValueError):
    """Generated code that does not score as the interpreter does."""


WRONG = (Differs, machine.MachineError, UcError)
"""What code that is wrong raises when it is run."""


class Unavailable(ValueError):
    """No emulated processor of an architecture here."""


def processor(arch: str) -> tuple[Any, str]:
    """An emulated processor of an architecture and what its `cycles` count.

    Raises Unavailable.
    """
    if arch in THUMB:  # armv7emsp gets the same instructions; a test holds that
        return machine.Thumb(), "cycles"
    if arch == "rv32imc":
        return bench.CountingRiscV(), "instructions"
    if xtensa.QEMU:
        return xtensa.Xtensa(), "instructions"
    raise Unavailable(f"nothing verifies {arch} code here: {xtensa.MISSING}")


def compiled(source: str, arch: str) -> bytes:
    """The .mpy of a module's source. Raises tools.mpy.CompileError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "models" / f"{_PREFIX.get(arch, '')}generated.py"
        path.parent.mkdir()
        path.write_text(source)
        return compile_file(path, arch, Path(folder)).read_bytes()


def load(source: str, mpy: bytes, board: Any) -> ModuleType:
    """The module with its native functions emulated on `board`."""
    parsed = mpy_format.parse(mpy)
    children = iter(parsed.code.children)

    def native(python: Any) -> Any:
        code = next(children)
        if code.kind == "asm":
            return partial(board.call_assembler, board.place(code.data))
        return partial(board.call, board.load(code, parsed.objects))

    stand_in = ModuleType("micropython")
    stand_in.__dict__.update(asm_thumb=native, asm_rv32=native, asm_xtensa=native)
    module = ModuleType("generated")
    if board.arch in _PREFIX:
        source = native_abi.unguarded(source, "the generated module")
    before = sys.modules.get("micropython")
    sys.modules["micropython"] = stand_in
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # 4(a1) is the assembler's
            code = compile(source, "generated", "exec")
        exec(code, module.__dict__)
    finally:
        if before is None:
            del sys.modules["micropython"]
        else:
            sys.modules["micropython"] = before
    return module


def backend(board: Any) -> SimpleNamespace:
    """The kernels that a board of this processor selects."""
    return native_modules.assembler(board)


@contextmanager
def interpreter(bundle: Bundle, kernels: SimpleNamespace) -> Iterator[Scorer]:
    """A `Scorer` whose parts call these kernels wherever they would call the reference."""
    names = {
        value: name for name, value in vars(reference).items() if isinstance(value, FunctionType)
    }
    places: list[tuple[dict[str, Any], str, Any]] = []

    def exchange(space: dict[str, Any]) -> None:
        for name, value in list(space.items()):
            if isinstance(value, FunctionType) and hasattr(kernels, names.get(value, "")):
                places.append((space, name, value))
                space[name] = getattr(kernels, names[value])

    for module in (scorer, kmeans, mlp):
        exchange(vars(module))
    try:
        judge = scorer.Scorer(bundle)
        for part in (judge, judge.kmeans, judge.network):
            exchange(vars(part) if part is not None else {})
        yield judge
    finally:
        for space, name, value in places:
            space[name] = value


def vectors(model: Model, count: int, seed: int = 0) -> list[array]:
    """Feature vectors: most within some sigma of the training data, some extreme."""
    rng = np.random.default_rng(seed)
    params = model.scaler.params.astype(np.float64)
    sigma = 128 * 2.0 ** params[:, 2] / np.maximum(params[:, 1], 1)
    spread = rng.choice([0.3, 1, 3, 10, 40], (count, 1))
    values = params[:, 0] + spread * sigma * rng.normal(size=(count, len(params)))
    values[::10] = rng.integers(-32768, 32768, values[::10].shape)
    values[1::50] = rng.choice([-32768, 32767], values[1::50].shape)
    clipped = np.clip(np.round(values), -32768, 32767).astype(np.int16)
    return [array("h", row.tobytes()) for row in clipped]


def compare(generic: Any, generated: Any, inputs: list[array], step: Any = None) -> None:
    """Score every vector with both. Raises Differs at the first difference."""
    for number, vector in enumerate(inputs):
        expected, found = generic.score(vector), generated.score(vector)
        results = [_results(scorer) for scorer in (generic, generated)]
        if number % _REASONS_EVERY == 0:
            results = [[*row, s.reasons(3)] for row, s in zip(results, (generic, generated))]
        if expected != found or results[0] != results[1]:
            raise Differs(f"random vector {number}: {results[1]}, not {results[0]}")
        if step is not None:
            step()


def _results(judge: Any) -> list[Any]:
    near, network = judge.kmeans, judge.network
    return [
        judge.last,
        judge.label,
        *((near.raw, near.score, near.best) if near is not None else ()),
        *((network.score, network.label) if network is not None else ()),
    ]


def cost(judge: Any, board: Any, inputs: list[array]) -> int:
    """What one vector takes of the processor on average, native code only."""
    board.cycles = 0
    for vector in inputs:
        judge.score(vector)
    return round(board.cycles / len(inputs))


def generic_bytes(bundle: Bundle, arch: str) -> int:
    """Bytes of .mpy of the interpreter: scorer, parts and their kernels."""
    names = ["scorer"]
    names += ["kmeans"] if bundle.section("KMNS") is not None else []
    names += ["mlp"] if bundle.section("MLPN") is not None else []
    paths = [ROOT / "lib" / "tocsin" / "models" / f"{name}.py" for name in names]
    best = native_modules.ASSEMBLER[arch]
    for group in ("model", "network"):
        files = [native_modules.KERNELS / f"{name}_{group}.py" for name in (best, "viper")]
        paths.append(files[0] if files[0].is_file() else files[1])
    return sum(compile_file(path, arch).stat().st_size for path in paths)
