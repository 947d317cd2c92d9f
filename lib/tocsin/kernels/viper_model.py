# SPDX-License-Identifier: Apache-2.0
"""Scaling, projection and k-means distances in viper code, bit-exact with reference_model.py.

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
