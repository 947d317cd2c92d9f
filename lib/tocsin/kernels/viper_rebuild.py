# SPDX-License-Identifier: Apache-2.0
"""From int8 outputs back to scaled features in viper code, bit-exact with reference_rebuild.py."""

import micropython


@micropython.viper
def dequantize_s8(q: ptr8, params: ptr16, z: ptr16):
    mult = int(params[1])
    s = int(params[2])
    start = (1 << (s - 1)) - ((int(params[3]) ^ 0x8000) - 0x8000) * mult
    for i in range(int(params[0])):
        x = (((int(q[i]) ^ 0x80) - 0x80) * mult + start) >> s
        if x < -4095:
            x = -4095
        elif x > 4095:
            x = 4095
        z[i] = x & 0xFFFF
