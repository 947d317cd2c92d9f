# SPDX-License-Identifier: Apache-2.0
"""The Teager-Kaiser envelope in Thumb code, bit-exact with reference_envelope.py.

Every line is one instruction; `data(2, ...)` is one that the assembler lacks, written in its
comment. Functions return 0 where the reference returns None. README.md has the cycles.
"""

import micropython


# In the inner loop: r0 runs over the frame, r1 16 - S, r2 before, r3 here, r4 after, r5 psi,
# r6 log2 of the decimation, r7 the block's total, r8 negC, r9 the block's end.
# Stack: 0 frame, 4 where out is written, 8 decimation, 12 blocks left, 16 shift, 20 out,
# 24 bytes of a block, 28 end of the frame, 36 exponent without the shift.
@micropython.asm_thumb
def teager(r0, r1, r2, r3):
    mov(r4, r8)
    mov(r5, r9)
    mov(r6, r10)
    mov(r7, r11)
    push({r4, r5, r6, r7})
    data(2, 0xB08A)  # sub sp, #40
    data(2, 0x9000)  # str r0, [sp, #0]
    data(2, 0x9102)  # str r1, [sp, #8]
    data(2, 0x9201)  # str r2, [sp, #4]
    data(2, 0x9205)  # str r2, [sp, #20]
    mov(r1, r3)
    # level: r4 sum, r5 min, r6 max - min; r0 runs to r8 by eights, then to r9
    mov(r10, r1)
    lsr(r2, r1, 3)
    lsl(r2, r2, 4)
    add(r2, r2, r0)
    mov(r8, r2)
    lsl(r2, r1, 1)
    add(r2, r2, r0)
    mov(r9, r2)
    mov(r4, 0)
    data(2, 0x5F05)  # ldrsh r5, [r0, r4]
    mov(r6, 0)
    b(LEVEL_TEST)
    label(LEVEL)
    data(2, 0xC806)  # ldm r0!, {r1, r2}
    data(2, 0xB20B)  # sxth r3, r1
    add(r4, r4, r3)
    sub(r7, r3, r5)
    cmp(r7, r6)
    bhi(WIDE_0)
    label(IN_0)
    asr(r3, r1, 16)
    add(r4, r4, r3)
    sub(r7, r3, r5)
    cmp(r7, r6)
    bhi(WIDE_1)
    label(IN_1)
    data(2, 0xB213)  # sxth r3, r2
    add(r4, r4, r3)
    sub(r7, r3, r5)
    cmp(r7, r6)
    bhi(WIDE_2)
    label(IN_2)
    asr(r3, r2, 16)
    add(r4, r4, r3)
    sub(r7, r3, r5)
    cmp(r7, r6)
    bhi(WIDE_3)
    label(IN_3)
    data(2, 0xC806)  # ldm r0!, {r1, r2}
    data(2, 0xB20B)  # sxth r3, r1
    add(r4, r4, r3)
    sub(r7, r3, r5)
    cmp(r7, r6)
    bhi(WIDE_4)
    label(IN_4)
    asr(r3, r1, 16)
    add(r4, r4, r3)
    sub(r7, r3, r5)
    cmp(r7, r6)
    bhi(WIDE_5)
    label(IN_5)
    data(2, 0xB213)  # sxth r3, r2
    add(r4, r4, r3)
    sub(r7, r3, r5)
    cmp(r7, r6)
    bhi(WIDE_6)
    label(IN_6)
    asr(r3, r2, 16)
    add(r4, r4, r3)
    sub(r7, r3, r5)
    cmp(r7, r6)
    bhi(WIDE_7)
    label(IN_7)
    label(LEVEL_TEST)
    data(2, 0x4540)  # cmp r0, r8
    bcc(LEVEL)
    b(LEVEL_TAIL)
    label(WIDE_0)
    bl(WIDEN)
    b(IN_0)
    label(WIDE_1)
    bl(WIDEN)
    b(IN_1)
    label(WIDE_2)
    bl(WIDEN)
    b(IN_2)
    label(WIDE_3)
    bl(WIDEN)
    b(IN_3)
    label(WIDE_4)
    bl(WIDEN)
    b(IN_4)
    label(WIDE_5)
    bl(WIDEN)
    b(IN_5)
    label(WIDE_6)
    bl(WIDEN)
    b(IN_6)
    label(WIDE_7)
    bl(WIDEN)
    b(IN_7)
    # a sample r3 outside: r7 = r3 - min, unsigned above max - min
    label(WIDEN)
    cmp(r3, r5)
    blt(LOWER)
    mov(r6, r7)
    bx(r14)
    label(LOWER)
    sub(r6, r6, r7)
    mov(r5, r3)
    bx(r14)
    label(LEVEL_NEXT)
    mov(r1, 0)
    data(2, 0x5E43)  # ldrsh r3, [r0, r1]
    add(r0, 2)
    add(r4, r4, r3)
    sub(r7, r3, r5)
    cmp(r7, r6)
    bls(LEVEL_TAIL)
    bl(WIDEN)
    label(LEVEL_TAIL)
    data(2, 0x4548)  # cmp r0, r9
    bcc(LEVEL_NEXT)
    # r2 = (sum / count + 2**15) in Q14, by long division of 30 bits
    mov(r1, r10)
    lsl(r0, r1, 15)
    add(r4, r4, r0)
    lsl(r1, r1, 16)
    mov(r2, 0)
    mov(r3, 10)
    label(DIVIDE)
    lsl(r4, r4, 1)
    cmp(r4, r1)
    bcc(DIGIT_0)
    sub(r4, r4, r1)
    label(DIGIT_0)
    adc(r2, r2)
    lsl(r4, r4, 1)
    cmp(r4, r1)
    bcc(DIGIT_1)
    sub(r4, r4, r1)
    label(DIGIT_1)
    adc(r2, r2)
    lsl(r4, r4, 1)
    cmp(r4, r1)
    bcc(DIGIT_2)
    sub(r4, r4, r1)
    label(DIGIT_2)
    adc(r2, r2)
    sub(r3, 1)
    bne(DIVIDE)
    # r0 mean, r1 its fraction in Q14
    lsr(r0, r2, 14)
    mov(r3, 1)
    lsl(r3, r3, 15)
    sub(r0, r0, r3)
    lsl(r1, r2, 18)
    lsr(r1, r1, 18)
    # r3 = p = max(max - mean, mean - min) + 1; r2 = S = s + 3 = 17 - bits of p + (p >> 14)
    sub(r2, r0, r5)
    add(r3, r5, r6)
    sub(r3, r3, r0)
    cmp(r3, r2)
    bge(PEAK)
    mov(r3, r2)
    label(PEAK)
    add(r3, 1)
    lsr(r2, r3, 14)
    add(r3, r3, r2)
    mov(r2, 17)
    label(BITS)
    sub(r2, 1)
    lsr(r3, r3, 1)
    bne(BITS)
    # negC = 4 - (fraction << S >> 14) - (mean << S): v = (x << S) + negC >> 3
    lsl(r1, r2)
    lsr(r1, r1, 14)
    lsl(r0, r2)
    add(r0, r0, r1)
    mov(r1, 4)
    sub(r0, r1, r0)
    mov(r8, r0)
    # exponent 6 - 2 S, plus the shift; r1 = 16 - S
    lsl(r3, r2, 1)
    mov(r1, 6)
    sub(r1, r1, r3)
    data(2, 0x9109)  # str r1, [sp, #36]
    mov(r1, 16)
    sub(r1, r1, r2)
    # r6 = drop = log2 decimation; count >> drop blocks of 2 * decimation bytes
    data(2, 0x9B02)  # ldr r3, [sp, #8]
    lsl(r4, r3, 1)
    data(2, 0x9406)  # str r4, [sp, #24]
    mov(r6, 0)
    b(DROPS)
    label(DROP)
    add(r6, 1)
    label(DROPS)
    lsr(r3, r3, 1)
    bne(DROP)
    mov(r3, r10)
    mov(r4, r3)
    lsr(r4, r6)
    data(2, 0x9403)  # str r4, [sp, #12]
    data(2, 0x9800)  # ldr r0, [sp, #0]
    lsl(r3, r3, 1)
    add(r3, r3, r0)
    data(2, 0x9307)  # str r3, [sp, #28]
    mov(r7, 0)
    data(2, 0x9704)  # str r7, [sp, #16]
    add(r3, r0, 2)
    mov(r9, r3)
    # before r2 = v[0], here r3 = v[1]; r0 on x[2]; psi[0] is 0
    ldrh(r2, [r0, 0])
    lsl(r2, r2, 16)
    asr(r2, r1)
    data(2, 0x4442)  # add r2, r8
    asr(r2, r2, 3)
    ldrh(r3, [r0, 2])
    lsl(r3, r3, 16)
    asr(r3, r1)
    data(2, 0x4443)  # add r3, r8
    asr(r3, r3, 3)
    add(r0, 4)
    data(2, 0x9D03)  # ldr r5, [sp, #12]
    cmp(r5, 0)
    beq(DONE)
    label(BLOCK)
    # ends where the next one begins, or before the last sample
    mov(r7, 0)
    data(2, 0x9C06)  # ldr r4, [sp, #24]
    data(2, 0x444C)  # add r4, r9
    mov(r9, r4)
    data(2, 0x9D07)  # ldr r5, [sp, #28]
    cmp(r4, r5)
    bls(SAMPLES)
    mov(r9, r5)
    b(SAMPLES)
    label(SAMPLE)
    ldrh(r4, [r0, 0])
    add(r0, 2)
    lsl(r4, r4, 16)
    asr(r4, r1)
    data(2, 0x4444)  # add r4, r8
    asr(r4, r4, 3)
    mov(r5, r3)
    mul(r5, r5)
    mul(r2, r4)
    sub(r5, r5, r2)
    asr(r5, r6)
    add(r7, r7, r5)
    mov(r2, r3)
    mov(r3, r4)
    label(SAMPLES)
    data(2, 0x4548)  # cmp r0, r9
    bcc(SAMPLE)
    # y = total >> shift; halve all before it until it fits 16 bits
    data(2, 0x9C04)  # ldr r4, [sp, #16]
    asr(r7, r4)
    label(FIT)
    data(2, 0xB23D)  # sxth r5, r7
    cmp(r5, r7)
    beq(FITS)
    asr(r7, r7, 1)
    add(r4, 1)
    data(2, 0x9404)  # str r4, [sp, #16]
    push({r0, r1})
    data(2, 0x9807)  # ldr r0, [sp, #28]
    data(2, 0x9903)  # ldr r1, [sp, #12]
    b(HALVES)
    label(HALVE)
    mov(r5, 0)
    data(2, 0x5F45)  # ldrsh r5, [r0, r5]
    asr(r5, r5, 1)
    strh(r5, [r0, 0])
    add(r0, 2)
    label(HALVES)
    cmp(r0, r1)
    bcc(HALVE)
    pop({r0, r1})
    b(FIT)
    label(FITS)
    data(2, 0x9C01)  # ldr r4, [sp, #4]
    strh(r7, [r4, 0])
    add(r4, 2)
    data(2, 0x9401)  # str r4, [sp, #4]
    data(2, 0x9C03)  # ldr r4, [sp, #12]
    sub(r4, 1)
    data(2, 0x9403)  # str r4, [sp, #12]
    bne(BLOCK)
    label(DONE)
    data(2, 0x9809)  # ldr r0, [sp, #36]
    data(2, 0x9904)  # ldr r1, [sp, #16]
    add(r0, r0, r1)
    data(2, 0xB00A)  # add sp, #40
    pop({r4, r5, r6, r7})
    mov(r8, r4)
    mov(r9, r5)
    mov(r10, r6)
    mov(r11, r7)
