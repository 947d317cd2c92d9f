# SPDX-License-Identifier: Apache-2.0
"""Other numbers of points in Thumb code, bit-exact with reference_parts.py.

Every line is one instruction; `data(2, ...)` is one that the assembler lacks, written in its
comment. README.md has the cycles.
"""

import micropython


def block_means(frame, count, out):
    _block_means(frame, count, out, len(out))


# r4 reads, r5 writes up to r10, r6 (i + 1) count, r7 where the block starts, r8 count, r9 blocks
@micropython.asm_thumb
def _block_means(r0, r1, r2, r3):
    mov(r4, r8)
    mov(r5, r9)
    mov(r6, r10)
    push({r4, r5, r6})
    mov(r4, r0)
    mov(r5, r2)
    mov(r8, r1)
    mov(r9, r3)
    lsl(r3, r3, 1)
    add(r3, r3, r2)
    mov(r10, r3)
    mov(r6, 0)
    mov(r7, 0)
    b(TEST)
    label(BLOCK)
    data(2, 0x4446)  # add r6, r8
    mov(r0, r6)
    mov(r1, r9)
    bl(DIVIDE)
    sub(r1, r0, r7)
    mov(r7, r0)
    ldrh(r0, [r4, 0])
    cmp(r1, 0)
    beq(STORE)
    # r1 width, r2 the sum
    mov(r2, 0)
    mov(r3, r1)
    label(SUM)
    ldrh(r0, [r4, 0])
    data(2, 0xB200)  # sxth r0, r0
    add(r2, r2, r0)
    add(r4, 2)
    sub(r3, 1)
    bne(SUM)
    # 2 sum + width + 2**17 width, so that the quotient is above 0
    lsl(r0, r2, 1)
    add(r0, r0, r1)
    lsl(r2, r1, 17)
    add(r0, r0, r2)
    lsl(r1, r1, 1)
    bl(DIVIDE)
    label(STORE)
    strh(r0, [r5, 0])
    add(r5, 2)
    label(TEST)
    data(2, 0x4555)  # cmp r5, r10
    bcc(BLOCK)
    pop({r4, r5, r6})
    mov(r8, r4)
    mov(r9, r5)
    mov(r10, r6)
    b(END)
    # r0 / r1 -> r0, remainder in r2; changes r3
    label(DIVIDE)
    mov(r2, 0)
    mov(r3, 32)
    label(BIT)
    add(r0, r0, r0)
    adc(r2, r2)
    cmp(r2, r1)
    bcc(LESS)
    sub(r2, r2, r1)
    add(r0, 1)
    label(LESS)
    sub(r3, 1)
    bne(BIT)
    bx(lr)
    label(END)


def resample(frame, count, out):
    _resample(frame, count - 1, out, len(out) - 1)


# r4 reads, r5 writes up to r7, r10 last; the place goes on by r8 bytes and r9 / last, r6 its rest.
# A last of 0 is divided by once: what comes out is not used.
@micropython.asm_thumb
def _resample(r0, r1, r2, r3):
    mov(r4, r8)
    mov(r5, r9)
    mov(r6, r10)
    push({r4, r5, r6})
    mov(r4, r0)
    mov(r5, r2)
    mov(r10, r3)
    lsl(r7, r3, 1)
    add(r7, r7, r2)
    mov(r0, r1)
    mov(r1, r3)
    bl(DIVIDE)
    mov(r9, r2)
    lsl(r0, r0, 1)
    mov(r8, r0)
    mov(r6, 0)
    label(POINT)
    ldrh(r0, [r4, 0])
    cmp(r6, 0)
    beq(STORE)
    lsl(r0, r6, 13)
    mov(r1, r10)
    bl(DIVIDE)
    ldrh(r1, [r4, 0])
    data(2, 0xB209)  # sxth r1, r1
    ldrh(r2, [r4, 2])
    data(2, 0xB212)  # sxth r2, r2
    sub(r2, r2, r1)
    mul(r2, r0)
    mov(r3, 1)
    lsl(r3, r3, 12)
    add(r2, r2, r3)
    asr(r2, r2, 13)
    add(r0, r1, r2)
    label(STORE)
    strh(r0, [r5, 0])
    add(r5, 2)
    data(2, 0x4444)  # add r4, r8
    data(2, 0x444E)  # add r6, r9
    mov(r1, r10)
    cmp(r6, r1)
    bcc(TEST)
    sub(r6, r6, r1)
    add(r4, 2)
    label(TEST)
    cmp(r7, r5)
    bcs(POINT)
    pop({r4, r5, r6})
    mov(r8, r4)
    mov(r9, r5)
    mov(r10, r6)
    b(END)
    # r0 / r1 -> r0, remainder in r2; changes r3
    label(DIVIDE)
    mov(r2, 0)
    mov(r3, 32)
    label(BIT)
    add(r0, r0, r0)
    adc(r2, r2)
    cmp(r2, r1)
    bcc(LESS)
    sub(r2, r2, r1)
    add(r0, 1)
    label(LESS)
    sub(r3, 1)
    bne(BIT)
    bx(lr)
    label(END)
