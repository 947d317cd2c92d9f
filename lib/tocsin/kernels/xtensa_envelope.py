# SPDX-License-Identifier: Apache-2.0
"""The Teager-Kaiser envelope in Xtensa code, bit-exact with reference_envelope.py.

README.md has the instruction counts.
"""

import micropython

raise ImportError("build with tools/native_abi.py")


# a2 runs over the frame to a10, a4 over out; at a1 + 4 its start, at a1 + 8 its end, at a1 + 12
# the bytes of a block; a12 its end, a0 that of its samples; a6 = 2**(s + 3), a11 log2 of the
# decimation, a13 shift. Samples: a14 before, a15 here, a7 and a3 after; a5 psi, a8 the total
@micropython.asm_xtensa
def teager(a2, a3, a4, a5):
    s32i_n(a4, a1, 4)
    # level, two samples a turn: a6 min, a7 max, a9 sum, a8 runs to the end
    l16si(a6, a2, 0)
    data(3, 0x048050)  # extui a8, a5, 0, 1
    addx2(a10, a5, a2)
    mov_n(a7, a6)
    mull(a9, a6, a8)
    addx2(a8, a8, a2)
    data(3, 0x1AB8A7)  # bgeu a8, a10, LEVELLED
    label(LEVEL)
    l16si(a12, a8, 0)
    l16si(a13, a8, 2)
    addi_n(a8, a8, 4)
    add_n(a9, a9, a12)
    data(3, 0x4366C0)  # min a6, a6, a12
    data(3, 0x5377C0)  # max a7, a7, a12
    add_n(a9, a9, a13)
    data(3, 0x4366D0)  # min a6, a6, a13
    data(3, 0x5377D0)  # max a7, a7, a13
    bltu(a8, a10, LEVEL)
    label(LEVELLED)
    # a8 mean, from sum + count * 2**15 >= 0; a9 its fraction in Q14
    slli(a8, a5, 15)
    add_n(a9, a9, a8)
    data(3, 0xC28950)  # quou a8, a9, a5
    data(3, 0xE29950)  # remu a9, a9, a5
    addmi(a8, a8, -32768)
    slli(a9, a9, 14)
    data(3, 0xC29950)  # quou a9, a9, a5
    # s + 3 = 17 - bits of p + (p >> 14), p = max(max - mean, mean - min) + 1
    sub(a7, a7, a8)
    sub(a6, a8, a6)
    data(3, 0x537760)  # max a7, a7, a6
    addi_n(a7, a7, 1)
    srli(a6, a7, 14)
    add_n(a7, a7, a6)
    nsau(a7, a7)
    addi(a7, a7, -15)
    ssl(a7)
    movi_n(a6, 1)
    sll(a6, a6)
    # a9 = 4 - (fraction << s + 3 >> 14) - (mean << s + 3): v = (x << s + 3) + a9 >> 3
    sll(a9, a9)
    srli(a9, a9, 14)
    sll(a8, a8)
    add_n(a9, a9, a8)
    movi_n(a8, 4)
    sub(a9, a8, a9)
    # count >> a11 blocks
    nsau(a11, a3)
    movi_n(a8, 31)
    sub(a11, a8, a11)
    ssr(a11)
    srl(a5, a5)
    addx2(a5, a5, a4)
    s32i_n(a5, a1, 8)
    add_n(a3, a3, a3)
    s32i_n(a3, a1, 12)
    addi_n(a12, a2, 2)
    movi_n(a13, 0)
    # v[0] and v[1]; a2 on x[2]; psi[0] is 0
    l16si(a14, a2, 0)
    l16si(a15, a2, 2)
    addi_n(a2, a2, 4)
    data(3, 0x73AA20)  # maxu a10, a10, a2
    mull(a14, a14, a6)
    mull(a15, a15, a6)
    add_n(a14, a14, a9)
    add_n(a15, a15, a9)
    srai(a14, a14, 3)
    srai(a15, a15, 3)
    j(BLOCKS)
    label(BLOCK)
    # ends where the next one begins, or before the last sample; of an odd number of samples the
    # first one is the second of its turn
    l32i_n(a3, a1, 12)
    movi_n(a8, 0)
    ssr(a11)
    add_n(a12, a12, a3)
    data(3, 0x630CA0)  # minu a0, a12, a10
    sub(a5, a0, a2)
    bbci(a5, 1, SAMPLES)
    l16si(a3, a2, 0)
    addi(a2, a2, -2)
    mov_n(a7, a15)
    mull(a3, a3, a6)
    mov_n(a15, a14)
    add_n(a3, a3, a9)
    srai(a3, a3, 3)
    j(SECOND)
    label(SAMPLE)
    l16si(a7, a2, 0)
    l16si(a3, a2, 2)
    data(3, 0xD15FF0)  # mul16s a5, a15, a15
    mull(a7, a7, a6)
    mull(a3, a3, a6)
    add_n(a7, a7, a9)
    srai(a7, a7, 3)
    data(3, 0xD1EE70)  # mul16s a14, a14, a7
    add_n(a3, a3, a9)
    srai(a3, a3, 3)
    sub(a5, a5, a14)
    sra(a5, a5)
    add_n(a8, a8, a5)
    label(SECOND)
    # here a15 before, a7 here, a3 after
    data(3, 0xD15770)  # mul16s a5, a7, a7
    data(3, 0xD1FF30)  # mul16s a15, a15, a3
    addi_n(a2, a2, 4)
    mov_n(a14, a7)
    sub(a5, a5, a15)
    sra(a5, a5)
    mov_n(a15, a3)
    add_n(a8, a8, a5)
    label(SAMPLES)
    bltu(a2, a0, SAMPLE)
    # y = total >> shift; halve all before it until it fits 16 bits
    ssr(a13)
    sra(a8, a8)
    label(FIT)
    data(3, 0x237880)  # sext a7, a8, 15
    data(3, 0x1A1787)  # beq a7, a8, FITS
    srai(a8, a8, 1)
    addi_n(a13, a13, 1)
    l32i_n(a5, a1, 4)
    j(HALVES)
    label(HALVE)
    l16si(a7, a5, 0)
    srai(a7, a7, 1)
    s16i(a7, a5, 0)
    addi_n(a5, a5, 2)
    label(HALVES)
    bltu(a5, a4, HALVE)
    j(FIT)
    label(FITS)
    s16i(a8, a4, 0)
    addi_n(a4, a4, 2)
    label(BLOCKS)
    l32i_n(a5, a1, 8)
    bltu(a4, a5, BLOCK)
    # exponent 6 - 2 (s + 3), plus the shift
    nsau(a6, a6)
    addx2(a2, a6, a13)
    addi(a2, a2, -56)
