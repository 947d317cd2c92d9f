# SPDX-License-Identifier: Apache-2.0
"""The sum over a block of bytes in viper code, bit-exact with reference_check.py."""

import micropython


@micropython.viper
def check_words(data: ptr32, words: int, sums: ptr32, at: int) -> int:
    total = 0
    for i in range(words):
        total = (total << 5 | (total >> 27 & 31)) + data[i]
    sums[0] = total
    if total == sums[at]:
        return 0
    return 1
