# SPDX-License-Identifier: Apache-2.0
"""Reference kernel that finds out whether a block of bytes is still what it was."""

from array import array


def check_words(data: array, words: int, sums: array, at: int) -> int:
    """Sum a block and compare: returns 0 when its sum is number `at` of `sums`, else 1.

    data is array('b') with 4 * words bytes or more, aligned to 4; sums array('H') holds the lower
    and the upper half of each sum. Number 0 receives the sum that was found.

    Per little-endian word: sum = (sum rotated left by 5) + word, modulo 2**32. A step is
    invertible, so no change within one word goes unnoticed.
    """
    low = 0
    high = 0
    for i in range(0, 4 * words, 4):
        rotated = (low << 5 | high >> 11) & 0xFFFF
        high = (high << 5 | low >> 11) & 0xFFFF
        low = rotated + ((data[i] & 0xFF) | (data[i + 1] & 0xFF) << 8)
        high = (high + (low >> 16) + ((data[i + 2] & 0xFF) | (data[i + 3] & 0xFF) << 8)) & 0xFFFF
        low &= 0xFFFF
    sums[0] = low
    sums[1] = high
    return 0 if low == sums[2 * at] and high == sums[2 * at + 1] else 1
