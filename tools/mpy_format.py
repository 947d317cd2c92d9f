# SPDX-License-Identifier: Apache-2.0
"""Read and write `.mpy` files (format 6.3, py/persistentcode.c of MicroPython)."""

from dataclasses import dataclass, field

ARCHES = {4: "armv6m", 7: "armv7emsp", 10: "xtensawin", 11: "rv32imc"}
KINDS = ("bytecode", "native", "viper", "asm")
FUN_TABLE = "the function table"

_VERSION = (6, 3)
_RELOCATED = 0x10 | 0x20 | 0x40
_CONSTANTS = {0: FUN_TABLE, 1: None, 2: False, 3: True, 4: ...}
_TEXT, _TUPLE = (5, 6), 10


class MpyError(ValueError):
    """A file that is not a .mpy of the format this module reads."""


@dataclass
class Code:
    """One function: its kind, machine code or bytecode, and the functions defined in it.

    `flags` of viper and assembler functions; assembler functions also have a number of arguments
    and the type of their result; `prelude` is where a native function's lies.
    """

    kind: str
    data: bytes
    flags: int = 0
    n_args: int = 0
    result: int = 0
    prelude: int = 0
    children: list["Code"] = field(default_factory=list)


@dataclass
class Mpy:
    """A file: architecture, constant objects, the module's code, and as bytes what isn't read."""

    arch: str | None
    objects: list[object]
    code: Code
    head: bytes
    n_qstrs: int
    qstrs: bytes
    stored_objects: bytes


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, n: int) -> bytes:
        part = self.data[self.at : self.at + n]
        if len(part) != n:
            raise MpyError("the file ends too early")
        self.at += n
        return part

    def byte(self) -> int:
        return self.take(1)[0]

    def uint(self) -> int:
        value = 0
        while True:
            b = self.byte()
            value = value << 7 | b & 0x7F
            if b < 0x80:
                return value

    def qstr(self) -> None:
        n = self.uint()
        if not n & 1:
            self.take((n >> 1) + 1)

    def object(self) -> object:
        kind = self.byte()
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        n = self.uint()
        if kind == _TUPLE:
            return tuple(self.object() for _ in range(n))
        data = self.take(n)
        if kind in _TEXT:
            self.take(1)
        return data

    def code(self) -> Code:
        head = self.uint()
        code = Code(KINDS[head & 3], self.take(head >> 3))
        if code.kind == "native":
            code.prelude = self.uint()
        elif code.kind != "bytecode":
            code.flags = self.uint()
            if code.flags & _RELOCATED:
                raise MpyError("code with data sections or relocations is not supported")
            if code.kind == "asm":
                code.n_args, code.result = self.uint(), self.uint()
        if head & 4:
            code.children = [self.code() for _ in range(self.uint())]
        return code


def parse(data: bytes) -> Mpy:
    """Parse a `.mpy` file. Raises MpyError."""
    reader = _Reader(data)
    magic, version, features, _ = reader.take(4)
    arch = features >> 2 & 0x0F
    if magic != ord("M") or version != _VERSION[0]:
        raise MpyError("not a .mpy of version 6")
    if arch and features & 3 != _VERSION[1]:
        raise MpyError("native code of another version than 6.3")
    if features & 0x40:
        reader.uint()
    head = data[: reader.at]
    n_qstrs, n_objects = reader.uint(), reader.uint()
    start = reader.at
    for _ in range(n_qstrs):
        reader.qstr()
    middle = reader.at
    objects = [reader.object() for _ in range(n_objects)]
    qstrs, stored = data[start:middle], data[middle : reader.at]
    code = reader.code()
    if reader.at != len(data):
        raise MpyError("data after the end of the code")
    return Mpy(ARCHES.get(arch) if arch else None, objects, code, head, n_qstrs, qstrs, stored)


def write(mpy: Mpy) -> bytes:
    """The file that `parse` reads as `mpy`; new objects are in `stored_objects` too."""
    counts = _uint(mpy.n_qstrs) + _uint(len(mpy.objects))
    return mpy.head + counts + mpy.qstrs + mpy.stored_objects + _code(mpy.code)


def _uint(value: int) -> bytes:
    out = [value & 0x7F]
    while value > 0x7F:
        value >>= 7
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))


def _code(code: Code) -> bytes:
    out = _uint(len(code.data) << 3 | bool(code.children) << 2 | KINDS.index(code.kind))
    out += code.data
    if code.kind == "native":
        out += _uint(code.prelude)
    elif code.kind != "bytecode":
        out += _uint(code.flags)
        if code.kind == "asm":
            out += _uint(code.n_args) + _uint(code.result)
    if code.children:
        out += _uint(len(code.children)) + b"".join(_code(child) for child in code.children)
    return out
