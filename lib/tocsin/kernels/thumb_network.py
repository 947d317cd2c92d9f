# SPDX-License-Identifier: Apache-2.0
"""int8 networks in Thumb code, bit-exact with reference_network.py.

Every line is one instruction; `data(2, ...)` is one that the assembler lacks, written in its
comment. Functions return 0 where the reference returns None. README.md has the cycles.
"""

import micropython


@micropython.asm_thumb
def quantize_s8(r0, r1, r2):
    # r3 end of z, r4 mult, r5 shift, r6 half of 1 << shift, r7 x
    mov(r4, 6)
    data(2, 0x5F0C)  # ldrsh r4, [r1, r4]
    mov(r12, r4)
    ldrh(r3, [r1, 0])
    lsl(r3, r3, 1)
    add(r3, r3, r0)
    ldrh(r4, [r1, 2])
    ldrh(r5, [r1, 4])
    mov(r6, 1)
    lsl(r6, r5)
    lsr(r6, r6, 1)
    b(TEST)
    label(VALUE)
    mov(r7, 0)
    data(2, 0x5FC7)  # ldrsh r7, [r0, r7]
    mul(r7, r4)
    add(r7, r7, r6)
    asr(r7, r5)
    data(2, 0x4467)  # add r7, r12
    add(r0, 2)
    # one that is not its own low byte is 127 or, by its sign, -128
    data(2, 0xB279)  # sxtb r1, r7
    cmp(r1, r7)
    beq(FITS)
    asr(r7, r7, 31)
    mov(r1, 127)
    eor(r1, r7)
    label(FITS)
    strb(r1, [r2, 0])
    add(r2, 1)
    label(TEST)
    cmp(r0, r3)
    bcc(VALUE)
    mov(r0, 0)


# Four outputs per pass over x. r0..r3 four inputs, r4 a word of weights, r5 product, r6 over x,
# r7 over w; r8..r11 sums, r12 bytes of a row, lr from the fourth row's word to the first's next.
# Stack: 0 x, 4 w, 8 params, 12 y, 16 end of x, 24 outputs left, 28 zero point, 32 and 36 limits,
# 40 what lr is.
@micropython.asm_thumb
def fc_s8(r0, r1, r2, r3):
    mov(r4, r8)
    mov(r5, r9)
    mov(r6, r10)
    mov(r7, r11)
    push({r4, r5, r6, r7})
    data(2, 0xB08B)  # sub sp, #44
    data(2, 0x9000)  # str r0, [sp, #0]
    data(2, 0x9101)  # str r1, [sp, #4]
    data(2, 0x9303)  # str r3, [sp, #12]
    ldr(r4, [r2, 0])
    data(2, 0x9405)  # str r4, [sp, #20]
    mov(r12, r4)
    add(r5, r0, r4)
    data(2, 0x9504)  # str r5, [sp, #16]
    lsl(r5, r4, 1)
    add(r5, r5, r4)
    mov(r6, 4)
    sub(r6, r6, r5)
    data(2, 0x960A)  # str r6, [sp, #40]
    ldr(r5, [r2, 8])
    data(2, 0x9507)  # str r5, [sp, #28]
    ldr(r5, [r2, 12])
    data(2, 0x9508)  # str r5, [sp, #32]
    ldr(r5, [r2, 16])
    data(2, 0x9509)  # str r5, [sp, #36]
    ldr(r5, [r2, 4])
    add(r2, 32)
    data(2, 0x9202)  # str r2, [sp, #8]
    mov(r7, r1)
    b(FOURS)
    # four outputs per pass: biases into the accumulators, x words in turn
    label(FOUR)
    data(2, 0x9506)  # str r5, [sp, #24]
    data(2, 0x9C02)  # ldr r4, [sp, #8]
    ldr(r0, [r4, 0])
    mov(r8, r0)
    ldr(r0, [r4, 16])
    mov(r9, r0)
    ldr(r0, [r4, 32])
    mov(r10, r0)
    ldr(r0, [r4, 48])
    mov(r11, r0)
    data(2, 0x980A)  # ldr r0, [sp, #40]
    mov(r14, r0)
    data(2, 0x9E00)  # ldr r6, [sp, #0]
    label(WORD)
    data(2, 0xCE08)  # ldm r6!, {r3}
    data(2, 0xB258)  # sxtb r0, r3
    lsl(r1, r3, 16)
    asr(r1, r1, 24)
    lsl(r2, r3, 8)
    asr(r2, r2, 24)
    asr(r3, r3, 24)
    # row 0
    ldr(r4, [r7, 0])
    data(2, 0x4467)  # add r7, r12
    data(2, 0xB265)  # sxtb r5, r4
    mul(r5, r0)
    data(2, 0x44A8)  # add r8, r5
    lsl(r5, r4, 16)
    asr(r5, r5, 24)
    mul(r5, r1)
    data(2, 0x44A8)  # add r8, r5
    lsl(r5, r4, 8)
    asr(r5, r5, 24)
    mul(r5, r2)
    data(2, 0x44A8)  # add r8, r5
    asr(r4, r4, 24)
    mul(r4, r3)
    data(2, 0x44A0)  # add r8, r4
    # row 1
    ldr(r4, [r7, 0])
    data(2, 0x4467)  # add r7, r12
    data(2, 0xB265)  # sxtb r5, r4
    mul(r5, r0)
    data(2, 0x44A9)  # add r9, r5
    lsl(r5, r4, 16)
    asr(r5, r5, 24)
    mul(r5, r1)
    data(2, 0x44A9)  # add r9, r5
    lsl(r5, r4, 8)
    asr(r5, r5, 24)
    mul(r5, r2)
    data(2, 0x44A9)  # add r9, r5
    asr(r4, r4, 24)
    mul(r4, r3)
    data(2, 0x44A1)  # add r9, r4
    # row 2
    ldr(r4, [r7, 0])
    data(2, 0x4467)  # add r7, r12
    data(2, 0xB265)  # sxtb r5, r4
    mul(r5, r0)
    data(2, 0x44AA)  # add r10, r5
    lsl(r5, r4, 16)
    asr(r5, r5, 24)
    mul(r5, r1)
    data(2, 0x44AA)  # add r10, r5
    lsl(r5, r4, 8)
    asr(r5, r5, 24)
    mul(r5, r2)
    data(2, 0x44AA)  # add r10, r5
    asr(r4, r4, 24)
    mul(r4, r3)
    data(2, 0x44A2)  # add r10, r4
    # row 3
    ldr(r4, [r7, 0])
    data(2, 0x4477)  # add r7, lr
    data(2, 0xB265)  # sxtb r5, r4
    mul(r5, r0)
    data(2, 0x44AB)  # add r11, r5
    lsl(r5, r4, 16)
    asr(r5, r5, 24)
    mul(r5, r1)
    data(2, 0x44AB)  # add r11, r5
    lsl(r5, r4, 8)
    asr(r5, r5, 24)
    mul(r5, r2)
    data(2, 0x44AB)  # add r11, r5
    asr(r4, r4, 24)
    mul(r4, r3)
    data(2, 0x44A3)  # add r11, r4
    data(2, 0x9C04)  # ldr r4, [sp, #16]
    cmp(r6, r4)
    bcc(WORD)
    # w now stands at the second of the four rows: on to the fifth
    data(2, 0x4467)  # add r7, r12
    data(2, 0x4467)  # add r7, r12
    data(2, 0x4467)  # add r7, r12
    data(2, 0x9701)  # str r7, [sp, #4]
    mov(r0, r8)
    bl(SCALE)
    mov(r0, r9)
    bl(SCALE)
    mov(r0, r10)
    bl(SCALE)
    mov(r0, r11)
    bl(SCALE)
    data(2, 0x9F01)  # ldr r7, [sp, #4]
    data(2, 0x9D06)  # ldr r5, [sp, #24]
    label(FOURS)
    sub(r5, 4)
    bcs(FOUR)
    add(r5, 4)
    beq(DONE)
    # what is left, one output per pass
    label(ONE)
    data(2, 0x9506)  # str r5, [sp, #24]
    data(2, 0x9C02)  # ldr r4, [sp, #8]
    ldr(r0, [r4, 0])
    mov(r8, r0)
    data(2, 0x9E00)  # ldr r6, [sp, #0]
    label(ALONE)
    data(2, 0xCE08)  # ldm r6!, {r3}
    data(2, 0xB258)  # sxtb r0, r3
    lsl(r1, r3, 16)
    asr(r1, r1, 24)
    lsl(r2, r3, 8)
    asr(r2, r2, 24)
    asr(r3, r3, 24)
    data(2, 0xCF10)  # ldm r7!, {r4}
    data(2, 0xB265)  # sxtb r5, r4
    mul(r5, r0)
    data(2, 0x44A8)  # add r8, r5
    lsl(r5, r4, 16)
    asr(r5, r5, 24)
    mul(r5, r1)
    data(2, 0x44A8)  # add r8, r5
    lsl(r5, r4, 8)
    asr(r5, r5, 24)
    mul(r5, r2)
    data(2, 0x44A8)  # add r8, r5
    asr(r4, r4, 24)
    mul(r4, r3)
    data(2, 0x44A0)  # add r8, r4
    data(2, 0x9C04)  # ldr r4, [sp, #16]
    cmp(r6, r4)
    bcc(ALONE)
    data(2, 0x9701)  # str r7, [sp, #4]
    mov(r0, r8)
    bl(SCALE)
    data(2, 0x9F01)  # ldr r7, [sp, #4]
    data(2, 0x9D06)  # ldr r5, [sp, #24]
    sub(r5, 1)
    bne(ONE)
    b(DONE)
    # store clamp(zero + r0 m 2**(shift - 31)): r2 bias, r3 m >> 16, r4 m & 0xffff, r5 shift
    label(SCALE)
    data(2, 0x9902)  # ldr r1, [sp, #8]
    data(2, 0xC93C)  # ldm r1!, {r2, r3, r4, r5}
    data(2, 0x9102)  # str r1, [sp, #8]
    cmp(r5, 0)
    ble(RIGHT)
    lsl(r0, r5)
    mov(r5, 0)
    label(RIGHT)
    lsl(r6, r0, 18)
    lsr(r6, r6, 18)
    asr(r0, r0, 14)
    mov(r7, r6)
    mul(r7, r4)
    lsr(r7, r7, 14)
    mul(r4, r0)
    add(r4, r4, r7)
    asr(r4, r4, 2)
    mul(r6, r3)
    add(r6, r6, r4)
    asr(r6, r6, 14)
    mul(r0, r3)
    add(r0, r0, r6)
    neg(r5, r5)
    mov(r7, 1)
    lsl(r7, r5)
    add(r0, r0, r7)
    add(r5, 1)
    asr(r0, r5)
    data(2, 0x9907)  # ldr r1, [sp, #28]
    add(r0, r0, r1)
    data(2, 0x9908)  # ldr r1, [sp, #32]
    cmp(r0, r1)
    blt(CLAMPED)
    data(2, 0x9909)  # ldr r1, [sp, #36]
    cmp(r0, r1)
    bgt(CLAMPED)
    mov(r1, r0)
    label(CLAMPED)
    data(2, 0x9A03)  # ldr r2, [sp, #12]
    strb(r1, [r2, 0])
    add(r2, 1)
    data(2, 0x9203)  # str r2, [sp, #12]
    bx(r14)
    label(DONE)
    data(2, 0xB00B)  # add sp, #44
    pop({r4, r5, r6, r7})
    mov(r8, r4)
    mov(r9, r5)
    mov(r10, r6)
    mov(r11, r7)
    mov(r0, 0)
