# SPDX-License-Identifier: Apache-2.0
"""Processors that run viper and assembler functions without any firmware.

A machine lays out its memory as MicroPython would: a function table whose entries lead to stubs, a
module context, function objects, then a heap for the arguments. Objects are passed raw: a small
int or array argument is the number or address that the function would get after conversion, so
the conversion entries of the table return their argument.
"""

import struct
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import numpy as np
from rp2040py.execute_batch import execute_batch
from rp2040py.rp2040 import RP2040
from unicorn import UC_ARCH_RISCV, UC_HOOK_CODE, UC_MODE_RISCV32, Uc
from unicorn import riscv_const as rv

from tools.mpy_format import FUN_TABLE, Code

_RAM = 0x20000000
_SIZE = 0x40000
_GUARD = b"\xa5" * 16
_TABLE_WORDS = 100
_IDENTITY = (3, 4, 44)  # object to native, native to object, argument count check
_DIVIDE, _MODULO = 46, 47
_MASK = 0xFFFFFFFF
_NONE = 0x2BADBEEF  # stands for the object None


class MachineError(RuntimeError):
    """Code that left its memory, called an unknown function, or does not end."""


def signed(x: int) -> int:
    """The 32-bit word x as a signed number."""
    return (x & _MASK) - ((x & 0x80000000) << 1)


class Machine:
    """What both processors share: memory layout and the calling of functions.

    Memory from `base`: stubs and function table, loaded code, arguments; the stack grows down from
    the end.
    In a call `heap` is (start, end) of the arguments with their guards, `arrays` that of each.
    """

    base = _RAM

    def __init__(self) -> None:
        self.free = self.base
        self.cycles = 0
        self.arrays = []
        self.heap = (0, 0)
        self.stops = {}
        self._end = self._stub("end")
        unknown = self._stub("unknown")
        table = [unknown] * _TABLE_WORDS
        table[0] = _NONE
        for slot in _IDENTITY:
            table[slot] = self._stub("identity")
        table[_DIVIDE] = self._stub("divide")
        table[_MODULO] = self._stub("modulo")
        self.table = self.place(struct.pack(f"<{_TABLE_WORDS}I", *table))

    def place(self, data: bytes) -> int:
        """Put bytes into memory, word-aligned; returns their address."""
        at = self.free
        self.write(at, data)
        self.free = (at + len(data) + 15) & ~15
        if self.free > self.base + _SIZE - 0x4000:
            raise MachineError("out of memory")
        return at

    def load(self, code: Code, objects: list[object]) -> int:
        """Load a viper function; returns the address of its function object."""
        values = [self.table if x is FUN_TABLE else 0 for x in objects]
        constants = self.place(struct.pack(f"<{len(values)}I", *values))
        context = self.place(struct.pack("<4I", 0, 0, 0, constants))
        start = self.place(code.data)
        return self.place(struct.pack("<4I", 0, context, 0, start))

    def call(self, function: int, *arguments: object) -> int | None:
        """Call a viper function with ints and arrays (changed in place); returns its result.

        Adds to `cycles`. Raises MachineError, also when the function wrote past an array.
        """
        start = struct.unpack("<I", self.read(function + 12, 4))[0]

        def run(words: list[int]) -> int:
            packed = self.place(struct.pack(f"<{len(words)}I", *words))
            return self.run(start, (function, len(words), 0, packed))

        result = self._with_arguments(run, arguments)
        return None if result == _NONE else signed(result)

    def call_assembler(self, start: int, *arguments: object) -> int:
        """Call an assembler function at an address, as `call` does; it gets r0..r3."""
        return signed(self._with_arguments(lambda words: self.run(start, tuple(words)), arguments))

    def _with_arguments(self, run: Callable[[list[int]], int], arguments: Sequence[object]) -> int:
        """Place the arguments between guards, run, check the guards, copy the arrays back.

        A memoryview into an array lies as it does on a board: off a word by as many bytes.
        """
        free = self.free
        words, buffers = [], []
        for value in arguments:
            if isinstance(value, int):
                words.append(value & _MASK)
                continue
            view = memoryview(value).cast("B")
            off = np.frombuffer(view, np.uint8).ctypes.data & 3 if len(view) else 0
            words.append(self.place(_GUARD + _GUARD[:off] + bytes(view) + _GUARD) + 16 + off)
            buffers.append((view, words[-1]))
        self.arrays = [(at, at + len(view)) for view, at in buffers]
        self.heap = (free, self.free)
        result = run(words)
        for view, at in buffers:
            data = self.read(at - 16, len(view) + 32)
            if data[:16] != _GUARD or data[-16:] != _GUARD:
                raise MachineError("wrote past the end of an array")
            view[:] = data[16:-16]
        self.free = free
        return result


class _Complaints:
    """What the emulated chip says where a real one would stop, as at a word that isn't aligned."""

    def __init__(self) -> None:
        self.last = ""

    def warning(self, component: str, text: str) -> None:
        self.last = text

    debug = info = error = warning


class Thumb(Machine):
    """The Cortex-M0+ of the RP2040, cycle by cycle; `cycles` are processor cycles."""

    arch = "armv6m"

    def __init__(self) -> None:
        self.chip = RP2040()
        self.chip.on_break = self._stopped
        self.chip.logger = self._complaints = _Complaints()
        self._state = SimpleNamespace(rp2040=self.chip, clock=self.chip.clock, stopped=False)
        super().__init__()

    def write(self, at: int, data: bytes) -> None:
        """Copy bytes to an address."""
        self.chip.sram[at - _RAM : at - _RAM + len(data)] = data

    def read(self, at: int, n: int) -> bytes:
        """Bytes at an address."""
        return bytes(self.chip.sram[at - _RAM : at - _RAM + n])

    def _stub(self, what: str) -> int:
        code = (0x4770,) if what == "identity" else (0xBE00 + len(self.stops), 0x4770)
        if what != "identity":
            self.stops[len(self.stops)] = what
        return self.place(struct.pack(f"<{len(code)}H", *code)) | 1

    def _stopped(self, number: int) -> None:
        core, what = self.chip.core, self.stops[number]
        a, b = signed(core.registers[0]), signed(core.registers[1])
        if what == "divide":
            core.registers[0] = a // b & _MASK
        elif what == "modulo":
            core.registers[0] = a % b & _MASK
        else:
            self._state.stopped = what

    def run(self, start: int, registers: tuple[int, ...]) -> int:
        """Run from an address with r0..r3 until it returns; returns r0."""
        core = self.chip.core
        for i, value in enumerate(registers):
            core.registers[i] = value
        core.registers[13] = _RAM + _SIZE
        core.registers[14] = self._end
        core.pc = start & ~1
        core.cycles = 0
        self._complaints.last = ""
        self._state.stopped = False
        while not self._state.stopped:
            execute_batch(self._state, 100_000)
            if core.cycles > 200_000_000:
                raise MachineError("does not end")
        if self._state.stopped != "end":
            raise MachineError("called a function that is not there")
        if self._complaints.last:
            raise MachineError(self._complaints.last)
        self.cycles += core.cycles
        return core.registers[0]


class RiscV(Machine):
    """A 32-bit RISC-V under unicorn; `cycles` stays 0 (bench.py counts instructions)."""

    arch = "rv32imc"

    def __init__(self) -> None:
        self.core = Uc(UC_ARCH_RISCV, UC_MODE_RISCV32)
        self.core.mem_map(_RAM, _SIZE)
        super().__init__()
        for at, what in self.stops.items():
            if what in ("divide", "modulo"):
                self.core.hook_add(UC_HOOK_CODE, self._divide, what, at, at)

    def write(self, at: int, data: bytes) -> None:
        """Copy bytes to an address."""
        self.core.mem_write(at, bytes(data))

    def read(self, at: int, n: int) -> bytes:
        """Bytes at an address."""
        return bytes(self.core.mem_read(at, n))

    def _stub(self, what: str) -> int:
        code = 0x00000073 if what == "unknown" else 0x00008067  # ecall, or ret
        at = self.place(struct.pack("<I", code))
        self.stops[at] = what
        return at

    def _divide(self, core: Uc, at: int, size: int, what: str) -> None:
        a, b = (signed(core.reg_read(r)) for r in (rv.UC_RISCV_REG_A0, rv.UC_RISCV_REG_A1))
        core.reg_write(rv.UC_RISCV_REG_A0, (a // b if what == "divide" else a % b) & _MASK)

    def run(self, start: int, registers: tuple[int, ...]) -> int:
        """Run from an address with a0..a3 until it returns; returns a0."""
        for i, value in enumerate(registers):
            self.core.reg_write(rv.UC_RISCV_REG_A0 + i, value)
        self.core.reg_write(rv.UC_RISCV_REG_SP, _RAM + _SIZE)
        self.core.reg_write(rv.UC_RISCV_REG_RA, self._end)
        self.core.emu_start(start, self._end, count=50_000_000)
        if self.core.reg_read(rv.UC_RISCV_REG_PC) != self._end:
            raise MachineError("does not end")
        return self.core.reg_read(rv.UC_RISCV_REG_A0)


__all__ = ("Machine", "MachineError", "RiscV", "Thumb", "signed")
