# SPDX-License-Identifier: Apache-2.0
"""A RISC-V that refuses what the ESP32-C3 or the firmware would not stand."""

from unicorn import UC_HOOK_MEM_READ, UC_HOOK_MEM_WRITE
from unicorn import riscv_const as rv

from host_tests.board.machine import MachineError, RiscV

_KEPT = (rv.UC_RISCV_REG_S0, rv.UC_RISCV_REG_S1, *range(rv.UC_RISCV_REG_S2, rv.UC_RISCV_REG_T3))


class StrictRiscV(RiscV):
    """A RISC-V that loads and stores aligned only, and from its code by words only, as the
    ESP32-C3 does; a function must leave s0 to s11 as they were."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.codes: list[range] = []
        super().__init__()
        self.core.hook_add(UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, self._access)

    def place(self, data: bytes) -> int:
        at = super().place(data)
        self.last = range(at, at + len(data))
        return at

    def load(self, code, objects) -> int:
        function = super().load(code, objects)
        start = int.from_bytes(self.read(function + 12, 4), "little")
        self.codes.append(range(start, start + len(code.data)))
        return function

    def _access(self, core, kind, at, size, value, data) -> None:
        if at % size or size < 4 and any(at in code for code in self.codes):
            self.faults.append(f"{size} bytes at {at:x}, {core.reg_read(rv.UC_RISCV_REG_PC):x}")

    def run(self, start, registers) -> int:
        for register in _KEPT:
            self.core.reg_write(register, 0xC0DE0000 + register)
        result = super().run(start, registers)
        if any(self.core.reg_read(register) != 0xC0DE0000 + register for register in _KEPT):
            self.faults.append("a register of s0 to s11 is lost")
        if self.faults:
            raise MachineError(self.faults.pop(0))
        return result
