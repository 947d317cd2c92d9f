# SPDX-License-Identifier: Apache-2.0
"""Scaling, projection and k-means distances in Xtensa code, bit-exact with reference_model.py.

Functions return 0 where the reference returns None. README.md has the instruction counts.
"""

import micropython

raise ImportError("build with tools/native_abi.py")


# a2 reads features, a3 parameters, a4 writes z to a5; a6 = -4095
@micropython.asm_xtensa
def scale(a2, a3, a4):
    l16ui(a5, a3, 0)
    movi_n(a6, 1)
    addmi(a6, a6, -4096)
    addx2(a5, a5, a4)
    j(TEST)
    label(FEATURE)
    l16si(a7, a2, 0)
    l16si(a8, a3, 2)
    l16si(a9, a3, 4)
    l16ui(a10, a3, 6)
    sub(a7, a7, a8)
    mull(a7, a7, a9)
    # (2 x >> shift) + 1 >> 1 rounds, also with shift 0
    ssr(a10)
    add_n(a7, a7, a7)
    sra(a7, a7)
    addi_n(a7, a7, 1)
    srai(a7, a7, 1)
    data(3, 0x337750)  # clamps a7, a7, 12
    data(3, 0x537760)  # max a7, a7, a6
    s16i(a7, a4, 0)
    addi_n(a2, a2, 2)
    addi_n(a3, a3, 6)
    addi_n(a4, a4, 2)
    label(TEST)
    bltu(a4, a5, FEATURE)
    movi_n(a2, 0)


# a2 z, a3 runs over the matrix, a5 writes u to a6; a7 columns, a8 = -4095
@micropython.asm_xtensa
def matvec(a2, a3, a4, a5):
    l16ui(a6, a4, 0)
    l16ui(a7, a4, 2)
    l16ui(a8, a4, 4)
    addx2(a6, a6, a5)
    ssr(a8)
    movi_n(a8, 1)
    addmi(a8, a8, -4096)
    j(ROWS)
    # a9 sum, a10 runs over z, a11 the row's end, two products a turn; of an odd number one before
    label(ROW)
    movi_n(a9, 0)
    mov_n(a10, a2)
    addx2(a11, a7, a3)
    bbci(a7, 0, TWOS)
    l16ui(a9, a10, 0)
    l16ui(a13, a3, 0)
    addi_n(a10, a10, 2)
    addi_n(a3, a3, 2)
    data(3, 0xD199D0)  # mul16s a9, a9, a13
    j(TWOS)
    label(TWO)
    l16ui(a12, a10, 0)
    l16ui(a13, a3, 0)
    l16ui(a14, a10, 2)
    l16ui(a15, a3, 2)
    data(3, 0xD1CCD0)  # mul16s a12, a12, a13
    addi_n(a10, a10, 4)
    addi_n(a3, a3, 4)
    data(3, 0xD1EEF0)  # mul16s a14, a14, a15
    add_n(a9, a9, a12)
    add_n(a9, a9, a14)
    label(TWOS)
    bltu(a3, a11, TWO)
    # rounded as in scale; twice the sum is below 2**31
    add_n(a9, a9, a9)
    sra(a9, a9)
    addi_n(a9, a9, 1)
    srai(a9, a9, 1)
    data(3, 0x339950)  # clamps a9, a9, 12
    data(3, 0x539980)  # max a9, a9, a8
    s16i(a9, a5, 0)
    addi_n(a5, a5, 2)
    label(ROWS)
    bltu(a5, a6, ROW)
    movi_n(a2, 0)


# a2 z, a3 runs over the centroids, a4 over the weights to a6, a5 writes distances;
# a7 values of a vector, a8 least, a9 index, a10 best
@micropython.asm_xtensa
def kmeans(a2, a3, a4, a5):
    l32i_n(a8, a4, 8)
    l32i_n(a7, a4, 4)
    l32i_n(a6, a4, 0)
    ssr(a8)
    addi(a4, a4, 16)
    addx4(a6, a6, a4)
    movi_n(a8, -1)
    movi_n(a9, 0)
    movi_n(a10, 0)
    j(CLUSTERS)
    # a11 total, a12 runs over z, a13 the end of the centroid; odd numbers as in matvec
    label(CLUSTER)
    movi_n(a11, 0)
    mov_n(a12, a2)
    addx2(a13, a7, a3)
    bbci(a7, 0, TWOS)
    l16ui(a14, a12, 0)
    l16ui(a15, a3, 0)
    addi_n(a12, a12, 2)
    addi_n(a3, a3, 2)
    sub(a14, a14, a15)
    data(3, 0xD1EEE0)  # mul16s a14, a14, a14
    srl(a11, a14)
    j(TWOS)
    label(TWO)
    l16ui(a14, a12, 0)
    l16ui(a15, a3, 0)
    l16ui(a0, a12, 2)
    addi_n(a12, a12, 4)
    sub(a14, a14, a15)
    l16ui(a15, a3, 2)
    data(3, 0xD1EEE0)  # mul16s a14, a14, a14
    addi_n(a3, a3, 4)
    sub(a0, a0, a15)
    srl(a14, a14)
    data(3, 0xD10000)  # mul16s a0, a0, a0
    add_n(a11, a11, a14)
    srl(a0, a0)
    add_n(a11, a11, a0)
    label(TWOS)
    bltu(a3, a13, TWO)
    # total w / 2**14 from 16 and 14 bits of the total
    l32i_n(a12, a4, 0)
    data(3, 0xF4DEB0)  # extui a13, a11, 14, 16
    data(3, 0xD4B0B0)  # extui a11, a11, 0, 14
    data(3, 0xC1BBC0)  # mul16u a11, a11, a12
    data(3, 0xC1DDC0)  # mul16u a13, a13, a12
    srli(a11, a11, 14)
    add_n(a11, a11, a13)
    s32i_n(a11, a5, 0)
    addi_n(a4, a4, 4)
    addi_n(a5, a5, 4)
    data(3, 0x03BB87)  # bgeu a11, a8, FARTHER
    mov_n(a8, a11)
    mov_n(a10, a9)
    label(FARTHER)
    addi_n(a9, a9, 1)
    label(CLUSTERS)
    bltu(a4, a6, CLUSTER)
    mov_n(a2, a10)
