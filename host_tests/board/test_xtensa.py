# SPDX-License-Identifier: Apache-2.0
"""Machine code for register windows (ESP32, S2, S3), run by qemu, equals the reference."""

import struct

import pytest

from host_tests.board import checks, machine, native_modules, xtensa, xtensa_opcodes

pytestmark = pytest.mark.skipif(xtensa.QEMU is None, reason=xtensa.MISSING)
SIZES = ((64, 100), (128, 60), (256, 30), (512, 8), (1024, 4), (2048, 2))


@pytest.fixture(scope="module")
def viper():
    return native_modules.viper(xtensa.Xtensa())


@pytest.mark.parametrize(("n", "count"), SIZES)
def test_viper_spectrum(viper, n, count):
    checks.spectrum(viper, n, count)


def test_viper_readers_of_the_spectrum(viper):
    checks.readers(viper, 250)


def test_viper_samples_in_time(viper):
    checks.times(viper, 300)


def test_viper_models(viper):
    checks.models(viper, 300)


def test_viper_fully_connected(viper):
    checks.network(viper, 300)


def test_instructions_are_counted():
    board = xtensa.Xtensa()
    source = "entry a1, 32\n movi a3, 1000\n TURN: addi a3, a3, -1\n bnez a3, TURN\n retw_n"
    at = board.place(xtensa_opcodes.assemble(source, board.free)[0])
    assert board.run(at, (7,)) == 7
    assert board.cycles == 2003


def test_nested_calls_spill_registers_and_bring_them_back():
    """32 registers hold three windows: this recursion is eight deep."""
    board = xtensa.Xtensa()
    source = """
        SUM: entry a1, 48
        mov_n a7, a2
        beqz a2, DONE
        addi a10, a2, -1
        mov_n a8, a3
        mov_n a11, a3
        callx8 a8
        add a2, a10, a7
        DONE: retw_n"""
    at = board.place(xtensa_opcodes.assemble(source, board.free)[0])
    assert board.run(at, (8, at)) == 36


OUTSIDE = "j OVER\n .align 4\n FAR: .word 0x70000000\n OVER: l32r a2, FAR\n l32i a2, a2, 0"


@pytest.mark.parametrize("source", ("ill", OUTSIDE), ids=("illegal", "outside"))
def test_an_exception_is_reported(source):
    board = xtensa.Xtensa()
    at = board.place(xtensa_opcodes.assemble(source, board.free)[0])
    with pytest.raises(machine.MachineError, match="exception"):
        board.run(at, ())


def test_a_call_of_an_unknown_function_is_reported():
    board = xtensa.Xtensa()
    table = struct.unpack("<2I", board.read(board.table, 8))
    with pytest.raises(machine.MachineError, match="exception"):
        board.run(table[1], ())
