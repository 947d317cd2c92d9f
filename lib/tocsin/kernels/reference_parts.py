# SPDX-License-Identifier: Apache-2.0
"""Reference kernels that bring samples to another number of points."""

from array import array


def block_means(frame: array, count: int, out: array) -> None:
    """Store the means of len(out) equal blocks of frame[0:count], rounded; count 1..8192.

    Block i covers i * count // len(out) up to the next block's start; an empty one (count below
    len(out)) takes the sample where it would start.
    """
    blocks = len(out)
    start = 0
    for i in range(blocks):
        end = (i + 1) * count // blocks
        width = end - start
        if width > 0:
            total = 0
            for t in range(start, end):
                total += frame[t]
            out[i] = (2 * total + width) // (2 * width)
        else:
            out[i] = frame[start]
        start = end


def resample(frame: array, count: int, out: array) -> None:
    """Stretch or squeeze frame[0:count] to len(out) samples by linear interpolation.

    The first and last samples stay; the fraction between two samples is Q13, rounded once.
    """
    last = len(out) - 1
    for i in range(last + 1):
        at = i * (count - 1)
        t = at // last if last else 0
        x = frame[t]
        fraction = ((at - t * last) << 13) // last if last else 0
        out[i] = x + (((frame[t + 1] - x) * fraction + 4096) >> 13) if fraction else x
