# SPDX-License-Identifier: Apache-2.0
"""Radix-4 passes of the FFT in Thumb code, as _radix4 of reference_fft.py.

Every line is one instruction; `data(2, ...)` is one that the assembler lacks, written in its
comment. Functions return 0 where the reference returns None. README.md has the cycles.
"""

import micropython


# passes(plan, work) takes the exponent from work[n] and the class of the largest component from
# work[n + 1], and leaves the exponent in work[n]. A butterfly's a, b, c, d are a step apart.
# r7 goes a, c, b, d and, storing, d, c, b, a; r0..r6 compute; r8 T1 (last pass: twiddles), r9 T2
# (last pass: end), r10 and r12 a + c, r11 from behind a point to the one before it, lr from behind
# a to c and from behind b to d.
# Stack: 0, 4, 8 twiddles, 12 shift, 16 rounding, 20 and 24 a - c, 28 to the next block, 32 end of
# work, 36 twiddle table, 40 q, 44 j, 48 work, 52 plan, 56 passes left, 60 limit * 2**e, 64 e,
# 68 exponent, 72 what lr is.
# A twiddle's product: re c + im s and im c - re s, both shifted by 2, from one word of s and c.
@micropython.asm_thumb
def passes(r0, r1):
    mov(r4, r8)
    mov(r5, r9)
    mov(r6, r10)
    mov(r7, r11)
    push({r4, r5, r6, r7})
    data(2, 0xB093)  # sub sp, #76
    data(2, 0x900D)  # str r0, [sp, #52]
    data(2, 0x910C)  # str r1, [sp, #48]
    ldrh(r2, [r0, 0])
    lsl(r2, r2, 2)
    add(r2, r2, r1)
    data(2, 0x9208)  # str r2, [sp, #32]
    ldr(r3, [r2, 0])
    data(2, 0x9311)  # str r3, [sp, #68]
    ldr(r3, [r2, 4])
    data(2, 0x9310)  # str r3, [sp, #64]
    ldrh(r3, [r0, 14])
    lsl(r3, r3, 1)
    add(r3, r3, r0)
    data(2, 0x9309)  # str r3, [sp, #36]
    ldrh(r3, [r0, 8])
    data(2, 0x930A)  # str r3, [sp, #40]
    ldrh(r3, [r0, 10])
    data(2, 0x930E)  # str r3, [sp, #56]
    label(PASS)
    # shift = e + 3, rounding half of it; the exponent grows by e - 8
    data(2, 0x9810)  # ldr r0, [sp, #64]
    data(2, 0x9911)  # ldr r1, [sp, #68]
    add(r1, r1, r0)
    sub(r1, 8)
    data(2, 0x9111)  # str r1, [sp, #68]
    add(r0, 3)
    data(2, 0x9003)  # str r0, [sp, #12]
    sub(r0, 1)
    mov(r1, 1)
    lsl(r1, r0)
    data(2, 0x9104)  # str r1, [sp, #16]
    # step = 8 q; skip = 2 step - 8; back = -(step + 8); next = 4 step - 8
    data(2, 0x980A)  # ldr r0, [sp, #40]
    lsl(r0, r0, 3)
    lsl(r1, r0, 1)
    sub(r1, 8)
    mov(r14, r1)
    data(2, 0x9112)  # str r1, [sp, #72]
    lsl(r1, r0, 2)
    sub(r1, 8)
    data(2, 0x9107)  # str r1, [sp, #28]
    add(r0, 8)
    neg(r0, r0)
    mov(r11, r0)
    data(2, 0x9F0C)  # ldr r7, [sp, #48]
    data(2, 0x980E)  # ldr r0, [sp, #56]
    sub(r0, 1)
    data(2, 0x900E)  # str r0, [sp, #56]
    bne(TRACKED)
    b(LAST)
    label(TRACKED)
    # limits of the next pass: 12480, or 17600 when it is the last one; e = 0
    cmp(r0, 1)
    beq(NEXT_IS_LAST)
    mov(r1, 195)
    lsl(r1, r1, 6)
    mov(r2, 49)
    b(LIMITED)
    label(NEXT_IS_LAST)
    mov(r1, 69)
    lsl(r1, r1, 8)
    sub(r1, 64)
    mov(r2, 69)
    label(LIMITED)
    data(2, 0x910F)  # str r1, [sp, #60]
    mov(r8, r2)
    lsl(r2, r2, 1)
    sub(r2, 1)
    mov(r9, r2)
    mov(r0, 0)
    data(2, 0x9010)  # str r0, [sp, #64]
    # j = 0: all twiddles are 1
    label(UNIT)
    # a in r0, r1; c in r6, r4
    data(2, 0xCF03)  # ldm r7!, {r0, r1}
    data(2, 0x4477)  # add r7, lr
    data(2, 0xCF0C)  # ldm r7!, {r2, r3}
    lsl(r6, r2, 11)
    lsl(r4, r3, 11)
    lsl(r0, r0, 11)
    lsl(r1, r1, 11)
    data(2, 0x9D04)  # ldr r5, [sp, #16]
    add(r0, r0, r5)
    add(r1, r1, r5)
    # a + c waits in sr, si, a - c on the stack
    add(r2, r0, r6)
    mov(r12, r2)
    add(r3, r1, r4)
    mov(r10, r3)
    sub(r0, r0, r6)
    data(2, 0x9005)  # str r0, [sp, #20]
    sub(r1, r1, r4)
    data(2, 0x9106)  # str r1, [sp, #24]
    # b in r4, r2; d in r6, r3
    data(2, 0x445F)  # add r7, r11
    data(2, 0xCF03)  # ldm r7!, {r0, r1}
    lsl(r4, r0, 11)
    lsl(r2, r1, 11)
    data(2, 0x4477)  # add r7, lr
    data(2, 0xCF03)  # ldm r7!, {r0, r1}
    lsl(r6, r0, 11)
    lsl(r3, r1, 11)
    # b + d in r0, r1; b - d in r4, r2
    add(r0, r4, r6)
    sub(r4, r4, r6)
    add(r1, r2, r3)
    sub(r2, r2, r3)
    # output 1 in r5, r6; output 3 in r2, r3
    data(2, 0x9B05)  # ldr r3, [sp, #20]
    add(r5, r3, r2)
    sub(r2, r3, r2)
    data(2, 0x9B06)  # ldr r3, [sp, #24]
    sub(r6, r3, r4)
    add(r3, r3, r4)
    data(2, 0x9C03)  # ldr r4, [sp, #12]
    asr(r2, r4)
    asr(r3, r4)
    sub(r7, 8)
    data(2, 0xC70C)  # stm r7!, {r2, r3}
    data(2, 0x4442)  # add r2, r8
    data(2, 0x454A)  # cmp r2, r9
    bhi(OVER_U0)
    label(FITS_U0)
    data(2, 0x4443)  # add r3, r8
    data(2, 0x454B)  # cmp r3, r9
    bhi(OVER_U1)
    label(FITS_U1)
    # output 2 in r2, r3; output 0 in r0, r1
    mov(r2, r12)
    sub(r2, r2, r0)
    data(2, 0x4460)  # add r0, r12
    mov(r3, r10)
    sub(r3, r3, r1)
    data(2, 0x4451)  # add r1, r10
    asr(r2, r4)
    asr(r3, r4)
    data(2, 0x445F)  # add r7, r11
    data(2, 0xC70C)  # stm r7!, {r2, r3}
    data(2, 0x4442)  # add r2, r8
    data(2, 0x454A)  # cmp r2, r9
    bhi(OVER_U2)
    label(FITS_U2)
    data(2, 0x4443)  # add r3, r8
    data(2, 0x454B)  # cmp r3, r9
    bhi(OVER_U3)
    label(FITS_U3)
    asr(r5, r4)
    asr(r6, r4)
    data(2, 0x445F)  # add r7, r11
    data(2, 0xC760)  # stm r7!, {r5, r6}
    data(2, 0x4445)  # add r5, r8
    data(2, 0x454D)  # cmp r5, r9
    bhi(OVER_U4)
    label(FITS_U4)
    data(2, 0x4446)  # add r6, r8
    data(2, 0x454E)  # cmp r6, r9
    bhi(OVER_U5)
    label(FITS_U5)
    asr(r0, r4)
    asr(r1, r4)
    data(2, 0x445F)  # add r7, r11
    data(2, 0xC703)  # stm r7!, {r0, r1}
    data(2, 0x4440)  # add r0, r8
    data(2, 0x4548)  # cmp r0, r9
    bhi(OVER_U6)
    label(FITS_U6)
    data(2, 0x4441)  # add r1, r8
    data(2, 0x4549)  # cmp r1, r9
    bhi(OVER_U7)
    label(FITS_U7)
    data(2, 0x9807)  # ldr r0, [sp, #28]
    data(2, 0x4407)  # add r7, r0
    data(2, 0x9808)  # ldr r0, [sp, #32]
    cmp(r7, r0)
    bcc(UNIT)
    b(UNITS)
    label(OVER_U0)
    mov(r4, r2)
    bl(RAISE)
    b(FITS_U0)
    label(OVER_U1)
    mov(r4, r3)
    bl(RAISE)
    b(FITS_U1)
    label(OVER_U2)
    mov(r4, r2)
    bl(RAISE)
    b(FITS_U2)
    label(OVER_U3)
    mov(r4, r3)
    bl(RAISE)
    b(FITS_U3)
    label(OVER_U4)
    mov(r4, r5)
    bl(RAISE)
    b(FITS_U4)
    label(OVER_U5)
    mov(r4, r6)
    bl(RAISE)
    b(FITS_U5)
    label(OVER_U6)
    mov(r4, r0)
    bl(RAISE)
    b(FITS_U6)
    label(OVER_U7)
    mov(r4, r1)
    bl(RAISE)
    b(FITS_U7)
    # r4 = y + T1 is too large: raise e until |y| < T1; returns the shift in r4, keeps the rest
    label(RAISE)
    push({r0, r1, r2, lr})
    mov(r0, r8)
    sub(r4, r4, r0)
    asr(r0, r4, 31)
    eor(r4, r0)
    data(2, 0x9913)  # ldr r1, [sp, #76]
    data(2, 0x9A14)  # ldr r2, [sp, #80]
    label(RAISED)
    add(r2, 1)
    lsl(r1, r1, 1)
    mov(r0, 255)
    add(r0, r0, r1)
    lsr(r0, r0, 8)
    cmp(r4, r0)
    bcs(RAISED)
    mov(r8, r0)
    lsl(r0, r0, 1)
    sub(r0, 1)
    mov(r9, r0)
    data(2, 0x9113)  # str r1, [sp, #76]
    data(2, 0x9214)  # str r2, [sp, #80]
    data(2, 0x9816)  # ldr r0, [sp, #88]
    mov(r14, r0)
    data(2, 0x9C07)  # ldr r4, [sp, #28]
    pop({r0, r1, r2, pc})
    label(UNITS)
    # j = 1 .. q - 1
    data(2, 0x9809)  # ldr r0, [sp, #36]
    add(r0, 12)
    data(2, 0x9009)  # str r0, [sp, #36]
    mov(r0, 1)
    data(2, 0x900B)  # str r0, [sp, #44]
    label(TWIDDLES)
    data(2, 0x9809)  # ldr r0, [sp, #36]
    data(2, 0xC80E)  # ldm r0!, {r1, r2, r3}
    data(2, 0x9009)  # str r0, [sp, #36]
    data(2, 0x9100)  # str r1, [sp, #0]
    data(2, 0x9201)  # str r2, [sp, #4]
    data(2, 0x9302)  # str r3, [sp, #8]
    data(2, 0x9F0C)  # ldr r7, [sp, #48]
    data(2, 0x980B)  # ldr r0, [sp, #44]
    lsl(r1, r0, 3)
    add(r7, r7, r1)
    add(r0, 1)
    data(2, 0x900B)  # str r0, [sp, #44]
    label(BLOCK)
    # a in r0, r1; c in r6, r4
    data(2, 0xCF03)  # ldm r7!, {r0, r1}
    data(2, 0x4477)  # add r7, lr
    data(2, 0xCF0C)  # ldm r7!, {r2, r3}
    data(2, 0x9C01)  # ldr r4, [sp, #4]
    asr(r5, r4, 16)
    data(2, 0xB224)  # sxth r4, r4
    mov(r6, r2)
    mul(r6, r4)
    mul(r2, r5)
    mul(r4, r3)
    mul(r5, r3)
    add(r6, r6, r5)
    sub(r4, r4, r2)
    asr(r6, r6, 2)
    asr(r4, r4, 2)
    lsl(r0, r0, 11)
    lsl(r1, r1, 11)
    data(2, 0x9D04)  # ldr r5, [sp, #16]
    add(r0, r0, r5)
    add(r1, r1, r5)
    # a + c waits in sr, si, a - c on the stack
    add(r2, r0, r6)
    mov(r12, r2)
    add(r3, r1, r4)
    mov(r10, r3)
    sub(r0, r0, r6)
    data(2, 0x9005)  # str r0, [sp, #20]
    sub(r1, r1, r4)
    data(2, 0x9106)  # str r1, [sp, #24]
    # b in r4, r2; d in r6, r3
    data(2, 0x445F)  # add r7, r11
    data(2, 0xCF03)  # ldm r7!, {r0, r1}
    data(2, 0x9A00)  # ldr r2, [sp, #0]
    asr(r3, r2, 16)
    data(2, 0xB212)  # sxth r2, r2
    mov(r4, r0)
    mul(r4, r2)
    mul(r0, r3)
    mul(r2, r1)
    mul(r3, r1)
    add(r4, r4, r3)
    sub(r2, r2, r0)
    asr(r4, r4, 2)
    asr(r2, r2, 2)
    data(2, 0x4477)  # add r7, lr
    data(2, 0xCF03)  # ldm r7!, {r0, r1}
    data(2, 0x9B02)  # ldr r3, [sp, #8]
    asr(r5, r3, 16)
    data(2, 0xB21B)  # sxth r3, r3
    mov(r6, r0)
    mul(r6, r3)
    mul(r0, r5)
    mul(r3, r1)
    mul(r5, r1)
    add(r6, r6, r5)
    sub(r3, r3, r0)
    asr(r6, r6, 2)
    asr(r3, r3, 2)
    # b + d in r0, r1; b - d in r4, r2
    add(r0, r4, r6)
    sub(r4, r4, r6)
    add(r1, r2, r3)
    sub(r2, r2, r3)
    # output 1 in r5, r6; output 3 in r2, r3
    data(2, 0x9B05)  # ldr r3, [sp, #20]
    add(r5, r3, r2)
    sub(r2, r3, r2)
    data(2, 0x9B06)  # ldr r3, [sp, #24]
    sub(r6, r3, r4)
    add(r3, r3, r4)
    data(2, 0x9C03)  # ldr r4, [sp, #12]
    asr(r2, r4)
    asr(r3, r4)
    sub(r7, 8)
    data(2, 0xC70C)  # stm r7!, {r2, r3}
    data(2, 0x4442)  # add r2, r8
    data(2, 0x454A)  # cmp r2, r9
    bhi(OVER_K0)
    label(FITS_K0)
    data(2, 0x4443)  # add r3, r8
    data(2, 0x454B)  # cmp r3, r9
    bhi(OVER_K1)
    label(FITS_K1)
    # output 2 in r2, r3; output 0 in r0, r1
    mov(r2, r12)
    sub(r2, r2, r0)
    data(2, 0x4460)  # add r0, r12
    mov(r3, r10)
    sub(r3, r3, r1)
    data(2, 0x4451)  # add r1, r10
    asr(r2, r4)
    asr(r3, r4)
    data(2, 0x445F)  # add r7, r11
    data(2, 0xC70C)  # stm r7!, {r2, r3}
    data(2, 0x4442)  # add r2, r8
    data(2, 0x454A)  # cmp r2, r9
    bhi(OVER_K2)
    label(FITS_K2)
    data(2, 0x4443)  # add r3, r8
    data(2, 0x454B)  # cmp r3, r9
    bhi(OVER_K3)
    label(FITS_K3)
    asr(r5, r4)
    asr(r6, r4)
    data(2, 0x445F)  # add r7, r11
    data(2, 0xC760)  # stm r7!, {r5, r6}
    data(2, 0x4445)  # add r5, r8
    data(2, 0x454D)  # cmp r5, r9
    bhi(OVER_K4)
    label(FITS_K4)
    data(2, 0x4446)  # add r6, r8
    data(2, 0x454E)  # cmp r6, r9
    bhi(OVER_K5)
    label(FITS_K5)
    asr(r0, r4)
    asr(r1, r4)
    data(2, 0x445F)  # add r7, r11
    data(2, 0xC703)  # stm r7!, {r0, r1}
    data(2, 0x4440)  # add r0, r8
    data(2, 0x4548)  # cmp r0, r9
    bhi(OVER_K6)
    label(FITS_K6)
    data(2, 0x4441)  # add r1, r8
    data(2, 0x4549)  # cmp r1, r9
    bhi(OVER_K7)
    label(FITS_K7)
    data(2, 0x9807)  # ldr r0, [sp, #28]
    data(2, 0x4407)  # add r7, r0
    data(2, 0x9808)  # ldr r0, [sp, #32]
    cmp(r7, r0)
    bcc(BLOCK)
    data(2, 0x980B)  # ldr r0, [sp, #44]
    data(2, 0x990A)  # ldr r1, [sp, #40]
    cmp(r0, r1)
    bcs(TRACKED_DONE)
    b(TWIDDLES)
    label(OVER_K0)
    mov(r4, r2)
    bl(RAISE)
    b(FITS_K0)
    label(OVER_K1)
    mov(r4, r3)
    bl(RAISE)
    b(FITS_K1)
    label(OVER_K2)
    mov(r4, r2)
    bl(RAISE)
    b(FITS_K2)
    label(OVER_K3)
    mov(r4, r3)
    bl(RAISE)
    b(FITS_K3)
    label(OVER_K4)
    mov(r4, r5)
    bl(RAISE)
    b(FITS_K4)
    label(OVER_K5)
    mov(r4, r6)
    bl(RAISE)
    b(FITS_K5)
    label(OVER_K6)
    mov(r4, r0)
    bl(RAISE)
    b(FITS_K6)
    label(OVER_K7)
    mov(r4, r1)
    bl(RAISE)
    b(FITS_K7)
    label(TRACKED_DONE)
    lsl(r1, r1, 2)
    data(2, 0x910A)  # str r1, [sp, #40]
    b(PASS)
    # the last pass: one block, every j its own twiddles, no limit to keep
    label(LAST)
    data(2, 0x9809)  # ldr r0, [sp, #36]
    mov(r8, r0)
    data(2, 0x980A)  # ldr r0, [sp, #40]
    lsl(r0, r0, 3)
    add(r0, r0, r7)
    mov(r9, r0)
    label(STREAM)
    # a in r0, r1; c in r6, r4
    data(2, 0xCF03)  # ldm r7!, {r0, r1}
    data(2, 0x4477)  # add r7, lr
    data(2, 0xCF0C)  # ldm r7!, {r2, r3}
    mov(r4, r8)
    ldr(r4, [r4, 4])
    asr(r5, r4, 16)
    data(2, 0xB224)  # sxth r4, r4
    mov(r6, r2)
    mul(r6, r4)
    mul(r2, r5)
    mul(r4, r3)
    mul(r5, r3)
    add(r6, r6, r5)
    sub(r4, r4, r2)
    asr(r6, r6, 2)
    asr(r4, r4, 2)
    lsl(r0, r0, 11)
    lsl(r1, r1, 11)
    data(2, 0x9D04)  # ldr r5, [sp, #16]
    add(r0, r0, r5)
    add(r1, r1, r5)
    # a + c waits in sr, si, a - c on the stack
    add(r2, r0, r6)
    mov(r12, r2)
    add(r3, r1, r4)
    mov(r10, r3)
    sub(r0, r0, r6)
    data(2, 0x9005)  # str r0, [sp, #20]
    sub(r1, r1, r4)
    data(2, 0x9106)  # str r1, [sp, #24]
    # b in r4, r2; d in r6, r3
    data(2, 0x445F)  # add r7, r11
    data(2, 0xCF03)  # ldm r7!, {r0, r1}
    mov(r2, r8)
    ldr(r2, [r2, 0])
    asr(r3, r2, 16)
    data(2, 0xB212)  # sxth r2, r2
    mov(r4, r0)
    mul(r4, r2)
    mul(r0, r3)
    mul(r2, r1)
    mul(r3, r1)
    add(r4, r4, r3)
    sub(r2, r2, r0)
    asr(r4, r4, 2)
    asr(r2, r2, 2)
    data(2, 0x4477)  # add r7, lr
    data(2, 0xCF03)  # ldm r7!, {r0, r1}
    mov(r3, r8)
    ldr(r3, [r3, 8])
    asr(r5, r3, 16)
    data(2, 0xB21B)  # sxth r3, r3
    mov(r6, r0)
    mul(r6, r3)
    mul(r0, r5)
    mul(r3, r1)
    mul(r5, r1)
    add(r6, r6, r5)
    sub(r3, r3, r0)
    asr(r6, r6, 2)
    asr(r3, r3, 2)
    # b + d in r0, r1; b - d in r4, r2
    add(r0, r4, r6)
    sub(r4, r4, r6)
    add(r1, r2, r3)
    sub(r2, r2, r3)
    # output 1 in r5, r6; output 3 in r2, r3
    data(2, 0x9B05)  # ldr r3, [sp, #20]
    add(r5, r3, r2)
    sub(r2, r3, r2)
    data(2, 0x9B06)  # ldr r3, [sp, #24]
    sub(r6, r3, r4)
    add(r3, r3, r4)
    data(2, 0x9C03)  # ldr r4, [sp, #12]
    asr(r2, r4)
    asr(r3, r4)
    sub(r7, 8)
    data(2, 0xC70C)  # stm r7!, {r2, r3}
    # output 2 in r2, r3; output 0 in r0, r1
    mov(r2, r12)
    sub(r2, r2, r0)
    data(2, 0x4460)  # add r0, r12
    mov(r3, r10)
    sub(r3, r3, r1)
    data(2, 0x4451)  # add r1, r10
    asr(r2, r4)
    asr(r3, r4)
    data(2, 0x445F)  # add r7, r11
    data(2, 0xC70C)  # stm r7!, {r2, r3}
    asr(r5, r4)
    asr(r6, r4)
    data(2, 0x445F)  # add r7, r11
    data(2, 0xC760)  # stm r7!, {r5, r6}
    asr(r0, r4)
    asr(r1, r4)
    data(2, 0x445F)  # add r7, r11
    data(2, 0xC703)  # stm r7!, {r0, r1}
    mov(r0, 12)
    data(2, 0x4480)  # add r8, r0
    data(2, 0x454F)  # cmp r7, r9
    bcc(STREAM)
    data(2, 0x9811)  # ldr r0, [sp, #68]
    data(2, 0x9908)  # ldr r1, [sp, #32]
    str(r0, [r1, 0])
    data(2, 0xB013)  # add sp, #76
    pop({r4, r5, r6, r7})
    mov(r8, r4)
    mov(r9, r5)
    mov(r10, r6)
    mov(r11, r7)
    mov(r0, 0)
