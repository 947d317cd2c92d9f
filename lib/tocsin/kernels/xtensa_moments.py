# SPDX-License-Identifier: Apache-2.0
"""Level and moments in Xtensa code, bit-exact with reference_moments.py.

README.md has the instruction counts.
"""

import micropython

raise ImportError("build with tools/native_abi.py")


# a2 frame, a10 its end, a4 out, later at a1 + 4
@micropython.asm_xtensa
def moments(a2, a3, a4):
    s32i_n(a3, a4, 0)
    # level, two samples a turn: a6 min, a7 max, a9 sum, a5 runs to the end
    l16si(a6, a2, 0)
    data(3, 0x048030)  # extui a8, a3, 0, 1
    addx2(a10, a3, a2)
    mov_n(a7, a6)
    mull(a9, a6, a8)
    addx2(a5, a8, a2)
    data(3, 0x1AB5A7)  # bgeu a5, a10, LEVELLED
    label(LEVEL)
    l16si(a12, a5, 0)
    l16si(a13, a5, 2)
    addi_n(a5, a5, 4)
    add_n(a9, a9, a12)
    data(3, 0x4366C0)  # min a6, a6, a12
    data(3, 0x5377C0)  # max a7, a7, a12
    add_n(a9, a9, a13)
    data(3, 0x4366D0)  # min a6, a6, a13
    data(3, 0x5377D0)  # max a7, a7, a13
    bltu(a5, a10, LEVEL)
    label(LEVELLED)
    # a8 mean, from sum + count * 2**15 >= 0; a9 its fraction in Q14
    slli(a8, a3, 15)
    add_n(a9, a9, a8)
    data(3, 0xC28930)  # quou a8, a9, a3
    data(3, 0xE29930)  # remu a9, a9, a3
    addmi(a8, a8, -32768)
    slli(a9, a9, 14)
    data(3, 0xC29930)  # quou a9, a9, a3
    s32i_n(a8, a4, 4)
    s32i_n(a9, a4, 8)
    s32i_n(a6, a4, 12)
    s32i_n(a7, a4, 16)
    # s + 3 = 17 - bits of p + (p >> 14), p = max(max - mean, mean - min) + 1: how far sll shifts
    sub(a11, a7, a8)
    sub(a12, a8, a6)
    data(3, 0x53BBC0)  # max a11, a11, a12
    addi_n(a11, a11, 1)
    srli(a12, a11, 14)
    add_n(a11, a11, a12)
    nsau(a11, a11)
    addi(a12, a11, -15)
    ssl(a12)
    addi(a11, a11, -18)
    s32i_n(a11, a4, 20)
    # a9 = 4 - (fraction << s + 3 >> 14) - (mean << s + 3): v = (x << s + 3) + a9 >> 3
    sll(a9, a9)
    srli(a9, a9, 14)
    sll(a11, a8)
    add_n(a9, a9, a11)
    movi_n(a11, 4)
    sub(a9, a11, a9)
    # the largest |v| is that of max or min, as v rises with x
    sll(a7, a7)
    add_n(a7, a7, a9)
    srai(a7, a7, 3)
    sll(a6, a6)
    add_n(a6, a6, a9)
    srai(a6, a6, 3)
    neg(a6, a6)
    data(3, 0x537760)  # max a7, a7, a6
    s32i_n(a7, a4, 52)
    movi_n(a5, 0)
    s32i_n(a5, a4, 56)
    s32i_n(a5, a4, 60)
    s32i_n(a4, a1, 4)
    s32i_n(a9, a1, 8)
    # a4 crossings; a5 and a6 of v v, a7 and a11 of v u, a12 and a13 of u u: sum of x >> 15, sum
    # mod 2**32, x being the sum of two. x << s + 3, plus a9, is above 4 while x is above the mean;
    # a3 is negative where it is not
    l16si(a15, a2, 0)
    mov_n(a8, a3)
    movi_n(a4, 0)
    sll(a3, a15)
    add_n(a3, a3, a9)
    addi(a3, a3, -5)
    movi_n(a6, 0)
    movi_n(a7, 0)
    movi_n(a11, 0)
    movi_n(a12, 0)
    movi_n(a13, 0)
    # of an odd number of samples the first one is the second of its turn, after a v of 0
    bbci(a8, 0, SAMPLES)
    movi_n(a14, 0)
    mov_n(a0, a3)
    addi(a2, a2, -2)
    j(SECOND)
    label(SAMPLES)
    l16si(a14, a2, 0)
    l32i_n(a9, a1, 8)
    l16si(a15, a2, 2)
    sll(a14, a14)
    add_n(a14, a14, a9)
    addi(a0, a14, -5)
    xor(a3, a3, a0)
    data(3, 0x053F30)  # extui a3, a3, 31, 1
    add_n(a4, a4, a3)
    srai(a14, a14, 3)
    label(SECOND)
    sll(a15, a15)
    add_n(a15, a15, a9)
    addi(a3, a15, -5)
    srai(a15, a15, 3)
    # a0 and a8 = v v, then u, then u u
    data(3, 0xD18FF0)  # mul16s a8, a15, a15
    xor(a0, a0, a3)
    data(3, 0x050F00)  # extui a0, a0, 31, 1
    add_n(a4, a4, a0)
    data(3, 0xD10EE0)  # mul16s a0, a14, a14
    addi_n(a2, a2, 4)
    add_n(a9, a0, a8)
    addmi(a8, a8, 4096)
    add_n(a6, a6, a9)
    srli(a9, a9, 15)
    addmi(a0, a0, 4096)
    data(3, 0xF48D80)  # extui a8, a8, 13, 16
    data(3, 0xF40D00)  # extui a0, a0, 13, 16
    data(3, 0xD1FF80)  # mul16s a15, a15, a8
    data(3, 0xD1EE00)  # mul16s a14, a14, a0
    data(3, 0xD18880)  # mul16s a8, a8, a8
    data(3, 0xD10000)  # mul16s a0, a0, a0
    add_n(a5, a5, a9)
    add_n(a14, a14, a15)
    add_n(a11, a11, a14)
    srai(a14, a14, 15)
    add_n(a7, a7, a14)
    add_n(a0, a0, a8)
    add_n(a13, a13, a0)
    srli(a0, a0, 15)
    add_n(a12, a12, a0)
    bltu(a2, a10, SAMPLES)
    l32i_n(a2, a1, 4)
    s32i_n(a4, a2, 24)
    # each as hi * 2**15 + lo
    slli(a14, a5, 15)
    sub(a6, a6, a14)
    srli(a14, a6, 15)
    add_n(a5, a5, a14)
    data(3, 0xE46060)  # extui a6, a6, 0, 15
    s32i_n(a5, a2, 28)
    s32i_n(a6, a2, 32)
    slli(a14, a7, 15)
    sub(a11, a11, a14)
    srli(a14, a11, 15)
    add_n(a7, a7, a14)
    data(3, 0xE4B0B0)  # extui a11, a11, 0, 15
    s32i_n(a7, a2, 36)
    s32i_n(a11, a2, 40)
    slli(a14, a12, 15)
    sub(a13, a13, a14)
    srli(a14, a13, 15)
    add_n(a12, a12, a14)
    data(3, 0xE4D0D0)  # extui a13, a13, 0, 15
    s32i_n(a12, a2, 44)
    s32i_n(a13, a2, 48)
    movi_n(a2, 0)
