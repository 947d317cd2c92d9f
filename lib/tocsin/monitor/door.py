# SPDX-License-Identifier: Apache-2.0
"""A door inferred from the temperature's slope and the humidity's jump, when no reed tells."""

from array import array

from tocsin.monitor.ticks import diff

_SLOTS = 16
MISSING = -32768


class InferredDoor:
    """Open: the temperature rose by `rise` within `rise_ms` and the humidity, when both it and a
    jump are given, by `humidity_jump` too. Closed again: the temperature has fallen a quarter of
    `rise` from its top. A defrost warms more slowly and brings no moist room air.

    All levels in LSB, rise > 0. Attribute: open.
    """

    def __init__(self, rise: int, rise_ms: int, humidity_jump: int = 0):
        self._rise = rise
        self._rise_ms = rise_ms
        self._jump = humidity_jump
        self._temperatures = array("i", [0] * _SLOTS)
        self._humidities = array("i", [0] * _SLOTS)
        self._times = array("i", [0] * _SLOTS)
        self._count = 0
        self._next = 0
        self._top = 0
        self.open = False

    def update(self, temperature: int, humidity: int, now_ms: int) -> bool:
        """Take in one reading (humidity MISSING when there is none). Allocates nothing."""
        if self.open:
            self._top = max(self._top, temperature)
            if temperature <= self._top - max(1, self._rise // 4):
                self.open = False
                self._count = 0
        elif self._has_risen(temperature, humidity, now_ms):
            self.open = True
            self._top = temperature
        self._remember(temperature, humidity, now_ms)
        return self.open

    def _has_risen(self, temperature, humidity, now_ms):
        for i in range(self._count):
            at = (self._next - 1 - i) % _SLOTS
            age = diff(now_ms, self._times[at])
            if age < 0 or age > self._rise_ms:
                return False
            if temperature - self._temperatures[at] >= self._rise:
                before = self._humidities[at]
                if self._jump == 0 or humidity == MISSING or before == MISSING:
                    return True
                if humidity - before >= self._jump:
                    return True
        return False

    def _remember(self, temperature, humidity, now_ms):
        if self._count:
            age = diff(now_ms, self._times[(self._next - 1) % _SLOTS])
            if 0 <= age < self._rise_ms // (_SLOTS - 1):
                return
        at = self._next
        self._temperatures[at] = temperature
        self._humidities[at] = humidity
        self._times[at] = now_ms
        self._next = (at + 1) % _SLOTS
        self._count = min(self._count + 1, _SLOTS)
