# SPDX-License-Identifier: Apache-2.0
"""int8 networks in Xtensa code, bit-exact with reference_network.py.

Every line is one instruction; `data(...)` is one that the assembler lacks, written in its
comment. Loads are scheduled ahead of their use. README.md has the instruction counts.
"""

import micropython

raise ImportError("build with tools/native_abi.py")


# a2 z, its end a8; a4 q; a5 mult, a6 half of 1 << shift, a7 zero point
@micropython.asm_xtensa
def quantize_s8(a2, a3, a4):
    l16ui(a8, a3, 0)
    l16si(a5, a3, 2)
    l16ui(a9, a3, 4)
    l16si(a7, a3, 6)
    addx2(a8, a8, a2)
    movi_n(a6, 1)
    ssl(a9)
    sll(a6, a6)
    srli(a6, a6, 1)
    ssr(a9)
    label(VALUE)
    l16si(a10, a2, 0)
    addi_n(a2, a2, 2)
    data(3, 0xD1AA50)  # mul16s a10, a10, a5
    add_n(a10, a10, a6)
    sra(a10, a10)
    add_n(a10, a10, a7)
    data(3, 0x33AA00)  # clamps a10, a10, 7
    s8i(a10, a4, 0)
    addi_n(a4, a4, 1)
    bltu(a2, a8, VALUE)
    movi_n(a2, 0)


# Four outputs per pass over x: a6..a9 sums, a2 over x, a3 over w, a0 bytes of a row, a4 params.
# a10..a13 four inputs; weights in a14 or a5, whichever is free; products there and in a15.
# Stack: 4 x, 8 y, 12 params.
@micropython.asm_xtensa
def fc_s8(a2, a3, a4, a5):
    s32i_n(a2, a1, 4)
    s32i_n(a5, a1, 8)
    s32i_n(a4, a1, 12)
    addi(a4, a4, 32)
    j(OUTPUTS)
    label(FOUR)
    l32i_n(a6, a4, 0)
    l32i_n(a7, a4, 16)
    l32i_n(a8, a4, 32)
    l32i_n(a9, a4, 48)
    label(WORD)
    l32i_n(a13, a2, 0)
    l32i_n(a14, a3, 0)
    addi_n(a2, a2, 4)
    data(3, 0x23AD00)  # sext a10, a13, 7
    slli(a11, a13, 16)
    slli(a12, a13, 8)
    srai(a11, a11, 24)
    srai(a12, a12, 24)
    srai(a13, a13, 24)
    # row 0
    data(3, 0x23FE00)  # sext a15, a14, 7
    slli(a5, a14, 16)
    data(3, 0xD1FFA0)  # mul16s a15, a15, a10
    srai(a5, a5, 24)
    add_n(a6, a6, a15)
    data(3, 0xD155B0)  # mul16s a5, a5, a11
    slli(a15, a14, 8)
    srai(a14, a14, 24)
    srai(a15, a15, 24)
    add_n(a6, a6, a5)
    add_n(a5, a3, a0)
    data(3, 0xD1EED0)  # mul16s a14, a14, a13
    data(3, 0xD1FFC0)  # mul16s a15, a15, a12
    l32i_n(a5, a5, 0)
    add_n(a6, a6, a14)
    add_n(a6, a6, a15)
    # row 1
    data(3, 0x23F500)  # sext a15, a5, 7
    slli(a14, a5, 16)
    data(3, 0xD1FFA0)  # mul16s a15, a15, a10
    srai(a14, a14, 24)
    add_n(a7, a7, a15)
    data(3, 0xD1EEB0)  # mul16s a14, a14, a11
    slli(a15, a5, 8)
    srai(a5, a5, 24)
    srai(a15, a15, 24)
    add_n(a7, a7, a14)
    addx2(a14, a0, a3)
    data(3, 0xD155D0)  # mul16s a5, a5, a13
    data(3, 0xD1FFC0)  # mul16s a15, a15, a12
    l32i_n(a14, a14, 0)
    add_n(a7, a7, a5)
    add_n(a7, a7, a15)
    # row 2
    data(3, 0x23FE00)  # sext a15, a14, 7
    slli(a5, a14, 16)
    data(3, 0xD1FFA0)  # mul16s a15, a15, a10
    srai(a5, a5, 24)
    add_n(a8, a8, a15)
    data(3, 0xD155B0)  # mul16s a5, a5, a11
    slli(a15, a14, 8)
    srai(a14, a14, 24)
    srai(a15, a15, 24)
    add_n(a8, a8, a5)
    addx2(a5, a0, a3)
    add_n(a5, a5, a0)
    data(3, 0xD1EED0)  # mul16s a14, a14, a13
    data(3, 0xD1FFC0)  # mul16s a15, a15, a12
    l32i_n(a5, a5, 0)
    add_n(a8, a8, a14)
    add_n(a8, a8, a15)
    # row 3
    data(3, 0x23F500)  # sext a15, a5, 7
    slli(a14, a5, 16)
    data(3, 0xD1FFA0)  # mul16s a15, a15, a10
    srai(a14, a14, 24)
    add_n(a9, a9, a15)
    data(3, 0xD1EEB0)  # mul16s a14, a14, a11
    slli(a15, a5, 8)
    srai(a5, a5, 24)
    srai(a15, a15, 24)
    add_n(a9, a9, a14)
    data(3, 0xD155D0)  # mul16s a5, a5, a13
    data(3, 0xD1FFC0)  # mul16s a15, a15, a12
    add_n(a9, a9, a5)
    add_n(a9, a9, a15)
    l32i_n(a15, a1, 4)
    addi_n(a3, a3, 4)
    add_n(a15, a15, a0)
    bltu(a2, a15, WORD)
    addx2(a3, a0, a3)
    movi_n(a10, 4)
    add_n(a3, a3, a0)
    j(SCALE)
    # what is left of four, one byte at a time
    label(ONE)
    l32i_n(a6, a4, 0)
    movi_n(a10, 1)
    add_n(a15, a2, a0)
    label(BYTE)
    l8ui(a11, a2, 0)
    l8ui(a12, a3, 0)
    addi_n(a2, a2, 1)
    data(3, 0x23BB00)  # sext a11, a11, 7
    data(3, 0x23CC00)  # sext a12, a12, 7
    addi_n(a3, a3, 1)
    data(3, 0xD1BBC0)  # mul16s a11, a11, a12
    add_n(a6, a6, a11)
    bltu(a2, a15, BYTE)
    # store a10 outputs: a6 m 2**(shift - 31), a11 = -shift, a13 m & 0xffff, a14 m >> 16
    label(SCALE)
    l32i_n(a11, a4, 12)
    movi_n(a12, 0)
    l32i_n(a14, a4, 4)
    data(3, 0x53DBC0)  # max a13, a11, a12
    ssl(a13)
    l32i_n(a13, a4, 8)
    data(3, 0x43BBC0)  # min a11, a11, a12
    sll(a6, a6)
    neg(a11, a11)
    data(3, 0xD4C060)  # extui a12, a6, 0, 14
    srai(a6, a6, 14)
    mull(a15, a12, a13)
    mull(a13, a6, a13)
    mull(a12, a12, a14)
    mull(a6, a6, a14)
    srli(a15, a15, 14)
    add_n(a13, a13, a15)
    srai(a13, a13, 2)
    movi_n(a15, 1)
    add_n(a12, a12, a13)
    srai(a12, a12, 14)
    ssl(a11)
    add_n(a6, a6, a12)
    sll(a15, a15)
    l32i_n(a14, a1, 12)
    add_n(a6, a6, a15)
    addi_n(a11, a11, 1)
    l32i_n(a12, a14, 8)
    ssr(a11)
    l32i_n(a13, a14, 12)
    sra(a6, a6)
    l32i_n(a14, a14, 16)
    l32i_n(a15, a1, 8)
    add_n(a6, a6, a12)
    data(3, 0x5366D0)  # max a6, a6, a13
    data(3, 0x4366E0)  # min a6, a6, a14
    s8i(a6, a15, 0)
    addi_n(a15, a15, 1)
    s32i_n(a15, a1, 8)
    mov_n(a6, a7)
    mov_n(a7, a8)
    mov_n(a8, a9)
    addi(a4, a4, 16)
    addi(a10, a10, -1)
    bnez(a10, SCALE)
    # a15 outputs left, times 16
    label(OUTPUTS)
    l32i_n(a14, a1, 12)
    l32i_n(a2, a1, 4)
    l32i_n(a15, a14, 4)
    l32i_n(a0, a14, 0)
    slli(a15, a15, 4)
    add_n(a15, a15, a14)
    sub(a15, a15, a4)
    addi(a15, a15, -32)
    bgez(a15, FOUR)
    addi(a15, a15, 64)
    bnez(a15, ONE)
    movi_n(a2, 0)
