# SPDX-License-Identifier: Apache-2.0
"""Mean kinetic temperature over a sliding window, in integers.

MKT = (dH/R) / -ln(mean(exp(-dH/(R*T)))) with dH = 83.144 kJ/mol, so dH/R = 10,000 K (the usual
pharmacopoeia convention). The exponentials span nine decades between -80 and +60 degC, so each
bucket of the window is a small floating sum: mantissa and exponent, both small ints.
Within 0.02 K of the formula in float64 from -90 to +85 degC.
"""

from array import array

from tocsin.monitor.ticks import diff

_K_Q12 = 59092789
_ZERO_C = 27315
_LOW = -9000
_HIGH = 8500
_FULL = 1 << 29
_EMPTY = -32768


def _exp2_q14(f):
    """2**(f / 4096) for f in 0 .. 4095, Q14 (16384 .. 32767), to within 5 units."""
    p = (f * 1268) >> 12
    p = ((p + 3718) * f) >> 12
    return 16384 + (((p + 11394) * f + 2048) >> 12)


def _log2_q12(mantissa):
    """4096*log2(mantissa / 16384) for mantissa in 16384 .. 32767: `_exp2_q14` undone."""
    low = 0
    high = 4095
    while low < high:
        middle = (low + high + 1) >> 1
        if _exp2_q14(middle) <= mantissa:
            low = middle
        else:
            high = middle - 1
    return low


def _inverse_q12(centi):
    """10,000 K / ln(2) / T in Q12 for centi-degrees Celsius, linear between whole kelvins."""
    kelvin = (centi + _ZERO_C) // 100
    part = (centi + _ZERO_C) - kelvin * 100
    upper = _K_Q12 // kelvin
    return upper - ((upper - _K_Q12 // (kelvin + 1)) * part + 50) // 100


class MeanKineticTemperature:
    """Sliding mean over `hours` (24 for cold, 720 for room), in `buckets` steps.

    Every value weighs the same: sample evenly. Values missing are simply not in it. At most 16,384
    values to a bucket are told apart from a full one. Attribute: count of values in the window.
    """

    def __init__(self, hours: int = 24, buckets: int = 24):
        self._width_ms = hours * 3600000 // buckets
        self._n = buckets + 1
        self._mantissa = array("i", [0] * self._n)
        self._exponent = array("h", [_EMPTY] * self._n)
        self._counts = array("i", [0] * self._n)
        self.count = 0
        self._at = 0
        self._left_ms = self._width_ms
        self._now_ms = -1

    def update(self, centi: int, now_ms: int):
        """Take in a temperature in 0.01 degC (clamped to -90 .. +85 degC). Allocates nothing."""
        self.tick(now_ms)
        centi = min(max(centi, _LOW), _HIGH)
        y = -_inverse_q12(centi)
        exponent = y >> 12
        mantissa = _exp2_q14(y & 4095)
        at = self._at
        if self._counts[at] >= 16384:
            return
        shift = exponent - self._exponent[at]
        if self._counts[at] == 0:
            self._mantissa[at] = mantissa
            self._exponent[at] = exponent
        elif shift > 0:
            self._mantissa[at] = mantissa + (self._mantissa[at] >> min(shift, 30))
            self._exponent[at] = exponent
        else:
            self._mantissa[at] += mantissa >> min(-shift, 30)
        self._counts[at] += 1
        self.count += 1

    def tick(self, now_ms: int):
        """Let time pass; whole buckets older than the window are dropped."""
        if self._now_ms < 0:
            self._now_ms = now_ms
        passed = max(diff(now_ms, self._now_ms), 0)
        self._now_ms = now_ms
        turns = 0
        while passed >= self._left_ms and turns < self._n:
            passed -= self._left_ms
            self._left_ms = self._width_ms
            self._turn()
            turns += 1
        self._left_ms = max(1, self._left_ms - passed)

    def centi(self) -> int:
        """The mean in 0.01 degC, or -32768 without any value. Allocates nothing."""
        if self.count == 0:
            return -32768
        exponent = _EMPTY
        for i in range(self._n):
            if self._counts[i] and self._exponent[i] > exponent:
                exponent = self._exponent[i]
        total = 0
        shift = 0
        for i in range(self._n):
            if self._counts[i]:
                down = exponent - self._exponent[i] + shift
                total += self._mantissa[i] >> min(down, 30)
                if total >= _FULL:
                    total >>= 1
                    shift += 1
        return self._temperature(total, exponent + shift)

    def _temperature(self, total, exponent):
        count = self.count
        y = exponent << 12
        while count >= 32768:
            count >>= 1
            y -= 4096
        while total < _FULL:
            total <<= 1
            y -= 4096
        mean = total // count
        while mean >= 32768:
            mean >>= 1
            y += 4096
        while mean < 16384:
            mean <<= 1
            y -= 4096
        y = -(y + _log2_q12(mean))
        kelvin = _K_Q12 // y
        rest = _K_Q12 - kelvin * y
        return kelvin * 100 + (rest * 100 + y // 2) // y - _ZERO_C

    def _turn(self):
        self._at += 1
        if self._at == self._n:
            self._at = 0
        self.count -= self._counts[self._at]
        self._counts[self._at] = 0
        self._exponent[self._at] = _EMPTY
        self._mantissa[self._at] = 0
