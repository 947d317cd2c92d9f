# SPDX-License-Identifier: Apache-2.0
"""Reference kernel that takes interleaved channels apart."""

from array import array


def deinterleave(block: array, start: int, spec: array, frame: array) -> None:
    """Copy one channel's samples from an interleaved block to a frame, both array('h').

    spec is array('h') [step, count, at]: frame[at + i] = block[start + i * step], i < count.
    """
    at = spec[2]
    step = spec[0]
    for i in range(at, at + spec[1]):
        frame[i] = block[start]
        start += step
