# SPDX-License-Identifier: Apache-2.0
"""The scale of one output of an int8 layer as two short multiplications, exact where it matters.

The interpreter computes y = clip(zero_point + floor((acc * m * 2**e + 2**30) / 2**31)) from limbs,
20 operations that hold for every acc below 2**28. One output of one network sees far fewer: only
those between the clips. With A, the sum of w x clipped to least..most, and a multiplier in two
limbs,

    y = (A * high + (A * low >> LOW_BITS) + round) >> SHIFT

is exact if it moves from one y to the next at the very same sums; `solve` finds a `round` with
which it does, from all thresholds, or says that there is none.
"""

from dataclasses import dataclass

SHIFT = 23
_MOST_LOW_BITS = 16
_NEAR = 8  # multipliers tried on either side of the rounded one


class NotSpecialised(ValueError):
    """The model has something that generated code does not do; one line says what."""


@dataclass(frozen=True)
class Output:
    """Words of one output, in the order in which generated code reads them."""

    least: int
    most: int
    high: int
    low: int
    round: int

    def words(self) -> list[int]:
        return [self.least, self.most, self.high, self.low, self.round]

    def apply(self, total: int, low_bits: int) -> int:
        """What generated code makes of a sum of products."""
        a = min(max(total, self.least), self.most)
        return (a * self.high + (a * self.low >> low_bits) + self.round) >> SHIFT


@dataclass(frozen=True)
class Scale:
    """What the bundle says of one output: bias, multiplier, exponent; limits of its layer."""

    bias: int
    multiplier: int
    exponent: int
    zero_point: int
    low: int
    high: int

    def first(self, y: int) -> int:
        """The least sum of products (bias not in it) whose output is `y` or more."""
        right = 31 - self.exponent
        wanted = ((y - self.zero_point) << right) - (1 << (right - 1))
        return -(-wanted // self.multiplier) - self.bias


def clips(scale: Scale, least: int, most: int) -> tuple[int, int, int]:
    """(least, most) sums that count out of those that can occur, and the output at `least`."""
    if scale.multiplier == 0:
        return 0, 0, scale.zero_point
    if scale.low == scale.high:
        return 0, 0, scale.low
    bottom, top = scale.first(scale.low + 1) - 1, scale.first(scale.high)
    if most <= bottom:
        return 0, 0, scale.low
    if least >= top:
        return 0, 0, scale.high
    least, most = max(least, bottom), min(most, top)
    y = scale.low
    while y < scale.high and scale.first(y + 1) <= least:
        y += 1
    return least, most, y


def low_bits(ranges: list[tuple[int, int, int]]) -> int:
    """How many bits the low limb may have, so that its products stay within 32 bits."""
    largest = max(max(-least, most) for least, most, _ in ranges)
    return min(_MOST_LOW_BITS, 31 - largest.bit_length())


def solve(scale: Scale, clip: tuple[int, int, int], bits: int) -> Output:
    """The words of one output. Raises NotSpecialised."""
    least, most, y = clip
    if least == most == 0:
        return Output(0, 0, 0, 0, y << SHIFT)
    right = 31 - scale.exponent - SHIFT - bits
    multiplier = scale.multiplier
    multiplier = (multiplier + (1 << right >> 1)) >> right if right > 0 else multiplier << -right
    for step in range(2 * _NEAR + 1):
        near = multiplier + ((step + 1) // 2 if step % 2 else -step // 2)
        found = _round(scale, clip, bits, near)
        if found is not None:
            return Output(least, most, near >> bits, near & ((1 << bits) - 1), found)
    raise NotSpecialised("an output's scale is too fine for two short multiplications")


def _round(scale: Scale, clip: tuple[int, int, int], bits: int, multiplier: int) -> int | None:
    """A rounding term with which every threshold between the clips lies where it must."""
    least, most, y = clip

    def product(total: int) -> int:
        return total * multiplier >> bits

    lowest = (y << SHIFT) - product(least)
    highest = None
    while y < scale.high:
        at = scale.first(y + 1)
        if at > most:
            break
        y += 1
        lowest = max(lowest, (y << SHIFT) - product(at))
        before = (y << SHIFT) - product(at - 1) - 1
        highest = before if highest is None else min(highest, before)
    end = ((y + 1) << SHIFT) - product(most) - 1
    highest = end if highest is None else min(highest, end)
    if lowest > highest:
        return None
    return (lowest + highest) // 2
