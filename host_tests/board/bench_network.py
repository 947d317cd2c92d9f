# SPDX-License-Identifier: Apache-2.0
"""A network whose weights don't fit in RAM, on an RP2040: cycles of its kernels, and a real board.

The board is a MicroPython image on an emulated Pico, with the bundle in its littlefs file system.
Misses of the flash cache are not modelled, so reading costs more on a real one.
"""

import json
import struct
from array import array
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

from host_tests.board import anomaly_detector, machine, native_modules
from tocsin.models import mlp, scorer, streamed
from tocsin.models.bundle import parse
from tocsin.models.file import open_bundle
from tools.emulator.pico import HERTZ, Pico, image_from_environment, tree
from tools.mpy import board_files

BLOCKS = (2560, 5120, 10240, 20480)
OTHERS = "best Cortex-M0+ of MLPerf Tiny v1.2: 40.9 ms at 64 MHz, 9.9 cycles per MAC"
_KERNELS = ("scale", "quantize_s8", "fc_s8", "check_words", "dequantize_s8", "kmeans")
_VECTORS = 3
_BUNDLE = "/models/detector.tcb"
_SCRIPT = """
import gc, json, micropython, time
from array import array
gc.threshold(20000)  # code and models lie close together, as the app has it while it builds
def free():
    gc.collect()
    return gc.mem_free()
found = {"blocks": {}, "free_before": free()}
from tocsin.models.scorer import Scorer
from tocsin.models.file import open_bundle
from tocsin.models.streamed import StreamedMlp
found["free_with_code"] = free()
vectors = [array("h", bytes(1280)) for _ in range(COUNT)]
with open("/vectors.bin", "rb") as file:
    for vector in vectors:
        file.readinto(vector)
bundle = open_bundle(open(NAME, "rb"), NAME, 0)
scorer = Scorer(bundle)
found["free_with_model"] = free()
found["scores"] = [scorer.score(vector) for vector in vectors]
micropython.heap_lock()
scorer.score(vectors[0])
micropython.heap_unlock()
for block in BLOCKS:
    network = bundle._made = scorer.network = None
    gc.collect()
    scorer.network = network = StreamedMlp(bundle.section("MLPN"), 640, block)
    start = time.ticks_us()
    scorer.score(vectors[0])
    whole = time.ticks_diff(time.ticks_us(), start)
    start = time.ticks_us()
    for i in range(len(network._views)):
        network._fetch(i, network._views[i])
    reading = time.ticks_diff(time.ticks_us(), start)
    found["blocks"][block] = [whole / 1000, reading / 1000]
print(json.dumps(found))
"""


class BenchError(RuntimeError):
    """The board computed other scores than the host."""


def _vectors() -> list[array]:
    return [array("h", row.tolist()) for row in anomaly_detector.windows(_VECTORS, 5)]


def kernels() -> dict[str, int]:
    """Cycles of each kernel in one inference on the emulated RP2040 core.

    The scorer runs here; each of its kernels is the machine code of the board. Raises BenchError.
    """
    core = machine.Thumb()
    native = native_modules.assembler(core)
    cycles = dict.fromkeys(_KERNELS, 0)

    def counted(name: str) -> Any:
        def call(*arguments: Any) -> Any:
            before = core.cycles
            result = getattr(native, name)(*arguments)
            cycles[name] += core.cycles - before
            return result

        return call

    data = anomaly_detector.bundle()
    bundle = open_bundle(BytesIO(data), in_ram=0)
    judge = scorer.Scorer(bundle)
    vector = _vectors()[0]
    expected = scorer.Scorer(parse(data)).score(vector)
    with ExitStack() as stack:
        for module in (mlp, scorer, streamed):
            for name in _KERNELS:
                if hasattr(module, name):
                    stack.enter_context(patch.object(module, name, counted(name)))
        judge.network._rebuild = counted("dequantize_s8")
        judge.network._squared_distance = counted("kmeans")
        if judge.score(vector) != expected:
            raise BenchError("the kernels compute another score than the reference")
    return cycles


def state() -> dict[str, int]:
    """Bytes of RAM that a streamed network keeps: activations, block buffer, parameters."""
    bundle = open_bundle(BytesIO(anomaly_detector.bundle()), in_ram=0)
    network = scorer.Scorer(bundle).network
    return {
        "activations": sum(len(values) for values in network._values),
        "block": len(network._buffer),
        "parameters": sum(4 * len(params) for params in network._params)
        + 2 * len(network._sums),
    }


def board(image: Path) -> dict[str, Any]:
    """Times in ms and free heap in bytes on an emulated Pico. Raises BenchError, PicoError.

    free_before: of the booted image; free_with_code: everything imported; free_with_model.
    blocks: bytes -> ms of one score, ms of the reading in it.
    """
    library = tree(board_files("armv6m") / "lib")
    files = {"/lib" + name: content for name, content in library.items()}
    files[_BUNDLE] = anomaly_detector.bundle()
    vectors = _vectors()
    files["/vectors.bin"] = b"".join(struct.pack(f"<{len(v)}h", *v) for v in vectors)
    pico = Pico(image, files)
    values = {"COUNT": len(vectors), "NAME": _BUNDLE, "BLOCKS": BLOCKS}
    script = "".join(f"{name} = {value!r}\n" for name, value in values.items())
    found = json.loads(pico.run(script + _SCRIPT))
    judge = scorer.Scorer(parse(files[_BUNDLE]))
    if found["scores"] != [judge.score(vector) for vector in vectors]:
        raise BenchError(f"the board's scores are {found['scores']}")
    found["blocks"] = {
        block: {"ms": round(found["blocks"][block][0], 1),
                "reading_ms": round(found["blocks"][block][1], 1)}
        for block in sorted(found["blocks"], key=int)
    }  # fmt: skip
    return found


def bench(console: Console) -> dict[str, Any]:
    """Print and return all figures; the board's only where MICROPYTHON_UF2 names an image."""
    cycles = kernels()
    figures: dict[str, Any] = {
        "macs": anomaly_detector.MACS,
        "cycles": sum(cycles.values()),
        "kernels": cycles,
        "fc_s8_cycles_per_mac": round(cycles["fc_s8"] / anomaly_detector.MACS, 2),
        "cycles_per_mac": round(sum(cycles.values()) / anomaly_detector.MACS, 2),
        "state_bytes": state(),
    }
    image = image_from_environment()
    if image is not None:
        figures["pico"] = board(image)
    show(figures, console)
    return figures


def show(figures: dict[str, Any], console: Console) -> None:
    """Print what `bench` returned."""
    title = f"anomaly detector 640-128x4-8-128x4-640, int8, {figures['macs']:,} MACs, RP2040"
    table = Table("figure", "value", title=title)
    for name, cycles in figures["kernels"].items():
        table.add_row(f"{name}, cycles", f"{cycles:,}")
    whole = figures["cycles"]
    table.add_row("all kernels", f"{whole:,} cycles, {1000 * whole / HERTZ:.1f} ms at 125 MHz")
    table.add_row("cycles per MAC", f"fc_s8 {figures['fc_s8_cycles_per_mac']}, "
                  f"all kernels {figures['cycles_per_mac']}")  # fmt: skip
    table.add_row("", OTHERS, style="dim")
    parts = ", ".join(f"{name} {size:,}" for name, size in figures["state_bytes"].items())
    table.add_row("state", f"{sum(figures['state_bytes'].values()):,} bytes: {parts}")
    found = figures.get("pico")
    if found:
        for block, row in found["blocks"].items():
            text = f"{row['ms']} ms a score, {row['reading_ms']} ms of it reading"
            table.add_row(f"MicroPython on a Pico, blocks of {block}", text)
        heap = (f"{found[key]:,}" for key in ("free_before", "free_with_code", "free_with_model"))
        table.add_row("free heap: booted, code, model", ", ".join(heap))
    console.print(table)
