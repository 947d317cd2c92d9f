# SPDX-License-Identifier: Apache-2.0
"""Reference kernel of autoencoders: from int8 outputs back to scaled features."""

from array import array


def dequantize_s8(q: array, params: array, z: array) -> None:
    """Undo a quantisation: z = clamp((q - zero_point) * mult / 2**shift, rounded, +-4095).

    q is array('b'), params array('h') [n, mult, shift, zero_point] with mult 0..32767 and shift
    1..22, z array('h'); halves round up.
    """
    mult = params[1]
    s = params[2]
    zero = params[3]
    half = 1 << (s - 1)
    for i in range(params[0]):
        x = ((q[i] - zero) * mult + half) >> s
        z[i] = -4095 if x < -4095 else 4095 if x > 4095 else x
