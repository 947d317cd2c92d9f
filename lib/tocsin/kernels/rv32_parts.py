# SPDX-License-Identifier: Apache-2.0
"""Other numbers of points in RISC-V code, bit-exact with reference_parts.py.

README.md has the instruction counts.
"""

import micropython

raise ImportError("build with tools/native_abi.py")


def block_means(frame, count, out):
    _block_means(frame, count, out, len(out))


# a0 reads, a2 writes to t1, a3 blocks, a4 where the block starts, t0 (i + 1) count
@micropython.asm_rv32
def _block_means(a0, a1, a2, a3):
    slli(t1, a3, 1)
    c_add(t1, a2)
    c_li(a4, 0)
    c_li(t0, 0)
    c_j(TEST)
    label(BLOCK)
    c_add(t0, a1)
    divu(a5, t0, a3)
    # t2 width, then bytes of the block
    sub(t2, a5, a4)
    c_mv(a4, a5)
    lh(a5, 0(a0))
    beq(t2, zero, STORE)
    # a5 = 2 sum + width + 2**17 width, so that the quotient is above 0; t3 the block's end
    slli(a5, t2, 17)
    c_add(a5, t2)
    c_slli(t2, 1)
    add(t3, a0, t2)
    c_li(t4, 0)
    label(SUM)
    lh(t5, 0(a0))
    c_addi(a0, 2)
    c_add(t4, t5)
    bltu(a0, t3, SUM)
    c_slli(t4, 1)
    c_add(a5, t4)
    divu(a5, a5, t2)
    label(STORE)
    sh(a5, 0(a2))
    c_addi(a2, 2)
    label(TEST)
    bltu(a2, t1, BLOCK)
    c_li(a0, 0)


def resample(frame, count, out):
    _resample(frame, count - 1, out, len(out) - 1)


# a0 reads, a2 writes up to t2, a3 last; the place goes on by t0 bytes and t1 / last, a4 its rest.
# A last of 0 divides by 0, which RISC-V allows: what comes out is not used.
@micropython.asm_rv32
def _resample(a0, a1, a2, a3):
    divu(t0, a1, a3)
    remu(t1, a1, a3)
    c_slli(t0, 1)
    slli(t2, a3, 1)
    c_add(t2, a2)
    c_lui(t3, 1)
    c_li(a4, 0)
    c_j(TEST)
    label(POINT)
    lh(a5, 0(a0))
    c_beqz(a4, STORE)
    slli(t4, a4, 13)
    divu(t4, t4, a3)
    lh(a1, 2(a0))
    sub(a1, a1, a5)
    mul(a1, a1, t4)
    c_add(a1, t3)
    c_srai(a1, 13)
    c_add(a5, a1)
    label(STORE)
    sh(a5, 0(a2))
    c_addi(a2, 2)
    c_add(a0, t0)
    c_add(a4, t1)
    bltu(a4, a3, TEST)
    sub(a4, a4, a3)
    c_addi(a0, 2)
    label(TEST)
    bgeu(t2, a2, POINT)
    c_li(a0, 0)
