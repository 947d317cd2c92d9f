# SPDX-License-Identifier: Apache-2.0
"""Taking interleaved channels apart in Xtensa code, bit-exact with reference_time.py.

Functions return 0 where the reference returns None. README.md has the instruction counts.
"""

import micropython

raise ImportError("build with tools/native_abi.py")


# a2 reads, a4 bytes of a step, a5 writes to a3, two samples a turn; of an odd number one before
@micropython.asm_xtensa
def deinterleave(a2, a3, a4, a5):
    addx2(a2, a3, a2)
    l16ui(a6, a4, 4)
    l16ui(a7, a4, 2)
    l16si(a4, a4, 0)
    addx2(a5, a6, a5)
    addx2(a3, a7, a5)
    add_n(a4, a4, a4)
    bbci(a7, 0, TWOS)
    l16ui(a6, a2, 0)
    add_n(a2, a2, a4)
    s16i(a6, a5, 0)
    addi_n(a5, a5, 2)
    j(TWOS)
    label(TWO)
    l16ui(a6, a2, 0)
    add_n(a2, a2, a4)
    l16ui(a7, a2, 0)
    add_n(a2, a2, a4)
    s16i(a6, a5, 0)
    s16i(a7, a5, 2)
    addi_n(a5, a5, 4)
    label(TWOS)
    bltu(a5, a3, TWO)
    movi_n(a2, 0)
