# SPDX-License-Identifier: Apache-2.0
"""Cycles (RP2040) and instructions (RISC-V, Xtensa) of native kernels on emulated processors.

Only native code is counted; what calls it is bytecode on a board. `bench()` serves `make bench`.
"""

from array import array
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from unicorn import UC_HOOK_CODE

from host_tests.board import machine, native_modules, xtensa
from tocsin.dsp.windows import make_window
from tocsin.kernels.arrays import make_work
from tocsin.kernels.plan import REMOVE_MEAN, make_plan

# the same work by others on the same emulated RP2040: CMSIS-DSP and CMSIS-NN in C (-O3), ulab 6.12
OTHERS = {
    "rp2040": {
        "rfft_256": "arm_rfft_q15 46,000, ulab 1,460,000",
        "rfft_1024": "arm_rfft_q15 209,000, ulab 6,800,000",
        "fc_s8_128x128": "arm_fully_connected_s8 9.16",
        "fc_s8_640x128": "arm_fully_connected_s8 8.25",
    },
    # published for an ESP32: cycles, of which there are more than instructions, of complex FFTs,
    # which are twice the work, without window
    "xtensa": {
        "rfft_1024": "complex: ESP-DSP 135,000 cycles (float), 230,000 (int16); ulab 1.5 ms",
    },
}


class CountingRiscV(machine.RiscV):
    """A RISC-V that counts its instructions in `cycles`, at a tenth of the speed."""

    def __init__(self) -> None:
        super().__init__()
        self.core.hook_add(UC_HOOK_CODE, self._count)

    def _count(self, core: Any, at: int, size: int, data: Any) -> None:
        self.cycles += 1


def noise(n: int) -> array:
    return array("h", np.random.default_rng(n).normal(0, 3000, n).astype(np.int16).tolist())


def rfft(kernels: SimpleNamespace, n: int) -> None:
    plan, window = make_plan(n, n, REMOVE_MEAN), make_window("hann", n, n)
    kernels.rfft(noise(n), window, plan, make_work(n))


def spectrum(kernels: SimpleNamespace, n: int) -> None:
    plan, window = make_plan(n, n, REMOVE_MEAN), make_window("hann", n, n)
    kernels.spectrum(noise(n), window, plan, make_work(n))


def band_log2(kernels: SimpleNamespace, n: int) -> None:
    p = array("i", np.random.default_rng(n).integers(0, 1 << 30, n // 2 + 1).tolist())
    edges = array("h", [16])
    for i in range(16):
        edges.extend((i * n // 32, (i + 1) * n // 32))
    kernels.band_log2(p, edges, 0, array("h", bytes(32)))


def moments(kernels: SimpleNamespace, n: int) -> None:
    kernels.moments(noise(n), n, array("i", bytes(64)))


def teager(kernels: SimpleNamespace, n: int) -> None:
    kernels.teager(noise(n), 8, array("h", bytes(n // 4)), n)


def fc_s8(kernels: SimpleNamespace, n_in: int, n_out: int) -> None:
    rng = np.random.default_rng(n_in)
    x = array("b", rng.integers(-128, 128, n_in).tolist())
    w = array("b", rng.integers(-127, 128, n_in * n_out).tolist())
    scale = [100, (1 << 30) >> 16, 0, -7]
    params = array("i", [n_in, n_out, 0, -128, 127, 0, 0, 0] + scale * n_out)
    kernels.fc_s8(x, w, params, array("b", bytes(n_out)))


def kmeans(kernels: SimpleNamespace, n: int, k: int) -> None:
    rng = np.random.default_rng(k)
    z = array("h", rng.integers(-500, 500, n).tolist())
    centroids = array("h", rng.integers(-500, 500, n * k).tolist())
    params = array("i", [k, n, 0, 0] + [16384] * k)
    kernels.kmeans(z, centroids, params, array("i", bytes(4 * k)))


def target(
    board: machine.Machine, backend: Callable[[machine.Machine], SimpleNamespace], unit: str
) -> dict[str, dict[str, float]]:
    """The figures of one processor; `unit` is what its `cycles` count."""
    kernels = backend(board)

    def count(work: Any, *size: int) -> int:
        board.cycles = 0
        work(kernels, *size)
        return board.cycles

    figures: dict[str, dict[str, float]] = {}
    for work in (rfft, spectrum, band_log2, moments, teager):
        for n in (256, 1024):
            figures[f"{work.__name__}_{n}"] = {unit: count(work, n)}
    for n_in in (128, 640):
        per_mac = count(fc_s8, n_in, 128) / (n_in * 128)
        figures[f"fc_s8_{n_in}x128"] = {f"{unit}_per_mac": round(per_mac, 2)}
    figures["kmeans_16x8"] = {unit: count(kmeans, 16, 8)}
    return figures


def bench() -> dict[str, dict[str, dict[str, float]]]:
    """Target -> work -> {unit: figure}; Xtensa where its qemu is installed."""
    targets = {
        "rp2040": target(machine.Thumb(), native_modules.assembler, "cycles"),
        "rp2040_viper": target(machine.Thumb(), native_modules.viper, "cycles"),
        "rv32": target(CountingRiscV(), native_modules.assembler, "instructions"),
        "rv32_viper": target(CountingRiscV(), native_modules.viper, "instructions"),
    }
    if xtensa.QEMU:
        for name, backend in (
            ("xtensa", native_modules.assembler),
            ("xtensa_viper", native_modules.viper),
        ):
            targets[name] = target(xtensa.Xtensa(), backend, "instructions")
    return targets
