# SPDX-License-Identifier: Apache-2.0
"""What reads a power spectrum in Thumb code, bit-exact with reference_spectral.py.

Every line is one instruction; `data(2, ...)` is one that the assembler lacks, written in its
comment. Functions return 0 where the reference returns None. README.md has the cycles.
"""

import micropython


# Stack: 0 work, 4 edges, 8 offset, 12 out, 16 bands left; registers in the text.
@micropython.asm_thumb
def band_log2(r0, r1, r2, r3):
    mov(r4, r8)
    mov(r5, r9)
    mov(r6, r10)
    mov(r7, r11)
    push({r4, r5, r6, r7})
    data(2, 0xB085)  # sub sp, #20
    data(2, 0x9000)  # str r0, [sp, #0]
    data(2, 0x9202)  # str r2, [sp, #8]
    data(2, 0x9303)  # str r3, [sp, #12]
    ldrh(r4, [r1, 0])
    add(r1, 2)
    data(2, 0x9101)  # str r1, [sp, #4]
    data(2, 0x9404)  # str r4, [sp, #16]
    # r9 points to 2**14 log2(1 + i / 32), i = 0..32, which lies behind the call
    bl(BEHIND)
    data(2, 0, 727, 1433, 2118, 2784, 3432, 4062, 4676, 5274, 5858, 6428, 6984, 7527, 8059)
    data(2, 8578, 9086, 9584, 10071, 10549, 11017, 11476, 11926, 12368, 12802, 13228, 13646)
    data(2, 14057, 14461, 14858, 15249, 15634, 16012, 16384)
    label(BEHIND)
    mov(r0, r14)
    sub(r0, 1)
    mov(r9, r0)
    b(BANDS)
    label(BAND)
    sub(r4, 1)
    data(2, 0x9404)  # str r4, [sp, #16]
    data(2, 0x9B01)  # ldr r3, [sp, #4]
    ldrh(r0, [r3, 0])
    ldrh(r1, [r3, 2])
    add(r3, 4)
    data(2, 0x9301)  # str r3, [sp, #4]
    # r0 runs over the powers, by fours to r12, then to r8; the sum is r2 * 2**32 + r1
    sub(r2, r1, r0)
    lsl(r0, r0, 2)
    lsl(r1, r1, 2)
    data(2, 0x9B00)  # ldr r3, [sp, #0]
    add(r0, r0, r3)
    add(r1, r1, r3)
    mov(r8, r1)
    lsr(r2, r2, 2)
    lsl(r2, r2, 4)
    add(r2, r2, r0)
    mov(r12, r2)
    mov(r7, 0)
    mov(r1, 0)
    mov(r2, 0)
    b(FOURS)
    label(FOUR)
    data(2, 0xC878)  # ldm r0!, {r3, r4, r5, r6}
    add(r3, r3, r4)
    add(r3, r3, r5)
    add(r3, r3, r6)
    add(r1, r1, r3)
    adc(r2, r7)
    label(FOURS)
    data(2, 0x4560)  # cmp r0, r12
    bcc(FOUR)
    b(ONES)
    label(ONE)
    data(2, 0xC808)  # ldm r0!, {r3}
    add(r1, r1, r3)
    adc(r2, r7)
    label(ONES)
    data(2, 0x4540)  # cmp r0, r8
    bcc(ONE)
    # r1 = the leading 32 bits, r5 = the place of the first, 31 + bits of r2
    mov(r5, 31)
    mov(r6, 32)
    add(r3, r2, 0)
    beq(SMALL)
    label(TALL)
    add(r5, 1)
    sub(r6, 1)
    lsr(r3, r3, 1)
    bne(TALL)
    lsl(r2, r6)
    neg(r6, r6)
    add(r6, 32)
    lsr(r1, r6)
    orr(r1, r2)
    label(SMALL)
    cmp(r1, 0)
    beq(STORE)
    lsr(r3, r1, 16)
    bne(AT_16)
    lsl(r1, r1, 16)
    sub(r5, 16)
    label(AT_16)
    lsr(r3, r1, 24)
    bne(AT_8)
    lsl(r1, r1, 8)
    sub(r5, 8)
    label(AT_8)
    lsr(r3, r1, 28)
    bne(AT_4)
    lsl(r1, r1, 4)
    sub(r5, 4)
    label(AT_4)
    lsr(r3, r1, 30)
    bne(AT_2)
    lsl(r1, r1, 2)
    sub(r5, 2)
    label(AT_2)
    lsr(r3, r1, 31)
    bne(AT_1)
    lsl(r1, r1, 1)
    sub(r5, 1)
    label(AT_1)
    # y = 256 r5 + interpolated table at the 15 bits after the first
    lsl(r1, r1, 1)
    lsr(r2, r1, 27)
    lsl(r1, r1, 5)
    lsr(r1, r1, 22)
    lsl(r2, r2, 1)
    data(2, 0x444A)  # add r2, r9
    ldrh(r3, [r2, 0])
    ldrh(r4, [r2, 2])
    sub(r4, r4, r3)
    mul(r4, r1)
    lsr(r4, r4, 10)
    add(r3, r3, r4)
    add(r3, 32)
    lsr(r3, r3, 6)
    lsl(r1, r5, 8)
    add(r1, r1, r3)
    data(2, 0x9B02)  # ldr r3, [sp, #8]
    add(r1, r1, r3)
    bpl(POSITIVE)
    mov(r1, 0)
    label(POSITIVE)
    lsr(r3, r1, 15)
    beq(STORE)
    mov(r1, 1)
    lsl(r1, r1, 15)
    sub(r1, 1)
    label(STORE)
    data(2, 0x9B03)  # ldr r3, [sp, #12]
    strh(r1, [r3, 0])
    add(r3, 2)
    data(2, 0x9303)  # str r3, [sp, #12]
    data(2, 0x9C04)  # ldr r4, [sp, #16]
    label(BANDS)
    cmp(r4, 0)
    beq(DONE)
    b(BAND)
    label(DONE)
    data(2, 0xB005)  # add sp, #20
    pop({r4, r5, r6, r7})
    mov(r8, r4)
    mov(r9, r5)
    mov(r10, r6)
    mov(r11, r7)
    mov(r0, 0)


@micropython.asm_thumb
def peak_bin(r0, r1, r2):
    # peak_bin(work, lo, hi): r3 best, r4 most, r5 p
    lsl(r4, r1, 2)
    add(r0, r0, r4)
    mov(r3, r1)
    mov(r4, 0)
    b(TEST)
    label(NEXT)
    data(2, 0xC820)  # ldm r0!, {r5}
    cmp(r5, r4)
    ble(LESS)
    mov(r4, r5)
    mov(r3, r1)
    label(LESS)
    add(r1, 1)
    label(TEST)
    cmp(r1, r2)
    blt(NEXT)
    mov(r0, r3)
