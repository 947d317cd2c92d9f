# SPDX-License-Identifier: Apache-2.0
"""Window functions as Q15 tables, made once and equal on every platform.

All are periodic (the DFT-even form). Flat-top: the five-term window of ISO 18431-2.
"""

from array import array

from tocsin.dsp.checks import FeatureError
from tocsin.kernels.fixed import sat16, shift_round
from tocsin.kernels.plan import cos_q, cosines, fold

# Cosine terms in Q30: w(i) = a0 - a1 cos(2 pi i/n) + a2 cos(4 pi i/n) - ...
_TERMS = {
    "hann": (1 << 29, 1 << 29),
    "flattop": (231476135, 447354753, 297709049, 89742211, 7459680),
}
# 256 * log2(mean square of the window), rounded
POWER_LOG2 = {"none": 0, "hann": -362, "flattop": -643}


def make_window(name: str, length: int, n: int) -> array:
    """Return `length` Q15 coefficients (1.0 is 32767), then zeros up to n. Raises FeatureError."""
    if not isinstance(name, str) or name not in POWER_LOG2:
        raise FeatureError("unknown window function %r: use none, hann or flattop" % (name,))
    table = array("h", bytes(2 * n))
    if name == "none":
        for i in range(length):
            table[i] = 32767
        return table
    for i in range(length // 2 + 1):
        if name == "hann" and length & 3 == 0:
            total = (1 << 29) - fold(cosines(length), i, length)
        else:
            total = _sum(_TERMS[name], i, length)
        table[i] = sat16(shift_round(total, 15))
        if i:
            table[length - i] = table[i]
    return table


def _sum(terms, i: int, length: int) -> int:
    """The cosine series at i, Q30."""
    total = 0
    for j in range(len(terms)):
        term = cos_q(i * j, length, terms[j])
        total += -term if j & 1 else term
    return total
