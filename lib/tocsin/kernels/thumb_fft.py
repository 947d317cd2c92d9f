# SPDX-License-Identifier: Apache-2.0
"""The FFT in Thumb code, bit-exact with reference_fft.py.

Every line is one instruction; `data(2, ...)` is one that the assembler lacks, written in its
comment. Functions return 0 where the reference returns None. README.md has the cycles.
"""

import micropython

from tocsin.kernels.arrays import make_work  # noqa: F401

from .thumb_fft_load import load
from .thumb_fft_passes import passes


def rfft(frame, window, plan, work):
    load(frame, window, plan, work)
    passes(plan, work)
    return _split(plan, work)


# Bins k and m - k at once; returns the exponent. r6 goes down, r7 up, r8 over the twiddles.
@micropython.asm_thumb
def _split(r0, r1):
    mov(r4, r8)
    mov(r5, r9)
    mov(r6, r10)
    mov(r7, r11)
    push({r4, r5, r6, r7})
    # bins 0, m and m / 2; the exponent, less 4, waits in r10
    ldrh(r2, [r0, 0])
    lsl(r3, r2, 2)
    add(r6, r1, r3)
    ldr(r4, [r6, 0])
    sub(r4, 4)
    mov(r10, r4)
    ldr(r4, [r1, 0])
    ldr(r5, [r1, 4])
    add(r7, r4, r5)
    lsl(r7, r7, 4)
    sub(r4, r4, r5)
    lsl(r4, r4, 4)
    mov(r5, 0)
    str(r7, [r1, 0])
    str(r5, [r1, 4])
    str(r4, [r6, 0])
    str(r5, [r6, 4])
    lsr(r3, r3, 1)
    add(r7, r1, r3)
    ldr(r4, [r7, 0])
    lsl(r4, r4, 4)
    str(r4, [r7, 0])
    ldr(r4, [r7, 4])
    lsl(r4, r4, 4)
    neg(r4, r4)
    str(r4, [r7, 4])
    # p goes up from bin 1, r down from bin m - 1, tw up from k = 1
    ldrh(r4, [r0, 16])
    lsl(r4, r4, 1)
    add(r4, r4, r0)
    add(r4, 4)
    mov(r8, r4)
    mov(r7, r1)
    add(r7, 8)
    sub(r6, 8)
    label(PAIR)
    data(2, 0xCF03)  # ldm r7!, {r0, r1}
    ldr(r2, [r6, 0])
    ldr(r3, [r6, 4])
    mov(r4, r8)
    data(2, 0xCC20)  # ldm r4!, {r5}
    mov(r8, r4)
    # even parts in er, r1; odd parts in r0, r2
    add(r4, r0, r2)
    mov(r9, r4)
    sub(r0, r0, r2)
    add(r2, r1, r3)
    sub(r1, r1, r3)
    # turned: r5 = (r2 c - r0 s) / 2, r4 = (r0 c + r2 s) / 2
    asr(r3, r5, 16)
    data(2, 0xB22D)  # sxth r5, r5
    mov(r4, r0)
    mul(r4, r5)
    mul(r0, r3)
    mul(r5, r2)
    mul(r3, r2)
    add(r4, r4, r3)
    sub(r5, r5, r0)
    asr(r4, r4, 1)
    asr(r5, r5, 1)
    mov(r0, r9)
    lsl(r0, r0, 11)
    add(r0, 128)
    lsl(r1, r1, 11)
    add(r1, 128)
    add(r2, r0, r5)
    sub(r0, r0, r5)
    sub(r3, r1, r4)
    add(r1, r1, r4)
    asr(r2, r2, 8)
    asr(r3, r3, 8)
    asr(r0, r0, 8)
    asr(r1, r1, 8)
    neg(r1, r1)
    sub(r7, 8)
    data(2, 0xC70C)  # stm r7!, {r2, r3}
    data(2, 0xC603)  # stm r6!, {r0, r1}
    sub(r6, 16)
    cmp(r7, r6)
    bcc(PAIR)
    mov(r0, r10)
    pop({r4, r5, r6, r7})
    mov(r8, r4)
    mov(r9, r5)
    mov(r10, r6)
    mov(r11, r7)


def spectrum(frame, window, plan, work):
    load(frame, window, plan, work)
    passes(plan, work)
    exponent = _split(plan, work)
    return 2 * (exponent + _power(work, plan)) + 1


# Bins in place to p[k]; returns d.
@micropython.asm_thumb
def _power(r0, r1):
    mov(r4, r8)
    mov(r5, r9)
    mov(r6, r10)
    mov(r7, r11)
    push({r4, r5, r6, r7})
    # r7 = bits of all components, four at a time; r1 = n / 2 + 1 bins
    ldrh(r1, [r1, 0])
    lsr(r1, r1, 1)
    add(r1, 1)
    mov(r8, r0)
    mov(r9, r1)
    sub(r1, 1)
    lsl(r6, r1, 3)
    add(r6, r6, r0)
    mov(r7, 0)
    label(BITS)
    data(2, 0xC81E)  # ldm r0!, {r1, r2, r3, r4}
    asr(r5, r1, 31)
    eor(r1, r5)
    orr(r7, r1)
    asr(r5, r2, 31)
    eor(r2, r5)
    orr(r7, r2)
    asr(r5, r3, 31)
    eor(r3, r5)
    orr(r7, r3)
    asr(r5, r4, 31)
    eor(r4, r5)
    orr(r7, r4)
    cmp(r0, r6)
    bcc(BITS)
    # the last bin has no imaginary part
    ldr(r1, [r0, 0])
    asr(r5, r1, 31)
    eor(r1, r5)
    orr(r7, r1)
    # r6 = d = max(bits - 15, 0)
    mov(r6, 0)
    lsr(r7, r7, 15)
    beq(SHIFTED)
    label(SHORTER)
    add(r6, 1)
    lsr(r7, r7, 1)
    bne(SHORTER)
    label(SHIFTED)
    # u = |x| >> d, squared as u (u + 1), halves summed; r0 runs, r7 stores, r9 ends
    mov(r0, r8)
    mov(r7, r8)
    mov(r1, r9)
    lsl(r1, r1, 3)
    data(2, 0x4441)  # add r1, r8
    mov(r9, r1)
    label(BIN)
    data(2, 0xC806)  # ldm r0!, {r1, r2}
    asr(r3, r1, 31)
    eor(r1, r3)
    asr(r1, r6)
    add(r3, r1, 1)
    mul(r1, r3)
    lsr(r1, r1, 1)
    asr(r3, r2, 31)
    eor(r2, r3)
    asr(r2, r6)
    add(r3, r2, 1)
    mul(r2, r3)
    lsr(r2, r2, 1)
    add(r1, r1, r2)
    data(2, 0xC702)  # stm r7!, {r1}
    data(2, 0x4548)  # cmp r0, r9
    bcc(BIN)
    mov(r0, r6)
    pop({r4, r5, r6, r7})
    mov(r8, r4)
    mov(r9, r5)
    mov(r10, r6)
    mov(r11, r7)
