# SPDX-License-Identifier: Apache-2.0
"""Scaling, k-means distances and int8 layers in viper code, bit-exact with reference_model.py.

Viper ints are 32 bits and wrap; pointers are raw, so nothing here may be called with arrays
shorter than the reference says.
"""

import micropython


@micropython.viper
def scale(features: ptr16, params: ptr16, z: ptr16):
    at = 1
    for i in range(int(params[0])):
        s = int(params[at + 2])
        x = (int(features[i]) ^ 0x8000) - (int(params[at]) ^ 0x8000)
        x = (x * ((int(params[at + 1]) ^ 0x8000) - 0x8000) + (1 << s >> 1)) >> s
        if x < -4095:
            x = -4095
        elif x > 4095:
            x = 4095
        z[i] = x & 0xFFFF
        at += 3


@micropython.viper
def kmeans(z: ptr16, centroids: ptr16, params: ptr32, distances: ptr32) -> int:
    n = params[1]
    s = params[2]
    at = 0
    best = 0
    least = 0x3FFFFFFF
    for i in range(params[0]):
        total = 0
        for j in range(n):
            d = (int(z[j]) ^ 0x8000) - (int(centroids[at]) ^ 0x8000)
            total += (d * d) >> s
            at += 1
        w = params[4 + i]
        total = (total >> 14) * w + ((total & 0x3FFF) * w >> 14)
        distances[i] = total
        if total < least:
            least = total
            best = i
    return best


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
def matvec(z: ptr16, matrix: ptr16, params: ptr16, u: ptr16):
    cols = int(params[1])
    s = int(params[2])
    at = 0
    for i in range(int(params[0])):
        x = 1 << s >> 1
        for j in range(cols):
            x += ((int(matrix[at]) ^ 0x8000) - 0x8000) * ((int(z[j]) ^ 0x8000) - 0x8000)
            at += 1
        x >>= s
        if x < -4095:
            x = -4095
        elif x > 4095:
            x = 4095
        u[i] = x & 0xFFFF
