# SPDX-License-Identifier: Apache-2.0
"""The sum over a block of bytes in Thumb code, bit-exact with reference_check.py.

Every line is one instruction; `data(2, ...)` is one that the assembler lacks, written in its
comment. README.md has the cycles.
"""

import micropython


# r0 runs over the block, r4 sum, r6 27 to rotate right by; r12 its end, lr four words before it.
# Stack: 0 sums, 4 the sum to compare with.
@micropython.asm_thumb
def check_words(r0, r1, r2, r3):
    lsl(r3, r3, 2)
    add(r3, r3, r2)
    push({r2, r3})
    lsl(r1, r1, 2)
    add(r1, r1, r0)
    mov(r12, r1)
    sub(r1, 16)
    mov(r14, r1)
    mov(r4, 0)
    mov(r6, 27)
    b(FOURS)
    label(FOUR)
    data(2, 0xC8AC)  # ldm r0!, {r2, r3, r5, r7}
    ror(r4, r6)
    add(r4, r4, r2)
    ror(r4, r6)
    add(r4, r4, r3)
    ror(r4, r6)
    add(r4, r4, r5)
    ror(r4, r6)
    add(r4, r4, r7)
    label(FOURS)
    data(2, 0x4570)  # cmp r0, lr
    bls(FOUR)
    b(LEFT)
    label(ONE)
    data(2, 0xC804)  # ldm r0!, {r2}
    ror(r4, r6)
    add(r4, r4, r2)
    label(LEFT)
    data(2, 0x4560)  # cmp r0, r12
    bcc(ONE)
    pop({r2, r3})
    str(r4, [r2, 0])
    mov(r0, 0)
    ldr(r3, [r3, 0])
    cmp(r3, r4)
    beq(SAME)
    mov(r0, 1)
    label(SAME)
