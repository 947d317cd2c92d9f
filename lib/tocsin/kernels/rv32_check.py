# SPDX-License-Identifier: Apache-2.0
"""The sum over a block of bytes in RISC-V code, bit-exact with reference_check.py."""

import micropython

raise ImportError("build with tools/native_abi.py")


# a0 over the words, two at a time, to a1; a4 sum
@micropython.asm_rv32
def check_words(a0, a1, a2, a3):
    c_li(a4, 0)
    bge(zero, a1, DONE)
    andi(a5, a1, 1)
    c_slli(a1, 2)
    c_add(a1, a0)
    c_beqz(a5, PAIR)
    c_addi(a0, -4)
    c_j(ODD)
    label(PAIR)
    c_lw(a5, 0(a0))
    slli(t0, a4, 5)
    c_srli(a4, 27)
    c_add(a4, t0)
    c_add(a4, a5)
    label(ODD)
    c_lw(a5, 4(a0))
    slli(t0, a4, 5)
    c_srli(a4, 27)
    c_add(a4, t0)
    c_add(a4, a5)
    c_addi(a0, 8)
    bltu(a0, a1, PAIR)
    label(DONE)
    c_sw(a4, 0(a2))
    c_slli(a3, 2)
    c_add(a2, a3)
    c_lw(a2, 0(a2))
    xor(a0, a2, a4)
    sltu(a0, zero, a0)
