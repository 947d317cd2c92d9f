# SPDX-License-Identifier: Apache-2.0
"""Taking interleaved channels apart in Thumb code, bit-exact with reference_time.py.

Every line is one instruction; `data(2, ...)` is one that the assembler lacks, written in its
comment. Functions return 0 where the reference returns None. README.md has the cycles.
"""

import micropython


# r0 reads, r3 writes, r1 its end less three samples, r2 bytes of a step
@micropython.asm_thumb
def deinterleave(r0, r1, r2, r3):
    lsl(r1, r1, 1)
    add(r0, r0, r1)
    ldrh(r4, [r2, 4])
    lsl(r4, r4, 1)
    add(r3, r3, r4)
    ldrh(r1, [r2, 2])
    lsl(r1, r1, 1)
    add(r1, r1, r3)
    ldrh(r2, [r2, 0])
    lsl(r2, r2, 1)
    sub(r1, 6)
    b(FOURS)
    label(FOUR)
    ldrh(r4, [r0, 0])
    add(r0, r0, r2)
    strh(r4, [r3, 0])
    ldrh(r4, [r0, 0])
    add(r0, r0, r2)
    strh(r4, [r3, 2])
    ldrh(r4, [r0, 0])
    add(r0, r0, r2)
    strh(r4, [r3, 4])
    ldrh(r4, [r0, 0])
    add(r0, r0, r2)
    strh(r4, [r3, 6])
    add(r3, 8)
    label(FOURS)
    cmp(r3, r1)
    bcc(FOUR)
    add(r1, 6)
    b(ONES)
    label(ONE)
    ldrh(r4, [r0, 0])
    add(r0, r0, r2)
    strh(r4, [r3, 0])
    add(r3, 2)
    label(ONES)
    cmp(r3, r1)
    bcc(ONE)
    mov(r0, 0)
