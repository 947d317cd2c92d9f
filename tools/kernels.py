# SPDX-License-Identifier: Apache-2.0
"""The native kernels, compiled: all that a board of an architecture loads, in 8 KB.

    make kernels                           leaves build/kernels/ARCH, prints bytes per file

A board takes the folder as /lib/tocsin/kernels/ARCH, beside the library; folders of several
architectures may lie there, and the board picks its own.
"""

import argparse
import sys

from rich.console import Console
from rich.table import Table

from tools.mpy import ARCHES, ROOT, build_kernels

LIMIT = 8192
OUT = ROOT / "build" / "kernels"


def build() -> dict[str, dict[str, int]]:
    """Compile into build/kernels; returns architecture -> {module: bytes of .mpy}."""
    return {
        arch: {path.stem: path.stat().st_size for path in build_kernels(arch, OUT / arch)}
        for arch in ARCHES
    }


def show(sizes: dict[str, dict[str, int]], console: Console) -> None:
    table = Table("module", *ARCHES, title=f"native kernels, bytes of .mpy (limit {LIMIT})")
    for module in sorted({module for found in sizes.values() for module in found}):
        table.add_row(module, *(str(sizes[arch].get(module, "")) for arch in ARCHES))
    table.add_section()
    table.add_row("all", *(str(sum(sizes[arch].values())) for arch in ARCHES))
    console.print(table)


def main() -> int:
    argparse.ArgumentParser(prog="python -m tools.kernels", description=__doc__).parse_args()
    sizes = build()
    show(sizes, Console())
    too_big = [arch for arch in ARCHES if sum(sizes[arch].values()) > LIMIT]
    for arch in too_big:
        print(f"{arch}: kernels of more than {LIMIT} bytes of .mpy", file=sys.stderr)
    return 1 if too_big else 0


if __name__ == "__main__":
    sys.exit(main())
