# SPDX-License-Identifier: Apache-2.0
"""The kernels of a backend against the reference on 10,000 inputs each or more.

    python -m host_tests.board.exhaustive thumb        the RP2040's kernels: six minutes
    python -m host_tests.board.exhaustive viper-rv32 --seed 2
"""

import argparse
import importlib
import time
from types import SimpleNamespace

from host_tests.board import checks, native_modules

SIZES = ((64, 16000), (128, 2600), (256, 1000), (512, 250), (1024, 100), (2048, 50))
COUNT = 10_000
MACHINES = {
    "thumb": "machine.Thumb",
    "m33": "cortex_m33.CortexM33",
    "rv32": "machine.RiscV",
    "xtensa": "xtensa.Xtensa",
}
BACKENDS = (*MACHINES, *("viper-" + name for name in MACHINES))


def kernels_of(backend: str) -> SimpleNamespace:
    """The kernels of one of BACKENDS on an emulated processor that runs them."""
    module, machine = MACHINES[backend.removeprefix("viper-")].split(".")
    board = getattr(importlib.import_module("host_tests.board." + module), machine)()
    load = native_modules.viper if backend.startswith("viper-") else native_modules.assembler
    return load(board)


def main(backend: str, seed: int) -> None:
    """Print a line per group; the first difference ends it with an AssertionError."""
    kernels = kernels_of(backend)
    for n, count in SIZES:
        start = time.monotonic()
        checks.spectrum(kernels, n, count, seed)
        print(f"rfft, spectrum {n}: {count} inputs, {time.monotonic() - start:.0f} s", flush=True)
    groups = [checks.readers, checks.times, checks.models, checks.network]
    if hasattr(kernels, "statistics"):
        groups.append(checks.statistics)
    for check in groups:
        start = time.monotonic()
        check(kernels, COUNT, seed)
        print(f"{check.__name__}: {COUNT} inputs, {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m host_tests.board.exhaustive")
    parser.add_argument("backend", choices=BACKENDS, nargs="?", default="thumb")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    main(options.backend, options.seed)
