# SPDX-License-Identifier: Apache-2.0
"""A root and a copy that are worth a faster twin."""

from array import array

from tocsin.kernels.fixed import isqrt

__all__ = ("isqrt", "widen")


def widen(vector: array, count: int, words: array, at: int) -> None:
    """Copy vector[0:count], array('h'), to words[at:at + count], array('i')."""
    for i in range(count):
        words[at + i] = vector[i]
