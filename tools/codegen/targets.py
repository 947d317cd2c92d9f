# SPDX-License-Identifier: Apache-2.0
"""How RISC-V and Xtensa write the simple operations that `risc.py` makes of a plan.

S is the state, T walks through the table, R0..R11 serve the stages.
"""

from collections.abc import Callable

from host_tests.board import xtensa_opcodes
from tools.codegen.requantise import NotSpecialised

R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, S, T = range(14)
_NUMBERS = {f"a{i}": 10 + i for i in range(8)} | {
    **{f"t{i}": 5 + i for i in range(3)}, **{f"t{i}": 25 + i for i in range(3, 7)},
}  # fmt: skip


def placed(
    lines: list[str], at: int, size: Callable[[str], int]
) -> tuple[list[tuple[int, str]], dict[str, int]]:
    """Instructions with their addresses from `at` on, and the labels' (lines that end with :)."""
    places, labels = [], {}
    for line in lines:
        if line.endswith(":"):
            labels[line[:-1]] = at
        else:
            places.append((at, line))
            at += size(line)
    return places, labels


class Target:
    """Collects a function's lines; subclasses write single operations."""

    names: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._labels = 0

    def new(self) -> str:
        self._labels += 1
        return f"L{self._labels}"

    def put(self, text: str) -> None:
        self.lines.append(text)

    def three(self, name: str, to: int, a: int, b: int) -> None:
        self.put(self.written(name, self.names[to], self.names[a], self.names[b]))

    def add(self, to: int, a: int, b: int) -> None:
        self.three("add", to, a, b)

    def sub(self, to: int, a: int, b: int) -> None:
        self.three("sub", to, a, b)

    def unless(self, name: str, a: int, b: int, label: str) -> None:
        """Branch: blt, bge, bltu, bgeu."""
        self.put(self.written(name, self.names[a], self.names[b], label))

    def advance(self, register: int, n: int) -> None:
        """Add a number of bytes."""
        raise NotImplementedError

    def address(self, to: int, words: int) -> None:
        """to = address of a word of the state."""
        self.move(to, S)
        self.advance(to, 4 * words)

    def power(self, to: int, bits: int, less: int = 0) -> None:
        """to = 2**bits - less."""
        self.constant(to, 1)
        self.left(to, to, bits)
        if less:
            self.advance(to, -less)

    # the operations that differ
    def written(self, name: str, *operands: object) -> str:
        raise NotImplementedError

    def label(self, name: str) -> None:
        raise NotImplementedError

    def move(self, to: int, a: int) -> None:
        raise NotImplementedError

    def constant(self, to: int, value: int) -> None:
        raise NotImplementedError

    def mul(self, to: int, a: int, b: int) -> None:
        raise NotImplementedError

    def load(self, to: int, base: int, words: int) -> None:
        raise NotImplementedError

    def store(self, what: int, base: int, words: int) -> None:
        raise NotImplementedError

    def half(self, to: int, base: int, halves: int) -> None:
        """A signed 16-bit value."""
        raise NotImplementedError

    def left(self, to: int, a: int, n: int) -> None:
        raise NotImplementedError

    def right(self, to: int, a: int, n: int) -> None:
        """Arithmetic shift."""
        raise NotImplementedError

    def right_by(self, to: int, a: int, n: int) -> None:
        """Arithmetic shift by a register."""
        raise NotImplementedError

    def limit(self, value: int, least: int, most: int) -> None:
        raise NotImplementedError

    def again(self, a: int, b: int, start: str) -> None:
        """Back to `start`, however far, while a < b, unsigned."""
        raise NotImplementedError

    def function(self) -> str:
        """Source of the function, called with vector, state and table."""
        raise NotImplementedError


class RiscV(Target):
    """asm_rv32; two bytes instead of four where that is easy.

    Branches are data: that assembler's first pass refuses some forward ones, depending on what
    its memory held before.
    """

    _BRANCHES = {"blt": 4, "bge": 5, "bltu": 6, "bgeu": 7}
    names = ("a0", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3", "t4", "t5", "a1", "a2")

    def written(self, name: str, *operands: object) -> str:
        if name in self._BRANCHES:
            return f"{name} {', '.join(map(str, operands))}"
        if name == "add" and operands[0] == operands[1]:
            return f"c_add({operands[0]}, {operands[2]})"
        return f"{name}({', '.join(map(str, operands))})"

    def label(self, name: str) -> None:
        self.put(f"{name}:")

    def move(self, to: int, a: int) -> None:
        self.put(f"c_mv({self.names[to]}, {self.names[a]})")

    def constant(self, to: int, value: int) -> None:
        self.put(f"addi({self.names[to]}, zero, {value})")

    def mul(self, to: int, a: int, b: int) -> None:
        self.three("mul", to, a, b)

    def load(self, to: int, base: int, words: int) -> None:
        self.put(f"lw({self.names[to]}, {4 * words}({self.names[base]}))")

    def store(self, what: int, base: int, words: int) -> None:
        self.put(f"sw({self.names[what]}, {4 * words}({self.names[base]}))")

    def half(self, to: int, base: int, halves: int) -> None:
        self.put(f"lh({self.names[to]}, {2 * halves}({self.names[base]}))")

    def left(self, to: int, a: int, n: int) -> None:
        self.put(f"slli({self.names[to]}, {self.names[a]}, {n})")

    def right(self, to: int, a: int, n: int) -> None:
        if n:
            self.put(f"srai({self.names[to]}, {self.names[a]}, {n})")

    def right_by(self, to: int, a: int, n: int) -> None:
        self.three("sra", to, a, n)

    def advance(self, register: int, n: int) -> None:
        while n:
            part = max(min(n, 2047), -2048)
            self.put(f"addi({self.names[register]}, {self.names[register]}, {part})")
            n -= part

    def limit(self, value: int, least: int, most: int) -> None:
        inside, done = self.new(), self.new()
        self.unless("bge", value, least, inside)
        self.move(value, least)
        self.label(inside)
        self.unless("bge", most, value, done)
        self.move(value, most)
        self.label(done)

    def again(self, a: int, b: int, start: str) -> None:
        self.unless("bltu", a, b, start)

    def function(self) -> str:
        places, labels = placed([*self.lines, "addi(a0, zero, 0)"], 0, self._size)
        body = ""
        for at, line in places:
            if "(" not in line:
                line = f"data(4, 0x{self._branch(line, at, labels):08X})  # {line}"
            body += f"    {line}\n"
        return f"@micropython.asm_rv32\ndef _run(a0, a1, a2):\n{body}"

    @staticmethod
    def _size(line: str) -> int:
        return 2 if line.startswith("c_") else 4

    def _branch(self, line: str, at: int, labels: dict[str, int]) -> int:
        name, _, rest = line.partition(" ")
        a, b, label = rest.split(", ")
        i = labels[label] - at
        if not -4096 <= i < 4096:
            raise NotSpecialised("a row is too long for one branch")
        return (
            0x63 | (i >> 11 & 1) << 7 | (i >> 1 & 15) << 8 | self._BRANCHES[name] << 12
            | _NUMBERS[a] << 15 | _NUMBERS[b] << 20 | (i >> 5 & 63) << 25 | (i >> 12 & 1) << 31
        )  # fmt: skip


class Xtensa(Target):
    """asm_xtensa, every instruction as data: that assembler lacks most and misplaces others."""

    names = (
        "a2", "a5", "a6", "a7", "a8", "a9", "a10", "a11", "a12", "a13", "a14", "a15", "a3", "a4",
    )  # fmt: skip
    _ORIGIN = 5  # behind what the assembler puts first

    def written(self, name: str, *operands: object) -> str:
        return f"{name} {', '.join(map(str, operands))}"

    def label(self, name: str) -> None:
        self.put(f"{name}:")

    def move(self, to: int, a: int) -> None:
        self.put(f"mov_n {self.names[to]}, {self.names[a]}")

    def constant(self, to: int, value: int) -> None:
        self.put(f"movi {self.names[to]}, {value}")

    def mul(self, to: int, a: int, b: int) -> None:
        self.three("mull", to, a, b)

    def load(self, to: int, base: int, words: int) -> None:
        self.put(f"l32i {self.names[to]}, {self.names[base]}, {4 * words}")

    def store(self, what: int, base: int, words: int) -> None:
        self.put(f"s32i {self.names[what]}, {self.names[base]}, {4 * words}")

    def half(self, to: int, base: int, halves: int) -> None:
        self.put(f"l16si {self.names[to]}, {self.names[base]}, {2 * halves}")

    def left(self, to: int, a: int, n: int) -> None:
        self.put(f"slli {self.names[to]}, {self.names[a]}, {n}")

    def right(self, to: int, a: int, n: int) -> None:
        if n:
            self.put(f"srai {self.names[to]}, {self.names[a]}, {n}")

    def right_by(self, to: int, a: int, n: int) -> None:
        self.put(f"ssr {self.names[n]}")
        self.put(f"sra {self.names[to]}, {self.names[a]}")

    def advance(self, register: int, n: int) -> None:
        name = self.names[register]
        pages = (n + 128) // 256 * 256
        if pages:
            self.put(f"addmi {name}, {name}, {pages}")
        if n - pages:
            self.put(f"addi {name}, {name}, {n - pages}")

    def limit(self, value: int, least: int, most: int) -> None:
        self.three("max", value, value, least)
        self.three("min", value, value, most)

    def again(self, a: int, b: int, start: str) -> None:
        out = self.new()
        self.unless("bgeu", a, b, out)
        self.put(f"j {start}")
        self.label(out)

    def function(self) -> str:
        lines = [*self.lines, "movi a2, 0"]
        places, labels = placed(lines, self._ORIGIN, xtensa_opcodes.size)
        body = ""
        for at, line in places:
            n = xtensa_opcodes.size(line)
            body += f"    data({n}, 0x{_opcode(line, at, labels):0{2 * n}X})  # {line}\n"
        return f"@micropython.asm_xtensa\ndef _run(a2, a3, a4):\n{body}"


def _opcode(line: str, at: int, labels: dict[str, int]) -> int:
    """One instruction; shifts are those that xtensa_opcodes does not know."""
    name, _, rest = line.partition(" ")
    if name not in ("slli", "srai", "ssr", "sra"):
        return xtensa_opcodes.encode(line, at, labels)
    to, *others = (int(word.strip().lstrip("a")) for word in rest.split(","))
    if name == "ssr":
        return 0x400000 | to << 8
    if name == "sra":
        return 0xB10000 | to << 12 | others[0] << 4
    a, n = others
    if name == "slli":
        return 0x010000 | (32 - n >> 4) << 20 | to << 12 | a << 8 | (32 - n & 15) << 4
    return 0x210000 | (n >> 4) << 20 | to << 12 | (n & 15) << 8 | a << 4


TARGETS: dict[str, type[Target]] = {"rv32imc": RiscV, "xtensawin": Xtensa}
