# SPDX-License-Identifier: Apache-2.0
"""A plan as one assembler function for rv32imc and xtensawin, which have registers to spare.

The build step of `tools/native_abi.py` makes it callable on stock firmware. Both processors get
the same sequence of simple operations, written by `targets.py`. The layers' inputs lie behind the
plan's words in the state, the vector's address in its word VECTOR.
"""

from tools.codegen import plan as plans
from tools.codegen.plan import Dense, Head, Plan, Quantise, Rows, Vector
from tools.codegen.requantise import SHIFT, NotSpecialised
from tools.codegen.targets import (
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
    R11,
    TARGETS,
    S,
    T,
    Target,
)  # fmt: skip

VECTOR = 5
_MOST_INPUTS = 200  # a branch of RISC-V reaches 4 KB


def state_words(plan: Plan) -> int:
    """Words of the state array, the layers' inputs included."""
    return plan.used + 2 * plan.inputs


def function(plan: Plan, arch: str) -> str:
    """Source of `_run(vector, state, table)`. Raises NotSpecialised."""
    if 2 * plan.inputs > _MOST_INPUTS:
        raise NotSpecialised(f"a layer of more than {_MOST_INPUTS} inputs is long enough")
    a = TARGETS[arch]()
    a.store(R0, S, VECTOR)
    inputs = [plan.used, plan.used + plan.inputs]
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
    return a.function()


def _table(a: Target, *registers: int) -> None:
    """Take the next words of the table."""
    for i, register in enumerate(registers):
        a.load(register, T, i)
    a.advance(T, 4 * len(registers))


def _limits(a: Target, most: int, least: int) -> None:
    a.power(most, 12, 1)
    a.constant(least, 0)
    a.sub(least, least, most)


def _vector(a: Target, stage: Vector) -> None:
    """R0 features, R1 z, R2 its end, R3, R4 limits, R5 mult, R6 constant, R7 shift, R8 value."""
    loop = a.new()
    a.load(R0, S, VECTOR)
    a.address(R1, stage.out)
    a.address(R2, stage.out + stage.n)
    _limits(a, R3, R4)
    a.label(loop)
    a.half(R8, R0, 0)
    _table(a, R5, R6, R7)
    a.advance(R0, 2)
    a.mul(R8, R8, R5)
    a.add(R8, R8, R6)
    a.right_by(R8, R8, R7)
    a.limit(R8, R4, R3)
    a.store(R8, R1, 0)
    a.advance(R1, 4)
    a.again(R1, R2, loop)


def _rows(a: Target, stage: Rows) -> None:
    """R0 values, R1 their end, R2, R3 two of them, R4, R5 sums, R6, R7 products, R8 start of sums.

    Projection: R9 result, R10 its end. Clusters: R9 least, R10 best, R11 passes left.
    """
    row, block = a.new(), a.new()
    _start_of_rows(a, stage)
    a.label(row)
    a.address(R0, stage.source)
    a.move(R4, R8)
    a.move(R5, R8)
    looped = stage.pairs > plans.UNROLLED
    count = plans.BLOCK if looped else stage.pairs
    if looped:
        a.address(R1, stage.source + 2 * stage.pairs)
        a.label(block)
    for i in range(count):
        a.load(R2, R0, 2 * i)
        a.load(R3, R0, 2 * i + 1)
        for total, at in ((R4, 4 * i), (R5, 4 * i + 2)):
            a.half(R6, T, at)
            a.half(R7, T, at + 1)
            if stage.kind == "square":
                _square(a, R6, R2, stage.shift)
                _square(a, R7, R3, stage.shift)
            else:
                a.mul(R6, R6, R2)
                a.mul(R7, R7, R3)
            a.add(total, total, R6)
            a.add(total, total, R7)
    a.advance(T, 8 * count)
    if looped:
        a.advance(R0, 8 * count)
        a.again(R0, R1, block)
    if stage.kind == "project":
        _projected(a, stage)
        a.again(R9, R10, row)
    else:
        _compare(a, stage, R4)
        _compare(a, stage, R5)
        a.advance(R11, -1)
        a.constant(R0, 0)
        a.again(R0, R11, row)
        _near_score(a, stage)


def _square(a: Target, word: int, value: int, shift: int) -> None:
    a.sub(word, word, value)
    a.mul(word, word, word)
    a.right(word, word, shift)


def _start_of_rows(a: Target, stage: Rows) -> None:
    passes = (stage.rows + 1) // 2
    if stage.kind == "project":
        _table(a, R8)
        a.address(R9, stage.out)
        a.address(R10, stage.out + 2 * passes)
        return
    a.constant(R8, 0)
    if stage.kind == "dot":
        loop = a.new()
        a.address(R0, stage.source)
        a.address(R1, stage.source + 2 * stage.pairs)
        a.label(loop)
        a.load(R2, R0, 0)
        a.load(R3, R0, 1)
        a.advance(R0, 8)
        for value in (R2, R3):
            a.mul(value, value, value)
            a.add(R8, R8, value)
        a.again(R0, R1, loop)
    a.power(R9, 30, 1)
    a.constant(R10, 0)
    a.constant(R11, passes)


def _projected(a: Target, stage: Rows) -> None:
    _limits(a, R6, R7)
    for i, total in enumerate((R4, R5)):
        a.right(total, total, stage.shift)
        a.limit(total, R7, R6)
        a.store(total, R9, i)
    a.advance(R9, 8)


def _compare(a: Target, stage: Rows, total: int) -> None:
    """Weigh a cluster's distance and keep the first least one; R1 weight, R2 index."""
    farther = a.new()
    _table(a, R0, R1, R2)
    a.add(total, total, R0)
    if stage.weighted:
        a.right(R3, total, 14)
        a.left(R0, R3, 14)
        a.sub(R0, total, R0)
        a.mul(R3, R3, R1)
        a.mul(R0, R0, R1)
        a.right(R0, R0, 14)
        a.add(total, R3, R0)
    a.unless("bge", total, R9, farther)
    a.move(R9, total)
    a.move(R10, R2)
    a.label(farther)


def _near_score(a: Target, stage: Rows) -> None:
    a.store(R10, S, plans.BEST)
    a.move(R0, R9)
    _root(a)
    a.store(R0, S, plans.RAW)
    _table(a, R1)
    a.mul(R0, R0, R1)
    a.right(R0, R0, stage.score_shift)
    _store_limited(a, plans.NEAR)


def _store_limited(a: Target, place: int) -> None:
    """Store R0 clipped to 0..32767."""
    a.power(R1, 15, 1)
    a.constant(R2, 0)
    a.limit(R0, R2, R1)
    a.store(R0, S, place)


def _root(a: Target) -> None:
    """R0 = floor(sqrt(R0)), bit by bit; R1 root, R2 bit, R3 what is tried, R4 zero."""
    bit, less = a.new(), a.new()
    a.constant(R1, 0)
    a.constant(R4, 0)
    a.power(R2, 30)
    a.label(bit)
    a.add(R3, R1, R2)
    a.right(R1, R1, 1)
    a.unless("bltu", R0, R3, less)
    a.sub(R0, R0, R3)
    a.add(R1, R1, R2)
    a.label(less)
    a.right(R2, R2, 2)
    a.again(R4, R2, bit)
    a.move(R0, R1)


def _quantise(a: Target, stage: Quantise, to: int) -> None:
    """R0 z, R1 end, R2 inputs, R3 mult, R4 half, R5 zero point, R6, R7 values, R8, R9 limits."""
    loop = a.new()
    _table(a, R3, R4, R5)
    a.address(R0, stage.source)
    a.address(R1, stage.source + stage.n + stage.n % 2)
    a.address(R2, to)
    a.constant(R8, -128)
    a.constant(R9, 127)
    a.label(loop)
    a.load(R6, R0, 0)
    a.load(R7, R0, 1)
    a.advance(R0, 8)
    for value in (R6, R7):
        a.mul(value, value, R3)
        a.add(value, value, R4)
        a.right(value, value, stage.shift)
        a.add(value, value, R5)
        a.limit(value, R8, R9)
    a.left(R7, R7, 16)
    a.add(R6, R6, R7)
    a.store(R6, R2, 0)
    a.advance(R2, 4)
    a.again(R0, R1, loop)


def _dense(a: Target, stage: Dense, inputs: list[int], outputs: int) -> None:
    """R0 inputs, R1 half, R2 two inputs, R3, R4 weights, R5, R6 sums, R7 outputs, R8 their end."""
    one = a.new()
    passes = (stage.n_out + 1) // 2
    to = outputs if stage.last else inputs[1]
    a.address(R0, inputs[0])
    a.power(R1, 15)
    a.address(R7, to)
    a.address(R8, to + passes * (1 + stage.last))
    a.label(one)
    a.constant(R5, 0)
    a.constant(R6, 0)
    for i in range(stage.words):
        a.load(R2, R0, i)
        a.load(R3, T, 2 * i)
        a.load(R4, T, 2 * i + 1)
        for word, total in ((R3, R5), (R4, R6)):
            a.mul(word, word, R2)
            a.add(word, word, R1)
            a.right(word, word, 16)
            a.add(total, total, word)
    for total, at in ((R5, 2 * stage.words), (R6, 2 * stage.words + 5)):
        _requantise(a, stage, total, at)
    a.advance(T, 8 * stage.words + 40)
    if stage.last:
        a.store(R5, R7, 0)
        a.store(R6, R7, 1)
        a.advance(R7, 8)
    else:
        a.left(R6, R6, 16)
        a.add(R5, R5, R6)
        a.store(R5, R7, 0)
        a.advance(R7, 4)
    a.again(R7, R8, one)


def _requantise(a: Target, stage: Dense, total: int, at: int) -> None:
    """A sum of products into an int8 output; R2, R3, R4 words of the table from `at`."""
    a.load(R2, T, at)
    a.load(R3, T, at + 1)
    a.limit(total, R2, R3)
    a.load(R4, T, at + 4)
    if stage.low_bits:
        a.load(R3, T, at + 3)
        a.mul(R3, R3, total)
        a.right(R3, R3, stage.low_bits)
        a.add(R4, R4, R3)
    a.load(R2, T, at + 2)
    a.mul(total, total, R2)
    a.add(total, total, R4)
    a.right(total, total, SHIFT)


def _head(a: Target, stage: Head, outputs: int) -> None:
    if stage.kind == "classifier":
        _classifier(a, stage, outputs)
    elif stage.kind == "regressor":
        a.load(R0, S, outputs)
        _table(a, R1, R2, R3, R4)
        a.sub(R0, R0, R3)
        a.mul(R0, R0, R1)
        a.add(R0, R0, R2)
        a.right(R0, R0, stage.shift)
        a.add(R0, R0, R4)
        _store_limited(a, plans.SCORE)
    else:
        _autoencoder(a, stage, outputs)


def _classifier(a: Target, stage: Head, outputs: int) -> None:
    """R0 largest output, R1 its index, R2 largest of the faulty, R3 output, R5 the normal one."""
    a.address(R4, outputs)
    a.constant(R0, -129)
    a.constant(R2, -129)
    for i in range(stage.n):
        smaller, done = a.new(), a.new()
        a.load(R3, R4, i)
        a.unless("bge", R0, R3, smaller)
        a.move(R0, R3)
        a.constant(R1, i)
        a.label(smaller)
        if i == stage.normal:
            a.move(R5, R3)
        elif stage.normal >= 0:
            a.unless("bge", R2, R3, done)
            a.move(R2, R3)
            a.label(done)
    a.store(R1, S, plans.LABEL)
    a.constant(R0, 0)
    _table(a, R1, R3)
    if stage.normal >= 0:
        a.sub(R0, R2, R5)
        a.mul(R0, R0, R1)
        a.add(R0, R0, R3)
        a.right(R0, R0, stage.shift)
        a.advance(R0, 256)
    _store_limited(a, plans.SCORE)


def _autoencoder(a: Target, stage: Head, outputs: int) -> None:
    """R0 outputs, R1 end, R2 z, R3 mult, R4 half, R5 zero, R6 edge, R7, R8 limits, R9 sum."""
    loop = a.new()
    _table(a, R3, R4, R5, R6)
    a.address(R0, outputs)
    a.address(R1, outputs + stage.n)
    a.address(R2, stage.source)
    _limits(a, R7, R8)
    a.constant(R9, 0)
    a.label(loop)
    a.load(R10, R0, 0)
    a.sub(R10, R10, R5)
    a.mul(R10, R10, R3)
    a.add(R10, R10, R4)
    a.right(R10, R10, stage.shift)
    a.limit(R10, R8, R7)
    a.load(R11, R2, 0)
    a.sub(R10, R11, R10)
    a.mul(R10, R10, R10)
    a.right(R10, R10, stage.distance_shift)
    a.add(R9, R9, R10)
    a.advance(R0, 4)
    a.advance(R2, 4)
    a.again(R0, R1, loop)
    a.move(R0, R9)
    a.move(R5, R6)
    _root(a)
    a.mul(R0, R0, R5)
    a.right(R0, R0, stage.edge_shift)
    _store_limited(a, plans.SCORE)
