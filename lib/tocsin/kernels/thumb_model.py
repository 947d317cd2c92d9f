# SPDX-License-Identifier: Apache-2.0
"""Scaling, projection and k-means distances in Thumb code, bit-exact with reference_model.py.

Every line is one instruction; `data(2, ...)` is one that the assembler lacks, written in its
comment. Functions return 0 where the reference returns None. README.md has the cycles.
"""

import micropython


# r0 runs over the features, r1 over the parameters, r2 over z
@micropython.asm_thumb
def scale(r0, r1, r2):
    # r3 z's end, r4 the value
    ldrh(r3, [r1, 0])
    add(r1, 2)
    lsl(r3, r3, 1)
    add(r3, r3, r2)
    b(TEST)
    label(FEATURE)
    mov(r7, 0)
    data(2, 0x5FC4)  # ldrsh r4, [r0, r7]
    data(2, 0x5FCD)  # ldrsh r5, [r1, r7]
    sub(r4, r4, r5)
    mov(r7, 2)
    data(2, 0x5FCD)  # ldrsh r5, [r1, r7]
    mul(r4, r5)
    ldrh(r5, [r1, 4])
    # half of 1 << shift, 0 for shift 0
    mov(r6, 1)
    lsl(r6, r5)
    lsr(r6, r6, 1)
    add(r4, r4, r6)
    asr(r4, r5)
    # r6 = 4095, r5 = -4095
    mov(r6, 1)
    lsl(r6, r6, 12)
    sub(r6, 1)
    cmp(r4, r6)
    ble(BELOW)
    mov(r4, r6)
    label(BELOW)
    neg(r5, r6)
    cmp(r4, r5)
    bge(ABOVE)
    mov(r4, r5)
    label(ABOVE)
    strh(r4, [r2, 0])
    add(r0, 2)
    add(r1, 6)
    add(r2, 2)
    label(TEST)
    cmp(r2, r3)
    bcc(FEATURE)
    mov(r0, 0)


@micropython.asm_thumb
def matvec(r0, r1, r2, r3):
    mov(r4, r8)
    mov(r5, r9)
    mov(r6, r10)
    mov(r7, r11)
    push({r4, r5, r6, r7})
    # r8 bytes of a row, r9 rounding, r10 shift, r11 rows left, r12 u; r6 = 4095, r5 = -4095
    mov(r12, r3)
    ldrh(r4, [r2, 0])
    mov(r11, r4)
    ldrh(r5, [r2, 4])
    mov(r10, r5)
    mov(r6, 1)
    lsl(r6, r5)
    lsr(r6, r6, 1)
    mov(r9, r6)
    ldrh(r2, [r2, 2])
    lsl(r2, r2, 1)
    mov(r8, r2)
    mov(r6, 1)
    lsl(r6, r6, 12)
    sub(r6, 1)
    neg(r5, r6)
    b(ROWS)
    # r0 z, r1 the row, r2 offset in both, r7 sum
    label(ROW)
    sub(r4, 1)
    mov(r11, r4)
    mov(r7, r9)
    mov(r2, 0)
    b(COLUMNS)
    label(COLUMN)
    data(2, 0x5E83)  # ldrsh r3, [r0, r2]
    data(2, 0x5E8C)  # ldrsh r4, [r1, r2]
    mul(r3, r4)
    add(r7, r7, r3)
    add(r2, 2)
    label(COLUMNS)
    data(2, 0x4542)  # cmp r2, r8
    bcc(COLUMN)
    data(2, 0x4441)  # add r1, r8
    mov(r3, r10)
    asr(r7, r3)
    cmp(r7, r6)
    ble(BELOW)
    mov(r7, r6)
    label(BELOW)
    cmp(r7, r5)
    bge(ABOVE)
    mov(r7, r5)
    label(ABOVE)
    mov(r3, r12)
    strh(r7, [r3, 0])
    add(r3, 2)
    mov(r12, r3)
    label(ROWS)
    mov(r4, r11)
    cmp(r4, 0)
    bne(ROW)
    pop({r4, r5, r6, r7})
    mov(r8, r4)
    mov(r9, r5)
    mov(r10, r6)
    mov(r11, r7)
    mov(r0, 0)


# Stack: 0 z, 4 weights, 8 clusters, 12 distances, 16 least, 20 best, 24 index.
@micropython.asm_thumb
def kmeans(r0, r1, r2, r3):
    mov(r4, r8)
    mov(r5, r9)
    mov(r6, r10)
    mov(r7, r11)
    push({r4, r5, r6, r7})
    data(2, 0xB087)  # sub sp, #28
    # r8 bytes of a vector, r9 its end in z by fours, r10 its end, r11 whether words will do
    data(2, 0x9000)  # str r0, [sp, #0]
    data(2, 0x9303)  # str r3, [sp, #12]
    ldr(r4, [r2, 0])
    data(2, 0x9402)  # str r4, [sp, #8]
    ldr(r5, [r2, 4])
    lsl(r5, r5, 1)
    mov(r8, r5)
    ldr(r6, [r2, 8])
    add(r2, 16)
    data(2, 0x9201)  # str r2, [sp, #4]
    lsr(r3, r5, 3)
    lsl(r3, r3, 3)
    add(r3, r3, r0)
    mov(r9, r3)
    add(r3, r5, r0)
    mov(r10, r3)
    mov(r3, r0)
    orr(r3, r1)
    orr(r3, r5)
    lsl(r3, r3, 30)
    mov(r11, r3)
    mov(r3, 0)
    data(2, 0x9306)  # str r3, [sp, #24]
    data(2, 0x9305)  # str r3, [sp, #20]
    mvn(r3, r3)
    lsr(r3, r3, 2)
    data(2, 0x9304)  # str r3, [sp, #16]
    label(CLUSTER)
    # r12 total; r0 in z, r1 in the centroids
    data(2, 0x9800)  # ldr r0, [sp, #0]
    mov(r2, 0)
    mov(r12, r2)
    mov(r3, r11)
    cmp(r3, 0)
    bne(HALVES)
    b(FOURS)
    # four differences: the low halves of two words at once, then the high ones
    label(FOUR)
    data(2, 0xC818)  # ldm r0!, {r3, r4}
    data(2, 0xC9A0)  # ldm r1!, {r5, r7}
    sub(r2, r3, r5)
    data(2, 0xB212)  # sxth r2, r2
    asr(r3, r3, 16)
    asr(r5, r5, 16)
    sub(r3, r3, r5)
    mul(r3, r3)
    lsr(r3, r6)
    data(2, 0x449C)  # add r12, r3
    mul(r2, r2)
    lsr(r2, r6)
    data(2, 0x4494)  # add r12, r2
    sub(r2, r4, r7)
    data(2, 0xB212)  # sxth r2, r2
    asr(r4, r4, 16)
    asr(r7, r7, 16)
    sub(r4, r4, r7)
    mul(r4, r4)
    lsr(r4, r6)
    data(2, 0x44A4)  # add r12, r4
    mul(r2, r2)
    lsr(r2, r6)
    data(2, 0x4494)  # add r12, r2
    label(FOURS)
    data(2, 0x4548)  # cmp r0, r9
    bcc(FOUR)
    data(2, 0x4550)  # cmp r0, r10
    beq(TOTAL)
    data(2, 0xC808)  # ldm r0!, {r3}
    data(2, 0xC920)  # ldm r1!, {r5}
    sub(r2, r3, r5)
    data(2, 0xB212)  # sxth r2, r2
    asr(r3, r3, 16)
    asr(r5, r5, 16)
    sub(r3, r3, r5)
    mul(r3, r3)
    lsr(r3, r6)
    data(2, 0x449C)  # add r12, r3
    mul(r2, r2)
    lsr(r2, r6)
    data(2, 0x4494)  # add r12, r2
    b(TOTAL)
    # odd lengths or addresses: one difference at a time
    label(HALVES)
    data(2, 0x5E83)  # ldrsh r3, [r0, r2]
    data(2, 0x5E8C)  # ldrsh r4, [r1, r2]
    sub(r3, r3, r4)
    mul(r3, r3)
    lsr(r3, r6)
    data(2, 0x449C)  # add r12, r3
    add(r2, 2)
    data(2, 0x4542)  # cmp r2, r8
    bcc(HALVES)
    data(2, 0x4441)  # add r1, r8
    # total = (total >> 14) w + ((total & 0x3fff) w >> 14)
    label(TOTAL)
    mov(r2, r12)
    lsl(r3, r2, 18)
    lsr(r3, r3, 18)
    lsr(r2, r2, 14)
    data(2, 0x9D01)  # ldr r5, [sp, #4]
    data(2, 0xCD10)  # ldm r5!, {r4}
    data(2, 0x9501)  # str r5, [sp, #4]
    mul(r2, r4)
    mul(r3, r4)
    lsr(r3, r3, 14)
    add(r2, r2, r3)
    data(2, 0x9D03)  # ldr r5, [sp, #12]
    data(2, 0xC504)  # stm r5!, {r2}
    data(2, 0x9503)  # str r5, [sp, #12]
    data(2, 0x9C06)  # ldr r4, [sp, #24]
    data(2, 0x9D04)  # ldr r5, [sp, #16]
    cmp(r2, r5)
    bge(FARTHER)
    data(2, 0x9204)  # str r2, [sp, #16]
    data(2, 0x9405)  # str r4, [sp, #20]
    label(FARTHER)
    add(r4, 1)
    data(2, 0x9406)  # str r4, [sp, #24]
    data(2, 0x9D02)  # ldr r5, [sp, #8]
    cmp(r4, r5)
    bcc(CLUSTER)
    data(2, 0x9805)  # ldr r0, [sp, #20]
    data(2, 0xB007)  # add sp, #28
    pop({r4, r5, r6, r7})
    mov(r8, r4)
    mov(r9, r5)
    mov(r10, r6)
    mov(r11, r7)
