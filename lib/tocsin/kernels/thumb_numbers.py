# SPDX-License-Identifier: Apache-2.0
"""A root and a copy in Thumb code, bit-exact with reference_numbers.py.

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
