# SPDX-License-Identifier: Apache-2.0
"""What the Xtensa kernels rest on: the machine under qemu, the opcodes, the built prologue."""

import struct

import pytest

from host_tests.board import machine, xtensa, xtensa_opcodes
from tools import mpy, mpy_format, native_abi

pytestmark = pytest.mark.skipif(xtensa.QEMU is None, reason=xtensa.MISSING)

OUTSIDE = "j OVER\n .align 4\n FAR: .word 0x70000000\n OVER: l32r a2, FAR\n l32i a2, a2, 0"
SHARED = """
    abs_(a3, a4), abs a3, a4
    add_n(a3, a4, a15), add_n a3, a4, a15
    addi(a3, a4, -7), addi a3, a4, -7
    addi_n(a3, a4, 15), addi_n a3, a4, 15
    addmi(a3, a4, -32768), addmi a3, a4, -32768
    addx4(a3, a4, a5), addx4 a3, a4, a5
    subx8(a3, a4, a5), subx8 a3, a4, a5
    mull(a3, a4, a5), mull a3, a4, a5
    movi_n(a3, -32), movi_n a3, -32
    movi_n(a3, 95), movi_n a3, 95
    slli(a3, a4, 31), slli a3, a4, 31
    srai(a3, a4, 17), srai a3, a4, 17
    srli(a3, a4, 15), srli a3, a4, 15
    l8ui(a3, a4, 255), l8ui a3, a4, 255
    l16si(a3, a4, 510), l16si a3, a4, 510
    l32i_n(a3, a4, 60), l32i_n a3, a4, 60
    s16i(a3, a4, 510), s16i a3, a4, 510
    s32i(a3, a4, 1020), s32i a3, a4, 1020
    bbsi(a3, 31, END), bbsi a3, 31, END
    bbci(a3, 4, END), bbci a3, 4, END
    j(END), j END
"""
COMPUTED = (
    ("sext a2, a3, 7", 0x1280, 0, -128),
    ("sext a2, a3, 22", 0x600001, 0, -0x1FFFFF),
    ("clamps a2, a3, 7", -200, 0, -128),
    ("clamps a2, a3, 7", 128, 0, 127),
    ("min a2, a3, a4", -5, 3, -5),
    ("max a2, a3, a4", -5, 3, 3),
    ("minu a2, a3, a4", -5, 3, 3),
    ("maxu a2, a3, a4", -5, 3, -5),
    ("mul16s a2, a3, a4", 0x7FFFF, 0x30002, -2),
    ("mul16u a2, a3, a4", 0x7FFFF, 0x30002, 131070),
    ("quou a2, a3, a4", 1000, 7, 142),
    ("remu a2, a3, a4", 1000, 7, 6),
    ("quos a2, a3, a4", -1000, 7, -142),
    ("rems a2, a3, a4", -1000, 7, -6),
    ("extui a2, a3, 20, 6", 0x2AB00000, 0, 0x2B),
    ("movi a2, -2048", 0, 0, -2048),
    ("movnez a2, a3, a4", 5, 1, 5),
)
SOURCE = """
import micropython

{guard}


@micropython.asm_xtensa
def weigh(a2, a3, a4, a5):
    l32i(a2, a2, 0)
    l32i(a3, a3, 4)
    add(a2, a2, a3)
    add(a2, a2, a4)
    sub(a2, a2, a5)
    movi_n(a0, -1)
    s32i(a0, a1, 4)
    s32i(a0, a1, 12)
    mov(a6, a0)
    mov(a7, a0)
    mov(a8, a0)
    mov(a15, a0)


@micropython.asm_xtensa
def half(a2):
    srai(a2, a2, 1)
"""
# small integers are 2 x + 1; other objects are addresses of (a type, a buffer's address)
FIRMWARE = {
    3: """
        entry a1, 32
        bnei a3, 4, WRONG
        bbci a2, 0, BUFFER
        srai a2, a2, 1
        j DONE
    BUFFER: l32i a2, a2, 4
    DONE: movi a3, -3
        movi a6, -6
        movi a7, -7
        retw_n
    WRONG: ill""",
    4: """
        entry a1, 32
        bnei a3, 2, WRONG
        slli a2, a2, 1
        addi a2, a2, 1
        retw_n
    WRONG: ill""",
    44: """
        entry a1, 32
        j OVER
        .align 4
    LOG: .word {log}
    OVER: l32r a5, LOG
        s32i a2, a5, 0
        s32i a3, a5, 4
        s32i a4, a5, 8
        movi a2, -2
        movi a3, -3
        movi a7, -7
        retw_n""",
}


@pytest.fixture
def board():
    return xtensa.Xtensa()


def run(board, source, *registers):
    at = board.place(xtensa_opcodes.assemble(source, board.free)[0])
    return machine.signed(board.run(at, tuple(x & 0xFFFFFFFF for x in registers)))


def test_instructions_are_counted(board):
    source = "entry a1, 32\n movi a3, 1000\n TURN: addi a3, a3, -1\n bnez a3, TURN\n retw_n"
    assert run(board, source, 7) == 7
    assert board.cycles == 2003


def test_nested_calls_spill_registers_and_bring_them_back(board):
    """32 registers hold three windows: this recursion is eight deep."""
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
    assert run(board, source, 8, board.free) == 36


@pytest.mark.parametrize("source", ("ill", OUTSIDE), ids=("illegal", "outside"))
def test_an_exception_is_reported(board, source):
    with pytest.raises(machine.MachineError, match="exception"):
        run(board, source)


def test_code_that_does_not_end_is_reported(board, monkeypatch):
    monkeypatch.setattr(xtensa, "_SECONDS", 0.1)
    with pytest.raises(machine.MachineError, match="does not end"):
        run(board, "HERE: j HERE")


def test_a_call_of_an_unknown_function_is_reported(board):
    unknown = struct.unpack("<2I", board.read(board.table, 8))[1]
    with pytest.raises(machine.MachineError, match="exception"):
        board.run(unknown, ())


def test_opcodes_are_those_of_the_assembler(tmp_path):
    pairs = [line.strip().rpartition("), ") for line in SHARED.strip().splitlines()]
    calls = [call + ")" for call, _, _ in pairs]
    texts = [text for _, _, text in pairs]
    path = tmp_path / "shared.py"
    path.write_text(
        "import micropython\n\n@micropython.asm_xtensa\ndef shared(a2):\n    "
        + "\n    ".join([*calls, "label(END)"])
        + "\n"
    )
    built = mpy_format.parse(mpy.compile_file(path, "xtensawin", tmp_path).read_bytes())
    framed = ["entry a1, 48", "s32i_n a0, a1, 0", *texts, "END: l32i_n a0, a1, 0", "retw_n"]
    ours = "\n".join(framed)
    assert built.code.children[0].data == xtensa_opcodes.assemble(ours, 0)[0]


@pytest.mark.parametrize(("text", "a", "b", "result"), COMPUTED)
def test_instructions_that_the_assembler_lacks(board, text, a, b, result):
    assert run(board, f"entry a1, 32\n {text}\n retw_n", 0, a, b) == result


@pytest.mark.parametrize(
    "text",
    ("loop a3, END", "mulsh a2, a3, a4", "mula.aa.ll a2, a3", "addi_n a3, a4, 0",
     "addi a3, a4, 128", "sext a2, a3, 6", "beqi a3, 9, END", "l32i a2, a3, 1024",
     "mov_n a2, a16", "bgez a2, FAR"),
)  # fmt: skip
def test_unknown_instructions_are_refused(text):
    """The ESP32-S2 has neither loops nor MAC16, qemu's cores no mulsh."""
    with pytest.raises(ValueError):
        xtensa_opcodes.encode(text, 0, {"END": 20, "FAR": 9999})


@pytest.mark.parametrize(
    ("line", "message"),
    (
        ("beqz(a2, END)", "forwards"),
        ("movi(a2, 1000)", "movi_n"),
        ("data(3, 0)", "INSTRUCTION"),
        ("data(3, 0)  # bgez a2, NOWHERE", "NOWHERE"),
    ),
)
def test_lines_that_cannot_be_assembled_are_refused(line, message):
    source = f"@micropython.asm_xtensa\ndef f(a2):\n    label(START)\n    {line}\n    label(END)\n"
    with pytest.raises(ValueError, match=message):
        xtensa_opcodes.rewrite(source)


def test_numbers_are_made_from_comments():
    source = (
        "@micropython.asm_xtensa\ndef f(a2):\n    data(3, 0)  # bgez a2, END\n"
        "    data(2, 0)  # addi_n a2, a2, -1\n    label(END)\n"
    )
    assert xtensa_opcodes.rewrite(source) == source.replace("(3, 0)", "(3, 0x0012D6)").replace(
        "(2, 0)", "(2, 0x220B)"
    )
    assert xtensa_opcodes.sizes(source) == {"f": 14}


@pytest.fixture
def functions(board, tmp_path):
    """A board whose firmware has tagged objects, the functions of SOURCE, and where it logs."""
    path = tmp_path / "xtensa_weigh.py"
    path.write_text(SOURCE.format(guard=native_abi.GUARD))
    built = mpy_format.parse(mpy.compile_file(path, "xtensawin", tmp_path).read_bytes())
    log = board.place(bytes(12))
    for slot, source in FIRMWARE.items():
        code = xtensa_opcodes.assemble(source.format(log=log), board.free)[0]
        board.write(board.table + 4 * slot, struct.pack("<I", board.place(code)))
    loaded = [board.load(code, built.objects) for code in built.code.children]
    return board, loaded[0], loaded[1], log


def boxed(board, *words):
    return board.place(struct.pack("<2I", 0, board.place(struct.pack(f"<{len(words)}i", *words))))


def test_arguments_and_result_are_objects(functions):
    board, weigh, half, _ = functions
    for a, b, c, d in ((5, 6, 7, 8), (-5, 1 << 27, -(1 << 27), 99)):
        buffers = boxed(board, a, 0), boxed(board, 1, b)
        assert board.call(weigh, *buffers, 2 * c + 1, 2 * d + 1) == 2 * (a + b + c - d) + 1
    assert board.call(half, 2 * -7 + 1) == 2 * -4 + 1


def test_the_number_of_arguments_is_checked(functions):
    board, weigh, half, log = functions
    board.call(half, 3)
    assert struct.unpack("<3I", board.read(log, 12)) == (1, 0, 1 << 17 | 1 << 1)
    board.call(weigh, boxed(board, 0), boxed(board, 0, 0), 1, 1)
    assert struct.unpack("<3I", board.read(log, 12)) == (4, 0, 4 << 17 | 4 << 1)


def test_the_caller_keeps_its_registers(functions):
    """A caller's a2..a7 survive; its a1 does, or it would not return."""
    board, weigh, _, _ = functions
    arguments = boxed(board, 9), boxed(board, 0, 1), 1, 1
    packed = board.place(struct.pack("<4I", *arguments))
    start = struct.unpack("<4I", board.read(weigh, 16))[3]
    source = """
        entry a1, 48
        movi a4, 4
        movi a5, 5
        movi a6, 6
        movi a7, 7
        mov_n a10, a2
        movi a11, 4
        movi a12, 0
        mov_n a13, a3
        j OVER
        .align 4
        WEIGH: .word START
        OVER: l32r a8, WEIGH
        callx8 a8
        add a2, a4, a5
        add a2, a2, a6
        add a2, a2, a7
        add a2, a2, a10
        retw_n"""
    assert run(board, source.replace("START", str(start)), weigh, packed) == 22 + 2 * 10 + 1
