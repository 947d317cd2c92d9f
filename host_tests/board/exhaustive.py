# SPDX-License-Identifier: Apache-2.0
"""The Thumb kernels against the reference on 10,000 inputs each or more: six minutes.

    python -m host_tests.board.exhaustive [SEED]
"""

import sys
import time

from host_tests.board import checks, machine, native_modules

SIZES = ((64, 16000), (128, 2600), (256, 1000), (512, 250), (1024, 100), (2048, 50))
COUNT = 10_000


def main(seed: int) -> None:
    """Print a line per group; the first difference ends it with an AssertionError."""
    kernels = native_modules.assembler(machine.Thumb())
    for n, count in SIZES:
        start = time.monotonic()
        checks.spectrum(kernels, n, count, seed)
        print(f"rfft, spectrum {n}: {count} inputs, {time.monotonic() - start:.0f} s", flush=True)
    for check in (checks.readers, checks.times, checks.models, checks.network):
        start = time.monotonic()
        check(kernels, COUNT, seed)
        print(f"{check.__name__}: {COUNT} inputs, {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
