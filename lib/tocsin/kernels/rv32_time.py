# SPDX-License-Identifier: Apache-2.0
"""Taking interleaved channels apart in RISC-V code, bit-exact with reference_time.py.

Functions return 0 where the reference returns None. README.md has the instruction counts.
"""

import micropython

raise ImportError("build with tools/native_abi.py")


# a0 reads, a3 writes, a1 its end, a2 bytes of a step
@micropython.asm_rv32
def deinterleave(a0, a1, a2, a3):
    c_slli(a1, 1)
    c_add(a0, a1)
    lh(a1, 4(a2))
    c_slli(a1, 1)
    c_add(a3, a1)
    lh(a1, 2(a2))
    c_slli(a1, 1)
    c_add(a1, a3)
    lh(a2, 0(a2))
    c_slli(a2, 1)
    # by fours while more than three are left
    c_addi(a1, -6)
    c_j(FOURS)
    label(FOUR)
    lh(a4, 0(a0))
    c_add(a0, a2)
    sh(a4, 0(a3))
    lh(a4, 0(a0))
    c_add(a0, a2)
    sh(a4, 2(a3))
    lh(a4, 0(a0))
    c_add(a0, a2)
    sh(a4, 4(a3))
    lh(a4, 0(a0))
    c_add(a0, a2)
    sh(a4, 6(a3))
    c_addi(a3, 8)
    label(FOURS)
    bltu(a3, a1, FOUR)
    c_addi(a1, 6)
    c_j(ONES)
    label(ONE)
    lh(a4, 0(a0))
    c_add(a0, a2)
    sh(a4, 0(a3))
    c_addi(a3, 2)
    label(ONES)
    bltu(a3, a1, ONE)
    c_li(a0, 0)
