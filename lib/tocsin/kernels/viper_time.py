# SPDX-License-Identifier: Apache-2.0
"""Taking interleaved channels apart in viper code, bit-exact with reference_time.py.

Viper ints are 32 bits and wrap; pointers are raw, so nothing here may be called with arrays
shorter than the reference says.
"""

import micropython


@micropython.viper
def deinterleave(block: ptr16, start: int, spec: ptr16, frame: ptr16):
    step = int(spec[0])
    at = int(spec[2])
    end = at + int(spec[1])
    while at < end:
        frame[at] = block[start]
        start += step
        at += 1
