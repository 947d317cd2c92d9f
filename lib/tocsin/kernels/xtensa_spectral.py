# SPDX-License-Identifier: Apache-2.0
"""What reads a power spectrum in Xtensa code, bit-exact with reference_spectral.py.

Functions return 0 where the reference returns None. README.md has the instruction counts.
"""

import micropython

raise ImportError("build with tools/native_abi.py")


# a2 reads to a3, a4 writes; 2**30 = (-32768)**2 loses its bit 30 to become 2**30 - 1
@micropython.asm_xtensa
def load_power(a2, a3, a4):
    addx2(a3, a3, a2)
    j(TEST)
    label(VALUE)
    l16ui(a5, a2, 0)
    addi_n(a2, a2, 2)
    data(3, 0xD15550)  # mul16s a5, a5, a5
    data(3, 0x056E50)  # extui a6, a5, 30, 1
    sub(a5, a5, a6)
    s32i_n(a5, a4, 0)
    addi_n(a4, a4, 4)
    label(TEST)
    bltu(a2, a3, VALUE)
    movi_n(a2, 0)


def weighted_log2(work, weights, offset):
    return band_log2(work, weights, offset, 0)


# band_log2, or weighted_log2 when out is 0: a0 table, a2 work, a3 runs over the edges, a4 offset,
# a5 where out is written, a12 bands left; a7 * 2**32 + a6 is the sum
@micropython.asm_xtensa
def band_log2(a2, a3, a4, a5):
    # the call leaves in a0 where 2**14 log2(1 + i / 32), i = 0..32, lies: on a word
    data(3, 0x000445)  # call0 BEHIND
    data(2, 0, 727, 1433, 2118, 2784, 3432, 4062, 4676, 5274, 5858, 6428, 6984, 7527, 8059)
    data(2, 8578, 9086, 9584, 10071, 10549, 11017, 11476, 11926, 12368, 12802, 13228, 13646)
    data(2, 14057, 14461, 14858, 15249, 15634, 16012, 16384, 0)
    label(BEHIND)
    l16ui(a12, a3, 0)
    data(3, 0x0E1556)  # bnez a5, BANDS
    # a2 runs over the powers to a9, a3 over mantissas w and shifts; p w / 2**15 from 14 and 16
    # bits of p
    addx4(a2, a12, a2)
    l16ui(a9, a3, 2)
    movi_n(a6, 0)
    movi_n(a7, 0)
    addx4(a9, a9, a2)
    j(TERMS)
    label(TERM)
    l16ui(a11, a3, 2)
    l32i_n(a8, a2, 0)
    l16ui(a10, a3, 0)
    addi_n(a2, a2, 4)
    ssr(a11)
    data(3, 0xF5B080)  # extui a11, a8, 16, 16
    data(3, 0xC188A0)  # mul16u a8, a8, a10
    data(3, 0xC1BBA0)  # mul16u a11, a11, a10
    srli(a8, a8, 15)
    addx2(a8, a11, a8)
    srl(a8, a8)
    add_n(a6, a6, a8)
    data(3, 0x01B687)  # bgeu a6, a8, TERMS
    addi_n(a7, a7, 1)
    label(TERMS)
    addi_n(a3, a3, 4)
    bltu(a2, a9, TERM)
    j(LOG)
    label(BAND)
    l16ui(a8, a3, 2)
    l16ui(a9, a3, 4)
    addi_n(a3, a3, 4)
    movi_n(a6, 0)
    movi_n(a7, 0)
    addx4(a8, a8, a2)
    addx4(a9, a9, a2)
    # a8 runs over the powers to a9, by fours while more than three are left
    addi(a9, a9, -12)
    j(FOURS)
    label(FOUR)
    l32i_n(a10, a8, 0)
    l32i_n(a11, a8, 4)
    l32i_n(a13, a8, 8)
    l32i_n(a14, a8, 12)
    add_n(a10, a10, a11)
    addi(a8, a8, 16)
    add_n(a13, a13, a14)
    add_n(a10, a10, a13)
    add_n(a6, a6, a10)
    data(3, 0x01B6A7)  # bgeu a6, a10, FOURS
    addi_n(a7, a7, 1)
    label(FOURS)
    bltu(a8, a9, FOUR)
    addi_n(a9, a9, 12)
    j(ONES)
    label(ONE)
    l32i_n(a10, a8, 0)
    addi_n(a8, a8, 4)
    add_n(a6, a6, a10)
    data(3, 0x01B6A7)  # bgeu a6, a10, ONES
    addi_n(a7, a7, 1)
    label(ONES)
    bltu(a8, a9, ONE)
    # a6 = the leading 32 bits, the first at bit 31; a8 = that one's place
    label(LOG)
    movi_n(a8, 63)
    data(2, 0x77CC)  # bnez_n a7, TALL
    data(3, 0x04F616)  # beqz a6, STORE
    mov_n(a7, a6)
    movi_n(a6, 0)
    movi_n(a8, 31)
    label(TALL)
    nsau(a9, a7)
    sub(a8, a8, a9)
    ssl(a9)
    src(a6, a7, a6)
    # the five bits that follow say which piece of the table, its ends become a10 and a11; then ten
    data(3, 0x459A60)  # extui a9, a6, 26, 5
    data(3, 0x35AB60)  # extui a10, a6, 27, 4
    addx4(a10, a10, a0)
    l32i_n(a11, a10, 4)
    l32i_n(a10, a10, 0)
    add_n(a9, a9, a9)
    ssa8l(a9)
    src(a10, a11, a10)
    data(3, 0xF5B0A0)  # extui a11, a10, 16, 16
    data(3, 0xF4A0A0)  # extui a10, a10, 0, 16
    data(3, 0x956060)  # extui a6, a6, 16, 10
    sub(a11, a11, a10)
    mull(a6, a6, a11)
    srli(a6, a6, 10)
    add_n(a6, a6, a10)
    addi(a6, a6, 32)
    srli(a6, a6, 6)
    slli(a8, a8, 8)
    add_n(a6, a6, a8)
    add_n(a6, a6, a4)
    movi_n(a7, 0)
    data(3, 0x336680)  # clamps a6, a6, 15
    data(3, 0x536670)  # max a6, a6, a7
    label(STORE)
    data(2, 0xB58C)  # beqz_n a5, DONE
    s16i(a6, a5, 0)
    addi_n(a5, a5, 2)
    label(BANDS)
    addi(a12, a12, -1)
    bgez(a12, BAND)
    movi_n(a6, 0)
    label(DONE)
    mov_n(a2, a6)


# a2 work, a5 runs over the powers to a4; a6 the most, a3 where it lies
@micropython.asm_xtensa
def peak_bin(a2, a3, a4):
    addx4(a5, a3, a2)
    addx4(a4, a4, a2)
    mov_n(a3, a5)
    movi_n(a6, 0)
    j(TEST)
    label(NEXT)
    l32i_n(a7, a5, 0)
    addi_n(a5, a5, 4)
    data(3, 0x04A677)  # bge a6, a7, TEST
    mov_n(a6, a7)
    addi(a3, a5, -4)
    label(TEST)
    bltu(a5, a4, NEXT)
    sub(a2, a3, a2)
    srai(a2, a2, 2)


# a5 the first power, a4 the end; sum a7 * 2**32 + a6, then a6 moment, a7 total
@micropython.asm_xtensa
def centroid(a2, a3, a4):
    addx4(a5, a3, a2)
    addx4(a4, a4, a2)
    mov_n(a2, a5)
    movi_n(a6, 0)
    movi_n(a7, 0)
    j(SUMS)
    label(SUM)
    l32i_n(a8, a2, 0)
    addi_n(a2, a2, 4)
    add_n(a6, a6, a8)
    data(3, 0x01B687)  # bgeu a6, a8, SUMS
    addi_n(a7, a7, 1)
    label(SUMS)
    bltu(a2, a4, SUM)
    # shift by max(bits of the sum >> 15, less 5; 0)
    ssai(15)
    src(a6, a7, a6)
    nsau(a6, a6)
    movi_n(a7, 27)
    sub(a6, a7, a6)
    movi_n(a7, 0)
    data(3, 0x536670)  # max a6, a6, a7
    ssr(a6)
    # downwards: a power adds to the moment once with each bin below it
    movi_n(a6, 0)
    addi(a4, a4, -4)
    j(POWERS)
    label(POWER)
    l32i_n(a8, a4, 0)
    addi(a4, a4, -4)
    add_n(a6, a6, a7)
    srl(a8, a8)
    add_n(a7, a7, a8)
    label(POWERS)
    bgeu(a4, a5, POWER)
    movi_n(a2, 0)
    data(2, 0x679C)  # beqz_n a7, EMPTY
    # lo + moment // total, then the rest in Q4, rounded
    data(3, 0xC22670)  # quou a2, a6, a7
    data(3, 0xE26670)  # remu a6, a6, a7
    add_n(a2, a2, a3)
    slli(a6, a6, 4)
    srli(a8, a7, 1)
    slli(a2, a2, 4)
    add_n(a6, a6, a8)
    data(3, 0xC26670)  # quou a6, a6, a7
    add_n(a2, a2, a6)
    label(EMPTY)
