# SPDX-License-Identifier: Apache-2.0
"""Edges of a pin, counted in its interrupt."""

from array import array

_MASK = 0x1FFFFFFF      # one more is a small int still


class Pulses:
    """Counts from the start on. hold_ms: edges so soon after the last one are its bouncing."""

    def __init__(self, pin, trigger: int, ticks_ms, hold_ms: int):
        self._count = array("i", [0])
        self._last = array("i", [-1])
        self._ticks_ms = ticks_ms
        self._hold_ms = hold_ms
        handler = self._held if hold_ms else self._plain
        try:
            pin.irq(handler, trigger, hard=True)    # not even a garbage collection is in its way
        except TypeError:
            pin.irq(handler, trigger)               # ESP32
        self._pin = pin

    def _plain(self, pin) -> None:
        self._count[0] = self._count[0] + 1 & _MASK

    def _held(self, pin) -> None:
        now, last = self._ticks_ms(), self._last
        if last[0] >= 0 and 0 <= now - last[0] < self._hold_ms:    # not so across the wrap
            return
        last[0] = now
        self._count[0] = self._count[0] + 1 & _MASK

    def count(self) -> int:
        """Edges so far, modulo 2**29."""
        return self._count[0]

    def since(self, before: int) -> int:
        """Edges since count() was `before`."""
        return self._count[0] - before & _MASK
