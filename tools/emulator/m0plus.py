# SPDX-License-Identifier: Apache-2.0
"""The processor of an emulated Pico in C where a compiler is found, 20 times as fast.

m0plus.c executes what touches little but registers and memory; every other instruction, the
peripherals, interrupts and the clock stay rp2040py's. Times of plain code are the same; with a
busy SPI and its interrupts a driver's share of the processor came out as 33.8 instead of 28.8 %.
"""

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from rp2040py.execute_batch import execute_batch

_SOURCE = Path(__file__).with_name("m0plus.c")
_BUILT = Path(__file__).resolve().parents[2] / "build" / "emulator"
_EXACT = 1  # rp2040py's own loop: the clock follows every instruction
_NANOS = 8.0  # per cycle
_BATCH_S = 0.005
_AT_ONCE = 200_000  # cycles
_NEVER = "0"


class _Machine(ctypes.Structure):
    _fields_ = [
        ("r", ctypes.c_void_p), ("flash", ctypes.c_void_p), ("ram", ctypes.c_void_p),
        ("rom", ctypes.c_void_p), ("usb", ctypes.c_void_p), ("flash_size", ctypes.c_uint32),
        ("ram_size", ctypes.c_uint32), ("rom_size", ctypes.c_uint32),
        ("usb_size", ctypes.c_uint32), ("n", ctypes.c_uint32), ("z", ctypes.c_uint32),
        ("c", ctypes.c_uint32), ("v", ctypes.c_uint32), ("handler", ctypes.c_uint32),
        ("primask", ctypes.c_uint32), ("pending", ctypes.c_uint32),
        ("event", ctypes.c_uint32), ("let_in", ctypes.c_uint32),
        ("dividend", ctypes.c_uint32), ("divisor", ctypes.c_uint32),
        ("quotient", ctypes.c_uint32), ("remainder", ctypes.c_uint32), ("csr", ctypes.c_uint32),
        ("locks", ctypes.c_uint32), ("nanos", ctypes.c_double), ("done", ctypes.c_int64),
    ]  # fmt: skip


@cache
def library() -> Any:
    """`run` of m0plus.c, compiled on first use; None without a C compiler.

    TOCSIN_M0PLUS=0 does without it.
    """
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None or os.environ.get("TOCSIN_M0PLUS") == _NEVER or sys.byteorder != "little":
        return None
    key = hashlib.sha256(_SOURCE.read_bytes() + compiler.encode()).hexdigest()[:16]
    built = _BUILT / f"m0plus-{key}.so"
    if not built.exists():
        _BUILT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_BUILT) as folder:
            made = Path(folder) / built.name
            command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(made), str(_SOURCE)]
            if subprocess.run(command, capture_output=True).returncode:
                return None
            os.replace(made, built)
    try:
        run = ctypes.CDLL(str(built)).run
    except OSError:
        return None
    run.argtypes, run.restype = [ctypes.c_void_p, ctypes.c_int64], ctypes.c_int64
    return run


class Processor:
    """Runs the core of a simulator, in C if it can."""

    def __init__(self, simulator: Any, fast: bool):
        self._simulator = simulator
        self._run: Any = library() if fast else None
        mcu = simulator.rp2040
        views = [memoryview(mcu.core.registers), mcu.flash, mcu.sram, mcu.bootrom,
                 mcu.usb_dpram]  # fmt: skip
        self._timer = mcu.timer
        self._held = [(ctypes.c_char * view.nbytes).from_buffer(view) for view in views]
        addresses = [ctypes.addressof(part) for part in self._held]
        sizes = [view.nbytes for view in views[1:]]
        self._machine = _Machine(*addresses, *sizes, divisor=1)
        self._address = ctypes.addressof(self._machine)

    def batch(self) -> None:
        """A few milliseconds of the host's time, or until the simulator is stopped."""
        if self._run is None or self._simulator.rp2040.run_pin_low:
            execute_batch(self._simulator, _EXACT)
            return
        simulator = self._simulator
        mcu, clock = simulator.rp2040, simulator.clock
        core, pios, tick = mcu.core, mcu.pio, clock.tick
        until = time.monotonic() + _BATCH_S
        while not simulator.stopped:
            for _ in range(256):
                if core.waiting:
                    nanos = clock.nanos_to_next_alarm
                    cycles = int(nanos / _NANOS) or 1
                    tick(nanos)
                    for pio in pios:
                        if not pio.stopped:
                            pio.advance(cycles)
                    if simulator.stopped:
                        return
                    continue
                if not core.interrupts_updated:
                    most = _AT_ONCE
                    if clock.has_scheduled_alarm:
                        most = min(most, -int(-clock.nanos_to_next_alarm // _NANOS))
                    for pio in pios:
                        if not pio.stopped:
                            most = min(most, (pio.next_due_fp - pio.cycle_fp + 255) >> 8)
                    cycles = self._compiled(core, clock, most)
                    if cycles:
                        tick(cycles * _NANOS)
                        for pio in pios:
                            if not pio.stopped:
                                pio.advance(cycles)
                        if simulator.stopped:
                            return
                        continue
                cycles = core.execute_instruction()
                tick(cycles * _NANOS)
                for pio in pios:
                    if not pio.stopped:
                        pio.advance(cycles)
                if simulator.stopped:
                    return
            if time.monotonic() > until:
                return

    def _compiled(self, core: Any, clock: Any, most: int) -> int:
        """Let C execute for at most about so many cycles; how many they were."""
        machine = self._machine
        machine.n, machine.z, machine.c, machine.v = core.n, core.z, core.c, core.v
        machine.handler, machine.primask = core.current_mode, core.pm
        machine.pending = bool(
            core.pending_interrupts & core.enabled_interrupts or core.pending_pend_sv
            or core.pending_systick or core.pending_svcall or core.pending_nmi
        )  # fmt: skip
        machine.nanos = clock.nanos - self._timer._epoch_nanos
        cycles: int = self._run(self._address, most)
        core.n, core.z, core.c, core.v = machine.n, machine.z, machine.c, machine.v
        core.pm = machine.primask
        if machine.event:
            core.event_registered = True
        if machine.let_in:
            core.interrupts_updated = True
        core.cycles += cycles
        return cycles
