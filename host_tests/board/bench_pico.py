# SPDX-License-Identifier: Apache-2.0
"""Times on an emulated Pico with a real MicroPython image, bytecode included: `bench()`.

The image comes from MICROPYTHON_UF2. With ulab in it, ulab's FFT is timed in the same run. With
MICROPYTHON set to a unix build that has ulab, `unix()` times our plain-Python FFT against it.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from host_tests.board import pico_model
from tools.emulator.pico import HERTZ, MISSING, Pico, image_from_environment, tree
from tools.mpy import ROOT, board_files

MODELS = {"window_3x256": pico_model.small, "window_3x256_template": pico_model.template}
WHAT = {
    "window_3x256": "256 samples x 3 axes, 16 features, 8 clusters, 16-32-16-2 network, alarm",
    "window_3x256_template": "the same with all features of the vibration template and a bearing",
}
WINDOWS = 4
OTHERS = "ulab 6.12 on an emulated RP2040: 11.7 ms at 256, 54.5 ms at 1024 points"
_SCRIPT = "import gc\ngc.threshold(20000)\nimport on_pico\n"
_UNIX = """
import json, time
from array import array
from ulab import numpy
from tocsin.dsp.windows import make_window
from tocsin.kernels.reference_fft import make_work, rfft
from tocsin.kernels.plan import REMOVE_MEAN, make_plan
found = {}
for n in (256, 1024):
    x = array("h", [(i * 75) % 4001 - 2000 for i in range(n)])
    table, plan, work = make_window("hann", n, n), make_plan(n, n, REMOVE_MEAN), make_work(n)
    samples = numpy.array(x)
    best = [1 << 29, 1 << 29]
    for _ in range(9):
        start = time.ticks_us()
        for _ in range(50):
            numpy.fft.fft(samples)
        best[0] = min(best[0], time.ticks_diff(time.ticks_us(), start) / 50)
        start = time.ticks_us()
        rfft(x, table, plan, work)
        best[1] = min(best[1], time.ticks_diff(time.ticks_us(), start))
    found[str(n)] = {"ulab_us": best[0], "reference_us": best[1]}
print(json.dumps(found))
"""


def _board(image: Path, more: dict[str, bytes]) -> Pico:
    """A Pico with the device's files, what is to be measured and the script that measures."""
    files = tree(board_files("armv6m"), without=("/boot.py", "/main.py"))
    script = Path(__file__).with_name("on_pico.py").read_bytes()
    return Pico(image, {**files, "/on_pico.py": script, **more})


def window(image: Path, name: str) -> dict[str, Any]:
    """Times of the windows of one of MODELS: ms (mean), worst_ms, features, steps in us."""
    files = {
        "/windows.bin": pico_model.windows(WINDOWS).tobytes(),
        "/models/bench.tcb": pico_model.bundle(MODELS[name]()),
    }
    found = json.loads(_board(image, files).run(_SCRIPT + "on_pico.window('bench.tcb')"))
    return {
        "ms": round(sum(found["us"]) / len(found["us"]) / 1000, 3),
        "worst_ms": round(max(found["us"]) / 1000, 3),
        "features": found["features"],
        "steps_us": {step: round(us) for step, us in found["steps"].items()},
    }


def kernels(image: Path) -> dict[str, dict[str, float]]:
    """Kernel -> {"us", "cycles"} of one call from bytecode."""
    found = json.loads(_board(image, {}).run(_SCRIPT + "on_pico.kernels()"))
    cycles = HERTZ // 1_000_000
    return {name: {"us": us, "cycles": round(us * cycles)} for name, us in found.items()}


def ulab(image: Path) -> dict[str, dict[str, float]]:
    """N -> {"ulab_us", "rfft_us", "ratio"}; empty where the image has no ulab."""
    found = json.loads(_board(image, {}).run(_SCRIPT + "on_pico.ulab()"))
    return {n: {**row, "ratio": round(row["ulab_us"] / row["rfft_us"], 1)}
            for n, row in found.items()}  # fmt: skip


def unix(program: str) -> dict[str, dict[str, float]]:
    """The same with a unix build, whose only bit-exact path is bytecode. Empty without ulab."""
    environment = {**os.environ, "MICROPYPATH": str(ROOT / "lib")}
    done = subprocess.run(
        [program, "-X", "heapsize=8m", "-c", _UNIX],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        return {}
    return {n: {**row, "ratio": round(row["ulab_us"] / row["reference_us"], 4)}
            for n, row in json.loads(done.stdout).items()}  # fmt: skip


def bench() -> dict[str, Any]:
    """All figures that the images in the environment allow."""
    figures: dict[str, Any] = {}
    image = image_from_environment()
    if image is not None:
        figures["windows"] = {name: window(image, name) for name in MODELS}
        figures["kernels"] = kernels(image)
        figures["ulab"] = ulab(image)
    program = os.environ.get("MICROPYTHON")
    if program:
        figures["unix_ulab"] = unix(program)
    return figures


def show(figures: dict[str, Any], console: Console) -> None:
    """Print what `bench` returned."""
    if "windows" not in figures:
        console.print(f"no times on an emulated Pico: {MISSING}")
    else:
        _show_pico(figures, console)
    for n, row in figures.get("unix_ulab", {}).items():
        console.print(
            f"unix build, {n} points: ulab's FFT {row['ulab_us']:.0f} us, our reference in "
            f"bytecode {row['reference_us']:.0f} us, ratio {row['ratio']}"
        )


def _show_pico(figures: dict[str, Any], console: Console) -> None:
    for name, row in figures["windows"].items():
        table = Table("step", "us", title=f"{name} on an emulated Pico: {WHAT[name]}")
        for step, us in row["steps_us"].items():
            table.add_row(step, str(us))
        table.add_section()
        table.add_row(f"a window, mean of {WINDOWS}", f"{1000 * row['ms']:.0f}")
        table.add_row("the slowest", f"{1000 * row['worst_ms']:.0f}")
        console.print(table)
    table = Table("kernel, called from bytecode", "us", "cycles")
    for name, row in figures["kernels"].items():
        table.add_row(name, str(row["us"]), f"{row['cycles']:,}")
    console.print(table)
    for n, row in figures["ulab"].items():
        console.print(
            f"{n} points: ulab's fft {row['ulab_us'] / 1000:.1f} ms, ours with mean and window "
            f"{row['rfft_us'] / 1000:.3f} ms: {row['ratio']} times as fast"
        )
    if not figures["ulab"]:
        console.print(f"the image has no ulab; measured elsewhere: {OTHERS}")
