# SPDX-License-Identifier: Apache-2.0
"""The viper modules of lib/tocsin/kernels as Python modules whose native functions are emulated.

A module's source is executed here with a `micropython.viper` that replaces each decorated function
by a call into a machine holding the machine code that mpy-cross made of it. What is bytecode on a
board runs as Python; what is native there runs as native code.
"""

import ast
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

from host_tests.board.machine import Machine
from host_tests.board.mpy_native import Mpy, parse
from tools.mpy import ROOT, compile_file

KERNELS = ROOT / "lib" / "tocsin" / "kernels"
GROUPS = ("time", "parts", "moments", "envelope", "fft", "spectral", "model", "network")


def functions(source: str, mpy: Mpy) -> dict[str, int]:
    """Name -> index among the module's children, in the order of definition."""
    names = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    if len(names) != len(mpy.code.children):
        raise ValueError("functions that are not at the top of the module")
    return {name: i for i, name in enumerate(names)}


def load(machine: Machine) -> SimpleNamespace:
    """All kernels of the viper backend, by name, running on `machine`."""
    kernels = {}
    stand_ins = {"micropython": ModuleType("micropython")}
    for group in GROUPS:
        name = f"tocsin.kernels.viper_{group}"
        path = KERNELS / f"viper_{group}.py"
        source = path.read_text()
        mpy = parse(compile_file(path, machine.arch).read_bytes())
        index = functions(source, mpy)

        def viper(python: Callable, mpy: Mpy = mpy, index: dict = index) -> Callable:
            code = mpy.code.children[index[python.__name__]]
            assert code.kind == "viper"
            address = machine.load(code, mpy.objects)

            def native(*arguments: object) -> int | None:
                return machine.call(address, *arguments)

            return native

        stand_ins["micropython"].viper = viper
        module = ModuleType(name)
        module.__dict__.update(ptr8=None, ptr16=None, ptr32=None)
        saved = {key: sys.modules.get(key) for key in stand_ins}
        sys.modules.update(stand_ins)
        try:
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
