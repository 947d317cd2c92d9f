# SPDX-License-Identifier: Apache-2.0
"""Opcodes of the Thumb instructions that `asm_thumb` lacks, for `data(2, ...)` lines.

    python -m host_tests.board.thumb_opcodes "ldm r0!, {r1, r2}"     prints data(2, 0xC806)  # ...
"""

import re
import sys

_REGISTERS = {f"r{i}": i for i in range(13)} | {"sp": 13, "lr": 14}
_EXTEND = {"sxth": 0xB200, "sxtb": 0xB240, "uxth": 0xB280, "uxtb": 0xB2C0}
_INDEXED = {
    "str": 0x5000, "strh": 0x5200, "strb": 0x5400, "ldrsb": 0x5600,
    "ldr": 0x5800, "ldrh": 0x5A00, "ldrb": 0x5C00, "ldrsh": 0x5E00,
}  # fmt: skip
_STACKED = {"str": 0x9000, "ldr": 0x9800}
_FRAME = {"add": 0xB000, "sub": 0xB080}
_MULTIPLE = {"stm": 0xC000, "ldm": 0xC800}
_ANY_REGISTER = {"add": 0x4400, "cmp": 0x4500}


def _low(name: str) -> int:
    number = _REGISTERS[name]
    if number > 7:
        raise ValueError(f"{name}: only r0 to r7 here")
    return number


def _words(text: str, limit: int) -> int:
    offset = int(text)
    if offset % 4 or not 0 <= offset < 4 * limit:
        raise ValueError(f"#{text}: a multiple of 4 below {4 * limit}")
    return offset >> 2


def encode(text: str) -> int:
    """Return the opcode of one instruction. Raises ValueError for one that is not known here."""
    patterns = (
        (r"(ldm|stm) (\w+)!, \{(.+)\}", lambda op, base, list_: _MULTIPLE[op] | _low(base) << 8
         | sum(1 << _low(r) for r in list_.split(", "))),
        (r"(str|ldr) (\w+), \[sp, #(\d+)\]", lambda op, rd, n: _STACKED[op] | _low(rd) << 8
         | _words(n, 256)),
        (r"(\w+) (\w+), \[(\w+), (\w+)\]", lambda op, rd, rn, rm: _INDEXED[op] | _low(rm) << 6
         | _low(rn) << 3 | _low(rd)),
        (r"(add|sub) sp, #(\d+)", lambda op, n: _FRAME[op] | _words(n, 128)),
        (r"([su]xt[bh]) (\w+), (\w+)", lambda op, rd, rm: _EXTEND[op] | _low(rm) << 3 | _low(rd)),
        (r"(add|cmp) (\w+), (\w+)", lambda op, rd, rm: _ANY_REGISTER[op]
         | (_REGISTERS[rd] & 8) << 4 | _REGISTERS[rm] << 3 | _REGISTERS[rd] & 7),
    )  # fmt: skip
    for pattern, opcode in patterns:
        found = re.fullmatch(pattern, text)
        if found:
            try:
                return opcode(*found.groups())
            except KeyError as error:
                raise ValueError(f"{text}: {error.args[0]}?") from error
    raise ValueError(f"{text}: not an instruction that asm_thumb lacks")


if __name__ == "__main__":
    try:
        for instruction in sys.argv[1:]:
            print(f"data(2, 0x{encode(instruction):04X})  # {instruction}")
    except ValueError as problem:
        sys.exit(str(problem))
