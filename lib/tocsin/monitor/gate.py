# SPDX-License-Identifier: Apache-2.0
"""Run-state gate: is the machine running? Hysteresis and hold-off against starts and stops."""

from tocsin.monitor.ticks import diff


class Gate:
    """Open while a level says "running".

    on, off: LSB, off <= on. A level >= on for `hold_on_ms` opens it (the run-up is over), a level
    < off for `hold_off_ms` closes it; in between nothing changes. Attributes: running, starts.
    """

    def __init__(self, on: int, off: int, hold_on_ms: int = 0, hold_off_ms: int = 0):
        if off > on:
            raise ValueError("gate: off is above on; give off a lower level")
        self._on = on
        self._off = off
        self._hold_on_ms = hold_on_ms
        self._hold_off_ms = hold_off_ms
        self.running = False
        self.starts = 0
        self._turning = False
        self._turned_ms = 0

    def update(self, level: int, now_ms: int) -> bool:
        """Take in a level; True while running. Allocates nothing."""
        if self.running:
            wants, hold = level < self._off, self._hold_off_ms
        else:
            wants, hold = level >= self._on, self._hold_on_ms
        if not wants:
            self._turning = False
            return self.running
        if not self._turning:
            self._turning = True
            self._turned_ms = now_ms
        if diff(now_ms, self._turned_ms) >= hold:
            self._turning = False
            self.running = not self.running
            if self.running:
                self.starts += 1
        return self.running
