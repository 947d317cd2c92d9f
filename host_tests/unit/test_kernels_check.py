# SPDX-License-Identifier: Apache-2.0
"""The sum over a block of weights is the one that its docstring defines, and sees every change."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernels.reference import check_words

blocks = st.integers(1, 40).flatmap(lambda words: st.binary(min_size=4 * words,
                                                            max_size=4 * words))  # fmt: skip


def found(data: bytes) -> list[int]:
    sums = array("H", [0, 0])
    check_words(array("b", data), len(data) // 4, sums, 0)
    return sums.tolist()


@given(blocks)
def test_sum_is_the_documented_one(data):
    total = 0
    for at in range(0, len(data), 4):
        total = (total << 5 | total >> 27) + int.from_bytes(data[at : at + 4], "little")
        total &= 0xFFFFFFFF
    assert found(data) == [total & 0xFFFF, total >> 16]


@given(blocks, st.data())
def test_no_change_within_a_word_goes_unnoticed(data, draw):
    at = 4 * draw.draw(st.integers(0, len(data) // 4 - 1))
    word = draw.draw(st.binary(min_size=4, max_size=4))
    changed = data[:at] + word + data[at + 4 :]
    sums = array("H", [0, 0, *found(data)])
    differs = check_words(array("b", changed), len(data) // 4, sums, 1)
    assert differs == (changed != data)
