# SPDX-License-Identifier: Apache-2.0
"""From int8 outputs back to features in RISC-V code, bit-exact with reference_rebuild.py."""

import micropython

raise ImportError("build with tools/native_abi.py")


# a0 q, a1 its end, a2 z, a3 x, a4 mult, a5 limit, t0 shift, t1 half - zero point * mult,
# t2 -limit; the fifth label is there because four are refused (README.md)
@micropython.asm_rv32
def dequantize_s8(a0, a1, a2):
    lh(a4, 2(a1))
    lh(t0, 4(a1))
    lh(a5, 6(a1))
    lh(a1, 0(a1))
    c_add(a1, a0)
    c_li(t1, 1)
    sll(t1, t1, t0)
    srli(t1, t1, 1)
    mul(a5, a5, a4)
    sub(t1, t1, a5)
    li(a5, 4095)
    li(t2, -4095)
    c_j(TEST)
    label(VALUE)
    lb(a3, 0(a0))
    c_addi(a0, 1)
    mul(a3, a3, a4)
    c_add(a3, t1)
    sra(a3, a3, t0)
    bge(a5, a3, BELOW)
    c_mv(a3, a5)
    label(BELOW)
    bge(a3, t2, ABOVE)
    c_mv(a3, t2)
    label(ABOVE)
    sh(a3, 0(a2))
    c_addi(a2, 2)
    label(TEST)
    bltu(a0, a1, VALUE)
    c_li(a0, 0)
    label(FIFTH)
