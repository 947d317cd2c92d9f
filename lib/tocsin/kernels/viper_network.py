# SPDX-License-Identifier: Apache-2.0
"""int8 networks in viper code, bit-exact with reference_network.py.

Viper ints are 32 bits and wrap; pointers are raw, so nothing here may be called with arrays
shorter than the reference says.
"""

import micropython


@micropython.viper
def quantize_s8(z: ptr16, params: ptr16, q: ptr8):
    mult = int(params[1])
    s = int(params[2])
    zero = (int(params[3]) ^ 0x8000) - 0x8000
    half = 1 << (s - 1)
    for i in range(int(params[0])):
        x = ((((int(z[i]) ^ 0x8000) - 0x8000) * mult + half) >> s) + zero
        if x < -128:
            x = -128
        elif x > 127:
            x = 127
        q[i] = x & 0xFF


@micropython.viper
def fc_s8(x: ptr32, w: ptr32, params: ptr32, y: ptr8):
    words = params[0] >> 2
    p = ptr32(int(params) + 32)
    row = ptr32(int(w))
    for i in range(params[1]):
        acc = p[0]
        for j in range(words):
            a = x[j]
            b = row[j]
            acc += (a >> 24) * (b >> 24) + (a << 24 >> 24) * (b << 24 >> 24)
            acc += (a << 16 >> 24) * (b << 16 >> 24) + (a << 8 >> 24) * (b << 8 >> 24)
        row = ptr32(int(row) + (words << 2))
        shift = p[3]
        if shift > 0:
            acc <<= shift
            shift = 0
        lo = acc & 0x3FFF
        acc >>= 14
        low = (acc * p[2] + (lo * p[2] >> 14)) >> 2
        acc = acc * p[1] + ((lo * p[1] + low) >> 14) + (1 << (0 - shift))
        acc = (acc >> (1 - shift)) + params[2]
        if acc < params[3]:
            acc = params[3]
        if acc > params[4]:
            acc = params[4]
        y[i] = acc & 0xFF
        p = ptr32(int(p) + 16)
