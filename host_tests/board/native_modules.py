# SPDX-License-Identifier: Apache-2.0
"""The native modules of lib/tocsin/kernels as Python modules whose functions are emulated.

A module's source is executed here with a `micropython` whose decorators replace each function by
a call into a machine holding the machine code that mpy-cross made of it. What is bytecode on a
board runs as Python; what is native there runs as native code.
"""

import ast
import sys
import warnings
from collections.abc import Callable
from functools import partial
from types import ModuleType, SimpleNamespace

from host_tests.board.machine import Machine
from tools import native_abi
from tools.mpy import ROOT, compile_file
from tools.mpy_format import Mpy, parse

KERNELS = ROOT / "lib" / "tocsin" / "kernels"
GROUPS = ("time", "parts", "moments", "envelope", "fft", "spectral", "model", "network",
          "rebuild", "check")
THUMB = (
    "time", "moments", "envelope", "fft_load", "fft_passes", "fft", "spectral", "model", "network",
    "rebuild", "check", "numbers", "statistics", "parts",
)  # fmt: skip
ASSEMBLER = {"armv6m": "thumb", "armv7emsp": "thumb", "rv32imc": "rv32", "xtensawin": "xtensa"}
"""The backend in assembler of a machine's architecture."""


def functions(source: str, mpy: Mpy) -> dict[str, int]:
    """Name -> index among the module's children, in the order of definition."""
    names = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    if len(names) != len(mpy.code.children):
        raise ValueError("functions that are not at the top of the module")
    return {name: i for i, name in enumerate(names)}


def viper(machine: Machine) -> SimpleNamespace:
    """All kernels of the viper backend, by name, running on `machine`."""
    return _load(machine, "viper", GROUPS)


def assembler(machine: Machine) -> SimpleNamespace:
    """The kernels in assembler, and viper's where there are none, as the package selects them."""
    backend = ASSEMBLER[machine.arch]
    fastest = _load(machine, backend, files(backend))
    return SimpleNamespace(**(vars(viper(machine)) | vars(fastest)))


def files(backend: str) -> tuple[str, ...]:
    """The groups that a backend in assembler has, those first that others import."""
    if backend == "thumb":
        return THUMB
    names = {path.stem[len(backend) + 1 :] for path in KERNELS.glob(backend + "_*.py")}
    return tuple(sorted(names, key=lambda name: (name in GROUPS, name)))


def _load(machine: Machine, backend: str, groups: tuple[str, ...]) -> SimpleNamespace:
    kernels = {}
    stand_ins = {"micropython": ModuleType("micropython")}
    for group in groups:
        name = f"tocsin.kernels.{backend}_{group}"
        path = KERNELS / f"{backend}_{group}.py"
        source = path.read_text()
        if backend in ("rv32", "xtensa"):
            source = native_abi.unguarded(source, path.name)
        mpy = parse(compile_file(path, machine.arch).read_bytes())
        index = functions(source, mpy)

        def viper(python: Callable, mpy: Mpy = mpy, index: dict = index) -> Callable:
            code = mpy.code.children[index[python.__name__]]
            assert code.kind == "viper"
            return partial(machine.call, machine.load(code, mpy.objects))

        def asm_thumb(python: Callable, mpy: Mpy = mpy, index: dict = index) -> Callable:
            code = mpy.code.children[index[python.__name__]]
            assert code.kind == "asm"
            return partial(machine.call_assembler, machine.place(code.data))

        for decorator in ("viper", "asm_rv32", "asm_xtensa"):
            setattr(stand_ins["micropython"], decorator, viper)
        stand_ins["micropython"].asm_thumb = asm_thumb
        module = ModuleType(name)
        module.__package__ = "tocsin.kernels"
        module.__dict__.update(ptr8=None, ptr16=None, ptr32=None)
        saved = {key: sys.modules.get(key) for key in stand_ins}
        sys.modules.update(stand_ins)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)  # 4(a0) calls an int for CPython
                exec(compile(source, str(path), "exec"), module.__dict__)
        finally:
            for key, old in saved.items():
                if old is None:
                    del sys.modules[key]
                else:
                    sys.modules[key] = old
        stand_ins[name] = module
        kernels.update(module.__dict__)
    return SimpleNamespace(**{k: v for k, v in kernels.items() if not k.startswith("__")})
