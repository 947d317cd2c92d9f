# SPDX-License-Identifier: Apache-2.0
"""Single numbers and a copy in Thumb code, bit-exact with reference_numbers.py.

Every line is one instruction; `data(2, ...)` is one that the assembler lacks, written in its
comment. Functions return 0 where the reference returns None.
"""

import micropython


@micropython.asm_thumb
def widen(r0, r1, r2, r3):
    lsl(r3, r3, 2)
    add(r2, r2, r3)
    b(TEST)
    label(ONE)
    ldrh(r4, [r0, 0])
    data(2, 0xB224)  # sxth r4, r4
    str(r4, [r2, 0])
    add(r0, 2)
    add(r2, 4)
    label(TEST)
    sub(r1, 1)
    bpl(ONE)
    mov(r0, 0)


@micropython.asm_thumb
def isqrt(r0):
    mov(r1, 0)
    mov(r2, 1)
    lsl(r2, r2, 28)
    label(STEP)
    add(r3, r1, r2)
    lsr(r1, r1, 1)
    cmp(r0, r3)
    bcc(LESS)
    sub(r0, r0, r3)
    add(r1, r1, r2)
    label(LESS)
    lsr(r2, r2, 2)
    bne(STEP)
    mov(r0, r1)


@micropython.asm_thumb
def exp2_q8(r0):
    asr(r1, r0, 8)
    cmp(r1, 30)
    bge(MOST)
    # r2 points to 2**14 * 2**(i / 32), i = 0..32, which lies behind the call
    bl(BEHIND)
    data(2, 16384, 16743, 17109, 17484, 17867, 18258, 18658, 19066, 19484, 19911, 20347, 20792)
    data(2, 21247, 21713, 22188, 22674, 23170, 23678, 24196, 24726, 25268, 25821, 26386, 26964)
    data(2, 27554, 28158, 28774, 29405, 30048, 30706, 31379, 32066, 32768)
    label(BEHIND)
    mov(r2, r14)
    sub(r2, 1)
    lsl(r0, r0, 24)
    lsr(r3, r0, 27)
    lsl(r3, r3, 1)
    add(r2, r2, r3)
    lsl(r0, r0, 5)
    lsr(r0, r0, 29)
    ldrh(r3, [r2, 0])
    ldrh(r4, [r2, 2])
    sub(r4, r4, r3)
    mul(r0, r4)
    lsl(r3, r3, 3)
    add(r0, r0, r3)
    # 18 bits and a half, to be shifted right by 17 - n
    mov(r2, 16)
    sub(r2, r2, r1)
    bmi(UP)
    cmp(r2, 30)
    bge(NONE)
    lsr(r0, r2)
    add(r0, 1)
    lsr(r0, r0, 1)
    b(END)
    label(UP)
    mvn(r2, r2)
    lsl(r0, r2)
    b(END)
    label(MOST)
    mov(r0, 1)
    lsl(r0, r0, 30)
    sub(r0, 1)
    b(END)
    label(NONE)
    mov(r0, 0)
    label(END)
