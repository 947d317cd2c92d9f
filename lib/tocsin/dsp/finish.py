# SPDX-License-Identifier: Apache-2.0
"""Last steps that several features share: means and differences with fractional bits."""


def mean_q(total: int, count: int, q: int) -> int:
    """total * 2**q / count, rounded half up; |total| < 2**29, 1 <= count < 2**20 >> q, q -1..13.

    The whole part and the rest are scaled apart, so nothing leaves 31 bits while the
    result is below 2**29.
    """
    if q < 0:
        count <<= -q
        q = 0
    whole = total // count
    rest = total - whole * count
    return (whole << q) + ((rest << (q + 1)) + count) // (count << 1)
