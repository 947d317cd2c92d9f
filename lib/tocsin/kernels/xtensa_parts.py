# SPDX-License-Identifier: Apache-2.0
"""Other numbers of points in Xtensa code, bit-exact with reference_parts.py.

README.md has the instruction counts.
"""

import micropython

raise ImportError("build with tools/native_abi.py")


def block_means(frame, count, out):
    _block_means(frame, count, out, len(out))


# a2 reads, a4 writes to a6, a5 blocks, a7 where the block starts, a8 (i + 1) count
@micropython.asm_xtensa
def _block_means(a2, a3, a4, a5):
    addx2(a6, a5, a4)
    movi_n(a7, 0)
    movi_n(a8, 0)
    j(TEST)
    label(BLOCK)
    add_n(a8, a8, a3)
    data(3, 0xC29850)  # quou a9, a8, a5
    # a10 width
    sub(a10, a9, a7)
    mov_n(a7, a9)
    l16ui(a9, a2, 0)
    data(2, 0x6A9C)  # beqz_n a10, STORE
    # a9 = 2 sum + width + 2**17 width, so that the quotient is above 0; a11 the block's end
    slli(a9, a10, 17)
    add_n(a9, a9, a10)
    addx2(a11, a10, a2)
    label(SUM)
    l16si(a12, a2, 0)
    addi_n(a2, a2, 2)
    addx2(a9, a12, a9)
    bltu(a2, a11, SUM)
    add_n(a10, a10, a10)
    data(3, 0xC299A0)  # quou a9, a9, a10
    label(STORE)
    s16i(a9, a4, 0)
    addi_n(a4, a4, 2)
    label(TEST)
    bltu(a4, a6, BLOCK)
    movi_n(a2, 0)


def resample(frame, count, out):
    _resample(frame, count - 1, out, len(out) - 1)


# a2 reads, a4 writes up to a8, a5 last; the place goes on by a6 samples and a7 / last, a9 its
# rest. A last of 0 becomes 1, as a division by 0 is an exception; what comes out is not used.
@micropython.asm_xtensa
def _resample(a2, a3, a4, a5):
    addx2(a8, a5, a4)
    movi_n(a6, 1)
    data(3, 0x535560)  # max a5, a5, a6
    data(3, 0xC26350)  # quou a6, a3, a5
    data(3, 0xE27350)  # remu a7, a3, a5
    movi_n(a9, 0)
    j(TEST)
    label(POINT)
    l16si(a10, a2, 0)
    data(2, 0x599C)  # beqz_n a9, STORE
    l16si(a12, a2, 2)
    slli(a11, a9, 13)
    data(3, 0xC2BB50)  # quou a11, a11, a5
    sub(a12, a12, a10)
    mull(a12, a12, a11)
    addmi(a12, a12, 4096)
    srai(a12, a12, 13)
    add_n(a10, a10, a12)
    label(STORE)
    s16i(a10, a4, 0)
    addi_n(a4, a4, 2)
    addx2(a2, a6, a2)
    add_n(a9, a9, a7)
    data(3, 0x043957)  # bltu a9, a5, TEST
    sub(a9, a9, a5)
    addi_n(a2, a2, 2)
    label(TEST)
    bgeu(a8, a4, POINT)
    movi_n(a2, 0)
