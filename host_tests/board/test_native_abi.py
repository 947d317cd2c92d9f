# SPDX-License-Identifier: Apache-2.0
"""Assembler functions behind the built prologue, called with real objects as the firmware does."""

import struct

import pytest
from unicorn import UC_HOOK_CODE
from unicorn import riscv_const as rv

from host_tests.board.machine import RiscV
from tools import mpy, mpy_format, native_abi

SOURCE = """
import micropython

{guard}


@micropython.asm_rv32
def weigh(a0, a1, a2, a3):
    lw(a0, 0(a0))
    lw(a1, 4(a1))
    add(a0, a0, a1)
    add(a0, a0, a2)
    sub(a0, a0, a3)
    li(a1, -1)
    mv(a5, a1)
    mv(t0, a1)
    mv(t6, a1)


@micropython.asm_rv32
def half(a0):
    srai(a0, a0, 1)
"""
KEPT = (rv.UC_RISCV_REG_S0, rv.UC_RISCV_REG_S1, *range(rv.UC_RISCV_REG_S2, rv.UC_RISCV_REG_S11))


class Firmware(RiscV):
    """Small integers are 2 x + 1; other objects are addresses of (a type, a buffer's address)."""

    def __init__(self) -> None:
        self.checked: list[tuple[int, ...]] = []
        super().__init__()
        table = struct.unpack("<50I", self.read(self.table, 200))
        for slot, hook in ((3, self._from_object), (4, self._to_object), (44, self._check)):
            self.core.hook_add(UC_HOOK_CODE, self._enter, hook, table[slot], table[slot])

    def _enter(self, core, at, size, hook):
        a = [core.reg_read(rv.UC_RISCV_REG_A0 + i) for i in range(8)]
        assert core.reg_read(rv.UC_RISCV_REG_SP) % 16 == 0
        result = hook(*a)
        for i in range(8):  # a function may leave anything in these
            core.reg_write(rv.UC_RISCV_REG_A0 + i, 0xDEAD0000 + i)
        core.reg_write(rv.UC_RISCV_REG_A0, result & 0xFFFFFFFF)

    def _from_object(self, obj, kind, *_):
        assert kind == 4
        return (obj ^ 1 << 31) - (1 << 31) >> 1 if obj & 1 else self.word(obj + 4)

    def _to_object(self, value, kind, *_):
        assert kind == 2
        return value << 1 | 1

    def _check(self, *a):
        self.checked.append(a[:3])
        return 0

    def word(self, at):
        return struct.unpack("<I", self.read(at, 4))[0]

    def buffer(self, *words):
        at = self.place(struct.pack(f"<{len(words)}i", *words))
        return self.place(struct.pack("<2I", 0, at))


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rv32")
    path = folder / "rv32_weigh.py"
    path.write_text(SOURCE.format(guard=native_abi.GUARD))
    built = mpy_format.parse(mpy.compile_file(path, "rv32imc", folder).read_bytes())
    machine = Firmware()
    loaded = [machine.load(code, built.objects) for code in built.code.children]
    return machine, dict(zip(("weigh", "half"), loaded))


def test_arguments_and_result_are_objects(functions):
    machine, at = functions
    for a, b, c, d in ((5, 6, 7, 8), (-5, 1 << 27, -(1 << 27), 99)):
        buffers = machine.buffer(a, 0), machine.buffer(1, b)
        result = machine.call(at["weigh"], *buffers, 2 * c + 1, 2 * d + 1)
        assert result == 2 * (a + b + c - d) + 1
    assert machine.call(at["half"], 2 * -7 + 1) == 2 * -4 + 1


def test_the_number_of_arguments_is_checked_first(functions):
    machine, at = functions
    machine.checked.clear()
    machine.call(at["half"], 3)
    machine.call(at["weigh"], machine.buffer(0), machine.buffer(0, 0), 1, 1)
    assert machine.checked == [(1, 0, 1 << 17 | 1 << 1), (4, 0, 4 << 17 | 4 << 1)]


def test_the_caller_keeps_its_registers(functions):
    machine, at = functions
    for i, register in enumerate(KEPT):
        machine.core.reg_write(register, 0x1000 + i)
    machine.call(at["weigh"], machine.buffer(0), machine.buffer(0, 0), 1, 1)
    assert [machine.core.reg_read(r) for r in KEPT] == [0x1000 + i for i in range(len(KEPT))]
    assert machine.core.reg_read(rv.UC_RISCV_REG_SP) == 0x20040000
