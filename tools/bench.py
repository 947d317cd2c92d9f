# SPDX-License-Identifier: Apache-2.0
"""Speed and precision figures: prints tables, leaves build/bench.json.

    make bench

The precision is that of the numpy twin, which equals the device's FFT bit for bit. Cycles and
instructions are those of native code on emulated processors, without the bytecode around it. With
MICROPYTHON_UF2 set, an image for the Pico runs on an emulated one and shows both together.
"""

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from host_tests.board import bench as board
from host_tests.board import bench_network, bench_pico, snr, xtensa
from tools.mpy import ROOT
from tools.train import twin

OUT = ROOT / "build" / "bench.json"


def precision() -> dict[str, dict[str, dict[str, float]]]:
    """Kind of signal -> N -> level in LSB -> worst SNR in dB."""
    result: dict[str, dict[str, dict[str, float]]] = {"sine": {}, "noise": {}}
    for n in snr.SIZES:
        rows = [snr.worst(n, level) for level in snr.AMPLITUDES]
        for at, kind in enumerate(result):
            pairs = zip(snr.AMPLITUDES, rows)
            result[kind][str(n)] = {str(level): round(row[at], 1) for level, row in pairs}
    return result


def show_precision(figures: dict[str, dict[str, dict[str, float]]], console: Console) -> None:
    levels = [f"{level} LSB" for level in snr.AMPLITUDES]
    for kind, sizes in figures.items():
        table = Table("N", *levels, title=f"FFT SNR against float64, dB, worst {kind}")
        for n, row in sizes.items():
            table.add_row(n, *(f"{value:.1f}" for value in row.values()))
            cmsis = snr.CMSIS.get(int(n)) if kind == "sine" else None
            if cmsis:
                cells = ("" if value is None else str(value) for value in cmsis)
                table.add_row(f"{n}, CMSIS q15", *cells, style="dim")
        console.print(table)


def show_targets(targets: dict[str, Any], console: Console) -> None:
    for target, rows in targets.items():
        others = board.OTHERS.get(target, {})
        table = Table("work", "figure", *(["others"] if others else []), title=target)
        for name, figures in rows.items():
            cells = (f"{value:,} {unit.replace('_', ' ')}" for unit, value in figures.items())
            row = [name, ", ".join(cells)]
            table.add_row(*row, *([others.get(name, "")] if others else []))
        console.print(table)


def main() -> int:
    console = Console()
    figures: dict[str, Any] = {"snr_db": precision()}
    show_precision(figures["snr_db"], console)
    figures["twin"] = {key: round(value) for key, value in twin.bench().items()}
    speed = figures["twin"]["windows_per_s"]
    console.print(f"numpy twin: {speed:,} windows of 256 samples per second on one core")
    figures["targets"] = board.bench()
    show_targets(figures["targets"], console)
    if xtensa.QEMU is None:
        console.print(f"no figures for Xtensa: {xtensa.MISSING}")
    figures["network"] = bench_network.bench(console)
    figures["pico"] = bench_pico.bench()
    figures["targets"]["rp2040"].update(figures["pico"].get("windows", {}))
    bench_pico.show(figures["pico"], console)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
