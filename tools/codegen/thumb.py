# SPDX-License-Identifier: Apache-2.0
"""A plan as one function for `asm_thumb` (armv6m, armv7emsp).

r7 walks through the table, which lies in the code behind the first instruction. Stack, in words:
0 state, 1 vector, 2 what a row's sum starts with, 3 end of a row, from 4 the layers' inputs. What
else a stage keeps in registers stands at its top.
"""

from host_tests.board.thumb_opcodes import encode
from tools.codegen import plan as plans
from tools.codegen.plan import Dense, Head, Plan, Quantise, Rows, Vector
from tools.codegen.requantise import SHIFT

_INPUTS = 4
_WORDS_PER_LINE = 8


class _Lines:
    """Instructions as source lines; labels are numbered."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._labels = 0

    def __call__(self, *instructions: str) -> None:
        for text in instructions:
            if "(" in text:
                self.lines.append(text)
            else:
                self.lines.append(f"data(2, 0x{encode(text):04X})  # {text}")

    def new(self) -> str:
        self._labels += 1
        return f"L{self._labels}"

    def mark(self, label: str) -> None:
        self(f"label({label})")

    def again(self, start: str) -> None:
        """Back to `start` while the last comparison was unsigned below, however far that is."""
        out = self.new()
        self(f"bcs({out})", f"b({start})")
        self.mark(out)

    def advance(self, register: str, words: int) -> None:
        n = 4 * words
        while n > 0:
            self(f"add({register}, {min(n, 252)})")
            n -= 252

    def limit(self, register: str, least: str, most: str) -> None:
        """Clip a register to low or high ones that hold the limits."""
        inside, done = self.new(), self.new()
        self(f"cmp {register}, {most}", f"ble({inside})", f"mov({register}, {most})")
        self.mark(inside)
        self(f"cmp {register}, {least}", f"bge({done})", f"mov({register}, {least})")
        self.mark(done)


def function(plan: Plan) -> str:
    """Source of `_run(vector, state)`: array('h') of features, array('i') of plan.used words."""
    a = _Lines()
    frame = _INPUTS + 2 * plan.inputs
    a("align(4)", "bl(BEGIN)")
    words = [f"0x{word:X}" for word in plans.words_of(plan.table)]
    for at in range(0, len(words), _WORDS_PER_LINE):
        a(f"data(4, {', '.join(words[at : at + _WORDS_PER_LINE])})")
    a.mark("BEGIN")
    a(*(f"mov({low}, {high})" for low, high in _SAVED), "push({r4, r5, r6, r7})")
    for part in _parts(4 * frame):
        a(f"sub sp, #{part}")
    a("mov(r7, r14)", "sub(r7, 1)", "str r1, [sp, #0]", "str r0, [sp, #4]")
    inputs = [_INPUTS, _INPUTS + plan.inputs]
    for stage in plan.stages:
        if isinstance(stage, Vector):
            _vector(a, stage)
        elif isinstance(stage, Rows):
            _rows(a, stage)
        elif isinstance(stage, Quantise):
            _quantise(a, stage, inputs[0])
        elif isinstance(stage, Dense):
            _dense(a, stage, inputs, plan.outputs)
            inputs.reverse()
        else:
            _head(a, stage, plan.outputs)
    a("b(EXIT)")
    _root(a)
    a.mark("EXIT")
    for part in _parts(4 * frame):
        a(f"add sp, #{part}")
    a("pop({r4, r5, r6, r7})", *(f"mov({high}, {low})" for low, high in _SAVED), "mov(r0, 0)")
    body = "\n".join("    " + line for line in a.lines)
    return f"@micropython.asm_thumb\ndef _run(r0, r1):\n{body}\n"


_SAVED = (("r4", "r8"), ("r5", "r9"), ("r6", "r10"), ("r7", "r11"))


def _parts(n: int) -> list[int]:
    """A frame's size in steps that one instruction can take."""
    return [504] * (n // 504) + ([n % 504] if n % 504 else [])


def _state(a: _Lines, register: str, words: int) -> None:
    a(f"ldr {register}, [sp, #0]")
    a.advance(register, words)


def _constant_4095(a: _Lines, most: str, least: str) -> None:
    a("mov(r1, 1)", "lsl(r1, r1, 12)", "sub(r1, 1)", f"mov({most}, r1)", "neg(r1, r1)",
      f"mov({least}, r1)")  # fmt: skip


def _vector(a: _Lines, stage: Vector) -> None:
    """r0 features, r1 mult, r2 constant, r3 shift, r4 value, r5 0, r6 z; r8, r9 limits."""
    loop = a.new()
    _constant_4095(a, "r8", "r9")
    _state(a, "r6", stage.out)
    a("mov(r0, r6)")
    a.advance("r0", stage.n)
    a("mov(r10, r0)", "ldr r0, [sp, #4]", "mov(r5, 0)")
    a.mark(loop)
    a("ldm r7!, {r1, r2, r3}", "ldrsh r4, [r0, r5]", "add(r0, 2)", "mul(r4, r1)",
      "add(r4, r4, r2)", "asr(r4, r3)")  # fmt: skip
    a.limit("r4", "r9", "r8")
    a("stm r6!, {r4}", "cmp r6, r10", f"bcc({loop})")


def _rows(a: _Lines, stage: Rows) -> None:
    """r0, r1 words of two rows, r2 product, r4, r5 values, r6 over them, r8, r9 sums, r12 values.

    Projection: r10 result, r11 its end. Clusters: r10 least, r11 best, lr passes left.
    """
    row, block = a.new(), a.new()
    _start_of_rows(a, stage)
    a.mark(row)
    a("ldr r0, [sp, #8]", "mov(r8, r0)", "mov(r9, r0)", "mov(r6, r12)")
    looped = stage.pairs > plans.UNROLLED
    if looped:
        a.mark(block)
    for _ in range(plans.BLOCK if looped else stage.pairs):
        a("ldm r6!, {r4, r5}", "ldm r7!, {r0, r1}")
        for word, total in (("r0", "r8"), ("r1", "r9")):
            a(f"sxth r2, {word}", f"asr({word}, {word}, 16)")
            if stage.kind == "square":
                a("sub(r2, r2, r4)", f"sub({word}, {word}, r5)", "mul(r2, r2)",
                  f"mul({word}, {word})", f"lsr(r2, r2, {stage.shift})",
                  f"lsr({word}, {word}, {stage.shift})")  # fmt: skip
            else:
                a("mul(r2, r4)", f"mul({word}, r5)")
            a(f"add(r2, r2, {word})", f"add {total}, r2")
    if looped:
        a("ldr r0, [sp, #12]", "cmp(r6, r0)")
        a.again(block)
    if stage.kind == "project":
        _projected(a, stage)
        a("cmp r6, r11")
        a.again(row)
    else:
        _compare(a, stage, "r8")
        _compare(a, stage, "r9")
        last = a.new()
        a("mov(r0, r14)", "sub(r0, 1)", "mov(r14, r0)", f"beq({last})", f"b({row})")
        a.mark(last)
        _near_score(a, stage)


def _start_of_rows(a: _Lines, stage: Rows) -> None:
    _state(a, "r6", stage.source)
    a("mov(r12, r6)", "mov(r0, r6)")
    a.advance("r0", 2 * stage.pairs)
    a("str r0, [sp, #12]")
    passes = (stage.rows + 1) // 2
    if stage.kind == "project":
        _state(a, "r0", stage.out)
        a("mov(r10, r0)")
        a.advance("r0", 2 * passes)
        a("mov(r11, r0)", "ldm r7!, {r0}")
    else:
        a("mov(r0, 0)")
        if stage.kind == "dot":
            loop = a.new()
            a("ldr r3, [sp, #12]")
            a.mark(loop)
            a("ldm r6!, {r1, r2}", "mul(r1, r1)", "mul(r2, r2)", "add(r0, r0, r1)",
              "add(r0, r0, r2)", "cmp(r6, r3)", f"bcc({loop})")  # fmt: skip
        a("mov(r1, 1)", "lsl(r1, r1, 30)", "sub(r1, 1)", "mov(r10, r1)", "mov(r1, 0)",
          "mov(r11, r1)", f"mov(r1, {passes})", "mov(r14, r1)")  # fmt: skip
    a("str r0, [sp, #8]")


def _projected(a: _Lines, stage: Rows) -> None:
    a("mov(r2, 1)", "lsl(r2, r2, 12)", "sub(r2, 1)", "neg(r3, r2)", "mov(r0, r8)", "mov(r1, r9)")
    for value in ("r0", "r1"):
        if stage.shift:
            a(f"asr({value}, {value}, {stage.shift})")
        inside, done = a.new(), a.new()
        a(f"cmp({value}, r2)", f"ble({inside})", f"mov({value}, r2)")
        a.mark(inside)
        a(f"cmp({value}, r3)", f"bge({done})", f"mov({value}, r3)")
        a.mark(done)
    a("mov(r6, r10)", "stm r6!, {r0, r1}", "mov(r10, r6)")


def _compare(a: _Lines, stage: Rows, total: str) -> None:
    """Weigh a cluster's distance and keep the first least one."""
    farther = a.new()
    a("ldm r7!, {r1, r2, r3}", f"mov(r0, {total})", "add(r0, r0, r1)")
    if stage.weighted:
        a("lsl(r4, r0, 18)", "lsr(r4, r4, 18)", "lsr(r0, r0, 14)", "mul(r0, r2)", "mul(r4, r2)",
          "lsr(r4, r4, 14)", "add(r0, r0, r4)")  # fmt: skip
    a("cmp r0, r10", f"bge({farther})", "mov(r10, r0)", "mov(r11, r3)")
    a.mark(farther)


def _near_score(a: _Lines, stage: Rows) -> None:
    a("ldr r6, [sp, #0]", "mov(r0, r11)", f"str(r0, [r6, {4 * plans.BEST}])", "mov(r0, r10)",
      "bl(ROOT)", f"str(r0, [r6, {4 * plans.RAW}])", "ldm r7!, {r1}", "mul(r0, r1)")  # fmt: skip
    _store_score(a, stage.score_shift, plans.NEAR)


def _store_score(a: _Lines, shift: int, place: int) -> None:
    """Store r0 >> shift, 32767 at most."""
    if shift:
        a(f"asr(r0, r0, {shift})")
    _store_limited(a, place)


def _store_limited(a: _Lines, place: int) -> None:
    """Store r0 clipped to 0..32767."""
    above, below = a.new(), a.new()
    a("cmp(r0, 0)", f"bge({above})", "mov(r0, 0)")
    a.mark(above)
    a("mov(r1, 1)", "lsl(r1, r1, 15)", "sub(r1, 1)", "cmp(r0, r1)", f"ble({below})",
      "mov(r0, r1)")  # fmt: skip
    a.mark(below)
    a("ldr r6, [sp, #0]", f"str(r0, [r6, {4 * place}])")


def _quantise(a: _Lines, stage: Quantise, to: int) -> None:
    """r0 inputs, r1 mult, r2 half, r3 low byte, r4, r5 values, r6 z, r8 its end, r9 zero point."""
    loop = a.new()
    a("ldm r7!, {r1, r2, r3}", "mov(r9, r3)")
    _state(a, "r6", stage.source)
    a("mov(r0, r6)")
    a.advance("r0", stage.n + stage.n % 2)
    a("mov(r8, r0)", "mov(r0, r13)")
    a.advance("r0", to)
    a.mark(loop)
    a("ldm r6!, {r4, r5}")
    for value in ("r4", "r5"):
        fits = a.new()
        a(f"mul({value}, r1)", f"add({value}, {value}, r2)",
          f"asr({value}, {value}, {stage.shift})", f"add {value}, r9", f"sxtb r3, {value}",
          f"cmp(r3, {value})", f"beq({fits})",
          f"asr({value}, {value}, 31)", "mov(r3, 127)", f"eor({value}, r3)")  # fmt: skip
        a.mark(fits)
    a("lsl(r5, r5, 16)", "add(r4, r4, r5)", "stm r0!, {r4}", "cmp r6, r8", f"bcc({loop})")


def _dense(a: _Lines, stage: Dense, inputs: list[int], outputs: int) -> None:
    """r0..r3 weights of two outputs, r4 inputs, r5, r6 sums; r8 where outputs go, r9 their end."""
    one = a.new()
    passes = (stage.n_out + 1) // 2
    if stage.last:
        _state(a, "r0", outputs)
    else:
        a("mov(r0, r13)")
        a.advance("r0", inputs[1])
    a("mov(r8, r0)")
    a.advance("r0", passes * (1 + stage.last))
    a("mov(r9, r0)")
    a.mark(one)
    a("mov(r5, 0)", "mov(r6, 0)")
    for at in range(0, stage.words - 1, 2):
        x = 4 * (inputs[0] + at)
        a("ldm r7!, {r0, r1, r2, r3}", f"ldr r4, [sp, #{x}]", "mul(r0, r4)", "mul(r1, r4)",
          f"ldr r4, [sp, #{x + 4}]", "mul(r2, r4)", "mul(r3, r4)")  # fmt: skip
        for word, total in (("r0", "r5"), ("r1", "r6"), ("r2", "r5"), ("r3", "r6")):
            a(f"asr({word}, {word}, 16)", f"adc({total}, {word})")
    if stage.words % 2:
        a("ldm r7!, {r0, r1}", f"ldr r4, [sp, #{4 * (inputs[0] + stage.words - 1)}]",
          "mul(r0, r4)", "mul(r1, r4)", "asr(r0, r0, 16)", "adc(r5, r0)", "asr(r1, r1, 16)",
          "adc(r6, r1)")  # fmt: skip
    _requantise(a, stage, "r5")
    _requantise(a, stage, "r6")
    a("mov(r0, r8)")
    if stage.last:
        a("stm r0!, {r5, r6}")
    else:
        a("lsl(r6, r6, 16)", "add(r5, r5, r6)", "stm r0!, {r5}")
    a("mov(r8, r0)", "cmp r0, r9")
    a.again(one)


def _requantise(a: _Lines, stage: Dense, total: str) -> None:
    inside, done = a.new(), a.new()
    a("ldm r7!, {r0, r1, r2, r3, r4}", f"cmp({total}, r0)", f"bge({inside})", f"mov({total}, r0)")
    a.mark(inside)
    a(f"cmp({total}, r1)", f"ble({done})", f"mov({total}, r1)")
    a.mark(done)
    if stage.low_bits:
        a(f"mul(r3, {total})", f"asr(r3, r3, {stage.low_bits})", "add(r4, r4, r3)")
    a(f"mul({total}, r2)", f"add({total}, {total}, r4)", f"asr({total}, {total}, {SHIFT})")


def _head(a: _Lines, stage: Head, outputs: int) -> None:
    _state(a, "r6", outputs)
    if stage.kind == "classifier":
        _classifier(a, stage)
    elif stage.kind == "regressor":
        a("ldm r6!, {r0}", "ldm r7!, {r1, r2, r3, r4}", "sub(r0, r0, r3)", "mul(r0, r1)",
          "add(r0, r0, r2)", f"asr(r0, r0, {stage.shift})", "add(r0, r0, r4)")  # fmt: skip
        _store_limited(a, plans.SCORE)
    else:
        _autoencoder(a, stage)


def _classifier(a: _Lines, stage: Head) -> None:
    """r0 largest output, r1 its index, r2 largest of the faulty, r3 output, r5 the normal one."""
    faulty_seen = False
    for i in range(stage.n):
        a("ldm r6!, {r3}")
        if i == 0:
            a("mov(r0, r3)", "mov(r1, 0)")
        else:
            smaller = a.new()
            a("cmp(r3, r0)", f"ble({smaller})", "mov(r0, r3)", f"mov(r1, {i})")
            a.mark(smaller)
        if i == stage.normal:
            a("mov(r5, r3)")
        elif stage.normal >= 0:
            smaller = a.new()
            if faulty_seen:
                a("cmp(r3, r2)", f"ble({smaller})")
            a("mov(r2, r3)")
            a.mark(smaller)
            faulty_seen = True
    a("ldr r6, [sp, #0]", f"str(r1, [r6, {4 * plans.LABEL}])", "ldm r7!, {r1, r3}", "mov(r0, 0)")
    if stage.normal >= 0:
        a("sub(r0, r2, r5)", "mul(r0, r1)", "add(r0, r0, r3)", f"asr(r0, r0, {stage.shift})",
          "add(r0, 255)", "add(r0, 1)")  # fmt: skip
    _store_limited(a, plans.SCORE)


def _autoencoder(a: _Lines, stage: Head) -> None:
    """r0, r4 z, r1 mult, r2 end, r3, r6 outputs, r5 sum; r8 half, r9 -zero, r10, r11 limits."""
    loop = a.new()
    _constant_4095(a, "r10", "r11")
    a("ldm r7!, {r1, r2, r3, r4}", "mov(r8, r2)", "neg(r3, r3)", "mov(r9, r3)",
      "str r4, [sp, #8]", "mov(r2, r6)")  # fmt: skip
    a.advance("r2", stage.n)
    _state(a, "r0", stage.source)
    a("mov(r5, 0)")
    a.mark(loop)
    a("ldm r6!, {r3}", "add r3, r9", "mul(r3, r1)", "add r3, r8", f"asr(r3, r3, {stage.shift})")
    a.limit("r3", "r11", "r10")
    a("ldm r0!, {r4}", "sub(r3, r4, r3)", "mul(r3, r3)")
    if stage.distance_shift:
        a(f"lsr(r3, r3, {stage.distance_shift})")
    a("add(r5, r5, r3)", "cmp(r6, r2)", f"bcc({loop})", "mov(r0, r5)", "bl(ROOT)",
      "ldr r1, [sp, #8]", "mul(r0, r1)")  # fmt: skip
    _store_score(a, stage.edge_shift, plans.SCORE)


def _root(a: _Lines) -> None:
    """r0 = floor(sqrt(r0)), bit by bit; r1 root, r2 bit, r3 what is tried."""
    a.mark("ROOT")
    a("mov(r1, 0)", "mov(r2, 1)", "lsl(r2, r2, 30)")
    a.mark("BIT")
    a("mov(r3, r1)", "add(r3, r3, r2)", "lsr(r1, r1, 1)", "cmp(r0, r3)", "bcc(LESS)",
      "sub(r0, r0, r3)", "add(r1, r1, r2)")  # fmt: skip
    a.mark("LESS")
    a("lsr(r2, r2, 2)", "bne(BIT)", "mov(r0, r1)", "bx(r14)")
