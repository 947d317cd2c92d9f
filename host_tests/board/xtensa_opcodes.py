# SPDX-License-Identifier: Apache-2.0
"""Opcodes of Xtensa instructions: for `data(...)` lines, and a small assembler for test code.

    python -m host_tests.board.xtensa_opcodes FILE...     rewrites the numbers of data(...) lines

In a kernel, `data(3, 0)  # bgez a3, DONE` is a line that `asm_xtensa` cannot write; its number
follows from its comment, and for a branch from the places of the lines around it. A line with
more than one number is a table.
"""

import ast
import re
import sys
from collections.abc import Callable
from pathlib import Path

_RRR = {
    "and": 0x10, "or": 0x20, "xor": 0x30, "add": 0x80, "addx2": 0x90, "addx4": 0xA0,
    "addx8": 0xB0, "sub": 0xC0, "subx2": 0xD0, "subx4": 0xE0, "subx8": 0xF0, "src": 0x81,
    "mul16u": 0xC1, "mul16s": 0xD1, "mull": 0x82, "quou": 0xC2, "quos": 0xD2, "remu": 0xE2,
    "rems": 0xF2, "min": 0x43, "max": 0x53, "minu": 0x63, "maxu": 0x73, "moveqz": 0x83,
    "movnez": 0x93, "movltz": 0xA3, "movgez": 0xB3,
}  # fmt: skip
_EXTEND = {"sext": 0x23, "clamps": 0x33}
_MEMORY = {"l8ui": (0, 0), "l16ui": (1, 1), "l32i": (2, 2), "s8i": (4, 0), "s16i": (5, 1),
           "s32i": (6, 2), "l16si": (9, 1)}  # fmt: skip
_ZERO = {"beqz": 0, "bnez": 1, "bltz": 2, "bgez": 3}
_IMMEDIATE = {"beqi": 0x26, "bnei": 0x66, "blti": 0xA6, "bgei": 0xE6, "bltui": 0xB6, "bgeui": 0xF6}
_B4 = (-1, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64, 128, 256)
_B4U = (32768, 65536, *_B4[2:])
_BRANCH = {"bnone": 0, "beq": 1, "blt": 2, "bltu": 3, "ball": 4, "bbc": 5, "bany": 8, "bne": 9,
           "bge": 10, "bgeu": 11, "bnall": 12, "bbs": 13}  # fmt: skip
_PLAIN = {"simcall": 0x5100, "rsync": 0x2010, "isync": 0x2000, "rfwo": 0x3400, "rfwu": 0x3500,
          "ill": 0, "retw_n": 0xF01D, "ret_n": 0xF00D, "nop_n": 0xF03D, "nop": 0x20F0}  # fmt: skip
_SPECIAL = {"windowbase": 72, "windowstart": 73, "epc1": 177, "intenable": 228, "ps": 230,
            "vecbase": 231, "exccause": 232, "ccount": 234, "excvaddr": 238}  # fmt: skip
_NARROW = ("retw_n", "ret_n", "nop_n", "mov_n", "movi_n", "addi_n", "add_n", "l32i_n", "s32i_n",
           "beqz_n", "bnez_n")  # fmt: skip


def size(text: str) -> int:
    """Bytes of one instruction."""
    return 2 if text.split()[0] in _NARROW else 3


def encode(text: str, at: int = 0, labels: dict[str, int] | None = None) -> int:
    """Return the opcode of one instruction at an address, e.g. `sext a3, a4, 7`.

    Operands are those of the instruction set manual, offsets and shifts included; a branch names
    a label. Raises ValueError for an instruction or operand that is not known here.
    """
    name, _, rest = text.partition(" ")
    words = [word.strip() for word in rest.split(",")] if rest else []
    try:
        return _encode(name, words, at, labels or {})
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"{text}: {error}") from error


def _register(word: str) -> int:
    number = int(word[1:])
    if word[0] != "a" or not 0 <= number < 16:
        raise ValueError(f"{word}: a0 to a15 here")
    return number


def _number(word: str, low: int, high: int) -> int:
    value = int(word, 0)
    if not low <= value <= high:
        raise ValueError(f"{value}: {low} to {high} here")
    return value


def _encode(name: str, words: list[str], at: int, labels: dict[str, int]) -> int:
    def reach(word: str, low: int, high: int) -> int:
        return _number(str(labels[word] - at - 4), low, high)

    if name in _PLAIN and not words:
        return _PLAIN[name]
    if name in ("rsr", "wsr"):
        special = _SPECIAL[words[1]]
        return (0x130000 if name == "wsr" else 0x030000) | special << 8 | _register(words[0]) << 4
    if name == "j":
        return 6 | (reach(words[0], -131072, 131071) & 0x3FFFF) << 6
    if name in ("call0", "call8"):
        offset = labels[words[0]] - (at & ~3) - 4
        if offset & 3:
            raise ValueError("calls go to multiples of 4")
        return 5 | (name == "call8") << 5 | (offset >> 2 & 0x3FFFF) << 6
    first = _register(words[0])
    if name in _RRR:
        return _RRR[name] << 16 | first << 12 | _register(words[1]) << 8 | _register(words[2]) << 4
    if name in _EXTEND:
        bits = _number(words[2], 7, 22) - 7
        return _EXTEND[name] << 16 | first << 12 | _register(words[1]) << 8 | bits << 4
    if name == "extui":
        shift, bits = _number(words[2], 0, 31), _number(words[3], 1, 16)
        return ((bits - 1) << 20 | (4 | shift >> 4) << 16 | first << 12 | (shift & 15) << 8
                | _register(words[1]) << 4)
    if name in ("s32e", "l32e"):
        offset = (_number(words[2], -64, -4) >> 2) + 16
        return ((0x490000 if name[0] == "s" else 0x090000) | offset << 12
                | _register(words[1]) << 8 | first << 4)
    if name == "neg":
        return 0x600000 | first << 12 | _register(words[1]) << 4
    if name == "abs":
        return 0x600100 | first << 12 | _register(words[1]) << 4
    if name == "slli":
        bits = 32 - _number(words[2], 1, 31)
        code = 0x110000 if bits & 16 else 0x010000
        return code | first << 12 | _register(words[1]) << 8 | (bits & 15) << 4
    if name == "srai":
        bits = _number(words[2], 0, 31)
        code = 0x310000 if bits & 16 else 0x210000
        return code | first << 12 | (bits & 15) << 8 | _register(words[1]) << 4
    if name == "srli":
        return 0x410000 | first << 12 | _number(words[2], 0, 15) << 8 | _register(words[1]) << 4
    if name in _MEMORY:
        code, scale = _MEMORY[name]
        offset = _number(words[2], 0, 255 << scale)
        return (offset >> scale) << 16 | code << 12 | _register(words[1]) << 8 | first << 4 | 2
    if name in ("l32i_n", "s32i_n"):
        offset = _number(words[2], 0, 60) >> 2
        return offset << 12 | _register(words[1]) << 8 | first << 4 | (8 if name[0] == "l" else 9)
    if name == "movi":
        value = _number(words[1], -2048, 2047) & 0xFFF
        return (value & 255) << 16 | 0xA << 12 | (value >> 8) << 8 | first << 4 | 2
    if name == "movi_n":
        value = _number(words[1], -32, 95) & 0x7F
        return (value & 15) << 12 | first << 8 | value & 0x70 | 12
    if name == "addi":
        value = _number(words[2], -128, 127) & 255
        return value << 16 | 0xC << 12 | _register(words[1]) << 8 | first << 4 | 2
    if name == "addmi":
        value = _number(words[2], -32768, 32512) >> 8 & 255
        return value << 16 | 0xD << 12 | _register(words[1]) << 8 | first << 4 | 2
    if name == "addi_n":
        value = _number(words[2], -1, 15)
        if value == 0:
            raise ValueError("addi_n adds -1 or 1 to 15")
        return first << 12 | _register(words[1]) << 8 | max(value, 0) << 4 | 11
    if name == "mov_n":
        return _register(words[1]) << 8 | first << 4 | 13
    if name == "add_n":
        return first << 12 | _register(words[1]) << 8 | _register(words[2]) << 4 | 10
    if name == "l32r":
        offset = (labels[words[1]] - (at + 3 & ~3)) >> 2
        return 1 | first << 4 | (_number(str(offset), -65536, -1) & 0xFFFF) << 8
    if name == "entry":
        return 0x36 | first << 8 | (_number(words[1], 0, 32760) >> 3) << 12
    if name in ("callx0", "callx8", "jx"):
        return {"callx0": 0xC0, "callx8": 0xE0, "jx": 0xA0}[name] | first << 8
    return _branch(name, first, words, reach)


def _branch(name: str, first: int, words: list[str], reach: Callable[..., int]) -> int:
    if name in _ZERO:
        return 0x16 | _ZERO[name] << 6 | first << 8 | (reach(words[1], -2048, 2047) & 0xFFF) << 12
    if name in ("beqz_n", "bnez_n"):
        offset = reach(words[1], 0, 63)
        return (0xC if name[1] == "n" else 0x8) << 4 | (offset & 15) << 12 | first << 8 \
            | offset & 0x30 | 0xC
    offset = reach(words[2], -128, 127) & 255
    if name in _IMMEDIATE:
        values = _B4U if name.endswith("ui") else _B4
        return _IMMEDIATE[name] | first << 8 | values.index(int(words[1])) << 12 | offset << 16
    if name in ("bbci", "bbsi"):
        bit = _number(words[1], 0, 31)
        code = (6 if name == "bbci" else 14) | bit >> 4
        return 7 | first << 8 | (bit & 15) << 4 | code << 12 | offset << 16
    return 7 | first << 8 | _register(words[1]) << 4 | _BRANCH[name] << 12 | offset << 16


def assemble(source: str, origin: int) -> tuple[bytes, dict[str, int]]:
    """Machine code of a source text that runs at `origin`, and its labels' addresses.

    A line is `.align N`, `.word NUMBER or LABEL`, or an instruction, with `LABEL:` before it or on
    its own; # begins a comment.
    """
    places, labels, at = [], {}, origin
    for text in source.splitlines():
        line = text.split("#")[0].strip()
        if ":" in line:
            label, line = line.split(":")
            labels[label] = at
            line = line.strip()
        if not line:
            continue
        places.append((at, line))
        word = line.split()
        if word[0] == ".align":
            at += -at % int(word[1])
        else:
            at += 4 if word[0] == ".word" else size(line)
    code = bytearray()
    for at, line in places:
        word = line.split()
        if word[0] == ".align":
            code += bytes(-at % int(word[1]))
        elif word[0] == ".word":
            value = labels[word[1]] if word[1] in labels else int(word[1], 0)
            code += value.to_bytes(4, "little")
        else:
            code += encode(line, at, labels).to_bytes(size(line), "little")
    return bytes(code), labels


def sizes(source: str) -> dict[str, int]:
    """Function -> bytes of machine code that `asm_xtensa` makes of it, prologue included."""
    return {function.name: _places(function)[0] for function in _functions(source)}


def rewrite(source: str) -> str:
    """Return a kernel's source with the number of every data(...) line made from its comment.

    Raises ValueError for a comment that is no instruction or a branch that is too far.
    """
    lines = source.splitlines(keepends=True)
    for function in _functions(source):
        _, places, labels = _places(function)
        for call, at in places:
            if call.func.id != "data" or len(call.args) > 2:
                continue
            line = lines[call.lineno - 1]
            found = re.fullmatch(r"( *)data\(.*\)  # (.+)\n", line)
            if not found:
                raise ValueError(f"line {call.lineno}: data(SIZE, 0)  # INSTRUCTION")
            indent, text = found.groups()
            n = size(text)
            opcode = encode(text, at, labels)
            lines[call.lineno - 1] = f"{indent}data({n}, 0x{opcode:0{2 * n}X})  # {text}\n"
    return "".join(lines)


def _functions(source: str) -> list[ast.FunctionDef]:
    found = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return [node for node in found if "asm_xtensa" in map(_decorator, node.decorator_list)]


def _decorator(node: ast.expr) -> str:
    return ast.unparse(node).removeprefix("micropython.")


def _places(function: ast.FunctionDef) -> tuple[int, list[tuple[ast.Call, int]], dict[str, int]]:
    """Size, calls with their addresses, and labels of a function as asm_xtensa lays it out.

    Two of its ways stop mpy-cross with an assertion: a branch forwards (it reserves room for the
    wrong label) and `movi` (its table of constants moves all labels). Both raise ValueError here.
    """
    calls = [statement.value for statement in function.body if isinstance(statement, ast.Expr)]
    places, labels = [], {}
    at = 5  # entry, s32i_n
    for call in calls:
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        name, words = call.func.id, [ast.unparse(x) for x in call.args]
        places.append((call, at))
        if name == "label":
            labels[words[0]] = at
        elif name == "align":
            at += -at % int(words[0])
        elif name == "data":
            at += int(words[0]) * (len(words) - 1)
        elif name.removesuffix("_n") in _ZERO or name in _BRANCH:
            if words[-1] not in labels:
                raise ValueError(f"line {call.lineno}: forwards: data(3, 0)  # {name} ...")
            reach = 2048 if len(words) == 2 else 128
            at += 3 if at + 4 - labels[words[-1]] <= reach else 6
        elif name == "movi":
            raise ValueError(f"line {call.lineno}: movi_n, or data(3, 0)  # movi ...")
        else:
            at += 2 if name.endswith("_n") or name in ("mov", "ret") else 3
    return at + 4, places, labels


def main() -> None:
    for name in sys.argv[1:]:
        path = Path(name)
        try:
            path.write_text(rewrite(path.read_text()))
        except ValueError as error:
            sys.exit(f"{name}: {error}")


if __name__ == "__main__":
    main()
