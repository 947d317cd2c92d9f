# SPDX-License-Identifier: Apache-2.0
"""First pass of the FFT in Thumb code: mean, scale, window, butterflies without twiddles.

Every line is one instruction; `data(2, ...)` is one that the assembler lacks, written in its
comment. Functions return 0 where the reference returns None. README.md has the cycles.
"""

import micropython


# Equals _load2 and _load4 of reference_fft.py. work[n] receives the exponent, work[n + 1] the
# class e of the largest component: the least e >= 0 with |y| < PASS_LIMIT * 2**(e - 8).
# r0..r4, r7 compute, r5 s + 2, r6 writes; r8 frame, r9 window, r10 negC, r11 T1, r12 order,
# lr 8192. The order of radix 4 digits is its own inverse: points are written one after another
# and the frame is read in that order.
# Stack: 0 frame, 4 window, 8 plan, 12 work, 16 bytes to the next word of a butterfly, 20 end of
# work, 24 T2 = 2 T1 - 1, 28 PASS_LIMIT * 2**e, 32 e, 36 exponent, 40..52 sums of radix 4.
@micropython.asm_thumb
def load(r0, r1, r2, r3):
    mov(r4, r8)
    mov(r5, r9)
    mov(r6, r10)
    mov(r7, r11)
    push({r4, r5, r6, r7})
    data(2, 0xB08E)  # sub sp, #56
    data(2, 0x9000)  # str r0, [sp, #0]
    data(2, 0x9101)  # str r1, [sp, #4]
    data(2, 0x9202)  # str r2, [sp, #8]
    data(2, 0x9303)  # str r3, [sp, #12]
    ldrh(r1, [r2, 4])
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
    # without REMOVE_MEAN both are 0
    data(2, 0x9F02)  # ldr r7, [sp, #8]
    ldrh(r2, [r7, 6])
    lsl(r2, r2, 31)
    bmi(MEAN)
    mov(r0, 0)
    mov(r1, 0)
    label(MEAN)
    # r3 = max(max - mean, mean - min) + 1; r2 = s + 2 = 17 - its bits
    sub(r2, r0, r5)
    add(r3, r5, r6)
    sub(r3, r3, r0)
    cmp(r3, r2)
    bge(PEAK)
    mov(r3, r2)
    label(PEAK)
    add(r3, 1)
    mov(r2, 17)
    label(BITS)
    sub(r2, 1)
    lsr(r3, r3, 1)
    bne(BITS)
    # negC = 2 - (fraction << s + 2 >> 14) - (mean << s + 2)
    lsl(r1, r2)
    lsr(r1, r1, 14)
    lsl(r0, r2)
    add(r0, r0, r1)
    mov(r1, 2)
    sub(r0, r1, r0)
    mov(r10, r0)
    mov(r5, r2)
    # the class of the largest value: e = s + 8, T1 = ceil(PASS_LIMIT * 2**e / 256)
    data(2, 0x9800)  # ldr r0, [sp, #0]
    mov(r8, r0)
    data(2, 0x9801)  # ldr r0, [sp, #4]
    mov(r9, r0)
    mov(r0, 195)
    lsl(r0, r0, 6)
    data(2, 0x9007)  # str r0, [sp, #28]
    mov(r0, 0)
    data(2, 0x9008)  # str r0, [sp, #32]
    mov(r0, 49)
    mov(r11, r0)
    mov(r0, 97)
    data(2, 0x9006)  # str r0, [sp, #24]
    mov(r0, 1)
    lsl(r0, r0, 13)
    mov(r14, r0)
    # work + 4 n ends it; the other half of the frame is n bytes away, its quarter n / 2
    data(2, 0x9E03)  # ldr r6, [sp, #12]
    ldrh(r0, [r7, 0])
    lsl(r1, r0, 2)
    add(r1, r1, r6)
    data(2, 0x9105)  # str r1, [sp, #20]
    ldrh(r2, [r7, 12])
    lsl(r2, r2, 1)
    add(r2, r2, r7)
    ldrh(r1, [r7, 8])
    cmp(r1, 4)
    beq(FOURS)
    # radix 2: exponent 2 - s; order[i] lies at (p >> 3) + order
    data(2, 0x9004)  # str r0, [sp, #16]
    mov(r1, 2)
    sub(r1, r1, r5)
    data(2, 0x9109)  # str r1, [sp, #36]
    lsr(r1, r6, 3)
    sub(r2, r2, r1)
    mov(r12, r2)
    label(TWOS)
    lsr(r4, r6, 3)
    data(2, 0x4464)  # add r4, r12
    ldrh(r4, [r4, 0])
    # r0, r1: first word of two samples, windowed
    mov(r0, r8)
    data(2, 0x5901)  # ldr r1, [r0, r4]
    mov(r0, r9)
    data(2, 0x5902)  # ldr r2, [r0, r4]
    data(2, 0x9F04)  # ldr r7, [sp, #16]
    add(r7, r7, r4)
    data(2, 0xB208)  # sxth r0, r1
    lsl(r0, r5)
    data(2, 0x4450)  # add r0, r10
    asr(r0, r0, 2)
    data(2, 0xB214)  # sxth r4, r2
    mul(r0, r4)
    asr(r0, r0, 1)
    asr(r1, r1, 16)
    lsl(r1, r5)
    data(2, 0x4451)  # add r1, r10
    asr(r1, r1, 2)
    asr(r2, r2, 16)
    mul(r1, r2)
    asr(r1, r1, 1)
    data(2, 0x4470)  # add r0, lr
    data(2, 0x4471)  # add r1, lr
    # r2, r3: the word half a frame further on
    mov(r3, r8)
    data(2, 0x59DB)  # ldr r3, [r3, r7]
    mov(r2, r9)
    data(2, 0x59D7)  # ldr r7, [r2, r7]
    data(2, 0xB21A)  # sxth r2, r3
    lsl(r2, r5)
    data(2, 0x4452)  # add r2, r10
    asr(r2, r2, 2)
    data(2, 0xB23C)  # sxth r4, r7
    mul(r2, r4)
    asr(r2, r2, 1)
    asr(r3, r3, 16)
    lsl(r3, r5)
    data(2, 0x4453)  # add r3, r10
    asr(r3, r3, 2)
    asr(r7, r7, 16)
    mul(r3, r7)
    asr(r3, r3, 1)
    # sums and differences
    add(r4, r0, r2)
    sub(r2, r0, r2)
    add(r7, r1, r3)
    sub(r3, r1, r3)
    asr(r0, r4, 14)
    asr(r1, r7, 14)
    asr(r2, r2, 14)
    asr(r3, r3, 14)
    data(2, 0xC60F)  # stm r6!, {r0, r1, r2, r3}
    # largest value: y + T1 <= T2 unsigned, or the class goes up
    data(2, 0x9F06)  # ldr r7, [sp, #24]
    data(2, 0x4458)  # add r0, r11
    cmp(r0, r7)
    bhi(OVER_A0)
    label(FITS_A0)
    data(2, 0x4459)  # add r1, r11
    cmp(r1, r7)
    bhi(OVER_A1)
    label(FITS_A1)
    data(2, 0x445A)  # add r2, r11
    cmp(r2, r7)
    bhi(OVER_A2)
    label(FITS_A2)
    data(2, 0x445B)  # add r3, r11
    cmp(r3, r7)
    bhi(OVER_A3)
    label(FITS_A3)
    data(2, 0x9805)  # ldr r0, [sp, #20]
    cmp(r6, r0)
    bcc(TWOS)
    b(LOADED)
    label(OVER_A0)
    mov(r7, r0)
    bl(RAISE)
    b(FITS_A0)
    label(OVER_A1)
    mov(r7, r1)
    bl(RAISE)
    b(FITS_A1)
    label(OVER_A2)
    mov(r7, r2)
    bl(RAISE)
    b(FITS_A2)
    label(OVER_A3)
    mov(r7, r3)
    bl(RAISE)
    b(FITS_A3)
    # r7 = y + T1 is too large: raise e until |y| < T1; returns T2 in r7, keeps the rest
    label(RAISE)
    push({r0, r1, r2, lr})
    mov(r0, r11)
    sub(r7, r7, r0)
    asr(r0, r7, 31)
    eor(r7, r0)
    data(2, 0x990B)  # ldr r1, [sp, #44]
    data(2, 0x9A0C)  # ldr r2, [sp, #48]
    label(RAISED)
    add(r2, 1)
    lsl(r1, r1, 1)
    mov(r0, 255)
    add(r0, r0, r1)
    lsr(r0, r0, 8)
    cmp(r7, r0)
    bcs(RAISED)
    mov(r11, r0)
    lsl(r7, r0, 1)
    sub(r7, 1)
    data(2, 0x970A)  # str r7, [sp, #40]
    data(2, 0x910B)  # str r1, [sp, #44]
    data(2, 0x920C)  # str r2, [sp, #48]
    mov(r0, 1)
    lsl(r0, r0, 13)
    mov(r14, r0)
    pop({r0, r1, r2, pc})
    # radix 4: exponent 3 - s; order[i] lies at (p >> 4) + order
    label(FOURS)
    lsr(r0, r0, 1)
    data(2, 0x9004)  # str r0, [sp, #16]
    mov(r1, 3)
    sub(r1, r1, r5)
    data(2, 0x9109)  # str r1, [sp, #36]
    lsr(r1, r6, 4)
    sub(r2, r2, r1)
    mov(r12, r2)
    label(FOUR)
    lsr(r4, r6, 4)
    data(2, 0x4464)  # add r4, r12
    ldrh(r4, [r4, 0])
    lsr(r4, r4, 1)
    # a in r0, r1 and c in r2, r3
    data(2, 0x9F04)  # ldr r7, [sp, #16]
    lsl(r7, r7, 1)
    add(r7, r7, r4)
    mov(r0, r8)
    data(2, 0x5901)  # ldr r1, [r0, r4]
    mov(r0, r9)
    data(2, 0x5902)  # ldr r2, [r0, r4]
    data(2, 0xB208)  # sxth r0, r1
    lsl(r0, r5)
    data(2, 0x4450)  # add r0, r10
    asr(r0, r0, 2)
    data(2, 0xB214)  # sxth r4, r2
    mul(r0, r4)
    asr(r0, r0, 2)
    asr(r1, r1, 16)
    lsl(r1, r5)
    data(2, 0x4451)  # add r1, r10
    asr(r1, r1, 2)
    asr(r2, r2, 16)
    mul(r1, r2)
    asr(r1, r1, 2)
    data(2, 0x4470)  # add r0, lr
    data(2, 0x4471)  # add r1, lr
    mov(r3, r8)
    data(2, 0x59DB)  # ldr r3, [r3, r7]
    mov(r2, r9)
    data(2, 0x59D7)  # ldr r7, [r2, r7]
    data(2, 0xB21A)  # sxth r2, r3
    lsl(r2, r5)
    data(2, 0x4452)  # add r2, r10
    asr(r2, r2, 2)
    data(2, 0xB23C)  # sxth r4, r7
    mul(r2, r4)
    asr(r2, r2, 2)
    asr(r3, r3, 16)
    lsl(r3, r5)
    data(2, 0x4453)  # add r3, r10
    asr(r3, r3, 2)
    asr(r7, r7, 16)
    mul(r3, r7)
    asr(r3, r3, 2)
    # a + c and a - c wait on the stack
    add(r4, r0, r2)
    data(2, 0x940A)  # str r4, [sp, #40]
    sub(r0, r0, r2)
    data(2, 0x900C)  # str r0, [sp, #48]
    add(r4, r1, r3)
    data(2, 0x940B)  # str r4, [sp, #44]
    sub(r1, r1, r3)
    data(2, 0x910D)  # str r1, [sp, #52]
    # b in r0, r1 and d in r2, r3
    lsr(r4, r6, 4)
    data(2, 0x4464)  # add r4, r12
    ldrh(r4, [r4, 0])
    lsr(r4, r4, 1)
    data(2, 0x9F04)  # ldr r7, [sp, #16]
    add(r4, r4, r7)
    lsl(r7, r7, 1)
    add(r7, r7, r4)
    mov(r0, r8)
    data(2, 0x5901)  # ldr r1, [r0, r4]
    mov(r0, r9)
    data(2, 0x5902)  # ldr r2, [r0, r4]
    data(2, 0xB208)  # sxth r0, r1
    lsl(r0, r5)
    data(2, 0x4450)  # add r0, r10
    asr(r0, r0, 2)
    data(2, 0xB214)  # sxth r4, r2
    mul(r0, r4)
    asr(r0, r0, 2)
    asr(r1, r1, 16)
    lsl(r1, r5)
    data(2, 0x4451)  # add r1, r10
    asr(r1, r1, 2)
    asr(r2, r2, 16)
    mul(r1, r2)
    asr(r1, r1, 2)
    mov(r3, r8)
    data(2, 0x59DB)  # ldr r3, [r3, r7]
    mov(r2, r9)
    data(2, 0x59D7)  # ldr r7, [r2, r7]
    data(2, 0xB21A)  # sxth r2, r3
    lsl(r2, r5)
    data(2, 0x4452)  # add r2, r10
    asr(r2, r2, 2)
    data(2, 0xB23C)  # sxth r4, r7
    mul(r2, r4)
    asr(r2, r2, 2)
    asr(r3, r3, 16)
    lsl(r3, r5)
    data(2, 0x4453)  # add r3, r10
    asr(r3, r3, 2)
    asr(r7, r7, 16)
    mul(r3, r7)
    asr(r3, r3, 2)
    # b + d in r4, r7; b - d in r0, r1
    add(r4, r0, r2)
    sub(r0, r0, r2)
    add(r7, r1, r3)
    sub(r1, r1, r3)
    # outputs 0 in r2, r3 and 2 in r4, r7
    data(2, 0x9A0A)  # ldr r2, [sp, #40]
    sub(r4, r2, r4)
    lsl(r2, r2, 1)
    sub(r2, r2, r4)
    data(2, 0x9B0B)  # ldr r3, [sp, #44]
    sub(r7, r3, r7)
    lsl(r3, r3, 1)
    sub(r3, r3, r7)
    asr(r2, r2, 14)
    asr(r3, r3, 14)
    asr(r4, r4, 14)
    asr(r7, r7, 14)
    data(2, 0xC60C)  # stm r6!, {r2, r3}
    str(r4, [r6, 8])
    str(r7, [r6, 12])
    # outputs 1 in r4, r7 and 3 in r2, r3
    data(2, 0x9A0C)  # ldr r2, [sp, #48]
    add(r4, r2, r1)
    sub(r2, r2, r1)
    data(2, 0x9B0D)  # ldr r3, [sp, #52]
    sub(r7, r3, r0)
    add(r3, r3, r0)
    asr(r4, r4, 14)
    asr(r7, r7, 14)
    asr(r2, r2, 14)
    asr(r3, r3, 14)
    data(2, 0xC690)  # stm r6!, {r4, r7}
    add(r6, 8)
    data(2, 0xC60C)  # stm r6!, {r2, r3}
    # the eight once more, for the largest
    sub(r6, 32)
    data(2, 0xCE0F)  # ldm r6!, {r0, r1, r2, r3}
    data(2, 0x9F06)  # ldr r7, [sp, #24]
    data(2, 0x4458)  # add r0, r11
    cmp(r0, r7)
    bhi(OVER_B0)
    label(FITS_B0)
    data(2, 0x4459)  # add r1, r11
    cmp(r1, r7)
    bhi(OVER_B1)
    label(FITS_B1)
    data(2, 0x445A)  # add r2, r11
    cmp(r2, r7)
    bhi(OVER_B2)
    label(FITS_B2)
    data(2, 0x445B)  # add r3, r11
    cmp(r3, r7)
    bhi(OVER_B3)
    label(FITS_B3)
    data(2, 0xCE0F)  # ldm r6!, {r0, r1, r2, r3}
    data(2, 0x9F06)  # ldr r7, [sp, #24]
    data(2, 0x4458)  # add r0, r11
    cmp(r0, r7)
    bhi(OVER_C0)
    label(FITS_C0)
    data(2, 0x4459)  # add r1, r11
    cmp(r1, r7)
    bhi(OVER_C1)
    label(FITS_C1)
    data(2, 0x445A)  # add r2, r11
    cmp(r2, r7)
    bhi(OVER_C2)
    label(FITS_C2)
    data(2, 0x445B)  # add r3, r11
    cmp(r3, r7)
    bhi(OVER_C3)
    label(FITS_C3)
    data(2, 0x9805)  # ldr r0, [sp, #20]
    cmp(r6, r0)
    bcs(LOADED)
    b(FOUR)
    label(OVER_B0)
    mov(r7, r0)
    bl(RAISE)
    b(FITS_B0)
    label(OVER_B1)
    mov(r7, r1)
    bl(RAISE)
    b(FITS_B1)
    label(OVER_B2)
    mov(r7, r2)
    bl(RAISE)
    b(FITS_B2)
    label(OVER_B3)
    mov(r7, r3)
    bl(RAISE)
    b(FITS_B3)
    label(OVER_C0)
    mov(r7, r0)
    bl(RAISE)
    b(FITS_C0)
    label(OVER_C1)
    mov(r7, r1)
    bl(RAISE)
    b(FITS_C1)
    label(OVER_C2)
    mov(r7, r2)
    bl(RAISE)
    b(FITS_C2)
    label(OVER_C3)
    mov(r7, r3)
    bl(RAISE)
    b(FITS_C3)
    # exponent and class go to the two words behind the points
    label(LOADED)
    data(2, 0x9809)  # ldr r0, [sp, #36]
    str(r0, [r6, 0])
    data(2, 0x9808)  # ldr r0, [sp, #32]
    str(r0, [r6, 4])
    data(2, 0xB00E)  # add sp, #56
    pop({r4, r5, r6, r7})
    mov(r8, r4)
    mov(r9, r5)
    mov(r10, r6)
    mov(r11, r7)
    mov(r0, 0)
