# SPDX-License-Identifier: Apache-2.0
"""From int8 outputs back to scaled features in Thumb code, bit-exact with reference_rebuild.py.

Every line is one instruction; `data(2, ...)` is one that the assembler lacks, written in its
comment. Returns 0 where the reference returns None. README.md has the cycles.
"""

import micropython


# r0 runs over q, r2 over z
@micropython.asm_thumb
def dequantize_s8(r0, r1, r2):
    # r3 end of q, r4 mult, r5 shift, r6 half of 1 << shift - zero_point * mult
    ldrh(r3, [r1, 0])
    add(r3, r3, r0)
    ldrh(r4, [r1, 2])
    ldrh(r5, [r1, 4])
    mov(r6, 1)
    lsl(r6, r5)
    lsr(r6, r6, 1)
    mov(r7, 6)
    data(2, 0x5FCF)  # ldrsh r7, [r1, r7]
    mul(r7, r4)
    sub(r6, r6, r7)
    # r1 = 4095, r12 = -4095
    mov(r1, 1)
    lsl(r1, r1, 12)
    sub(r1, 1)
    neg(r7, r1)
    mov(r12, r7)
    b(TEST)
    label(VALUE)
    ldrb(r7, [r0, 0])
    data(2, 0xB27F)  # sxtb r7, r7
    mul(r7, r4)
    add(r7, r7, r6)
    asr(r7, r5)
    cmp(r7, r1)
    ble(BELOW)
    mov(r7, r1)
    label(BELOW)
    data(2, 0x4567)  # cmp r7, r12
    bge(ABOVE)
    mov(r7, r12)
    label(ABOVE)
    strh(r7, [r2, 0])
    add(r0, 1)
    add(r2, 2)
    label(TEST)
    cmp(r0, r3)
    bcc(VALUE)
    mov(r0, 0)
