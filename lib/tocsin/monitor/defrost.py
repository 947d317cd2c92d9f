# SPDX-License-Identifier: Apache-2.0
"""Defrost recogniser: a warm-up that is meant to be, and one that does not end.

With an input from the controller that input starts it; otherwise a warm-up through `start` does,
when the cabinet was cold before, the door is shut and the last one is long enough ago. It is over
when the cabinet is back at `end` (with an input: also `recovery_ms` after the input fell). After
`max_ms` it is overdue: no longer an excuse, but `seconds` goes on until the cabinet is cold.
An inferred door is noticed late: one found open soon after a warm-up began was its cause.
"""

from tocsin.monitor.ticks import add_sat, diff

IDLE = 0
RUNNING = 1
OVERDUE = 2
_DOOR_LAG_MS = 300000


class Defrost:
    """start, end: LSB, end <= start. Times in ms. Attributes: state, count of defrosts."""

    def __init__(self, start: int, end: int, max_ms: int, min_interval_ms: int = 0,
                 recovery_ms: int = 0):
        if end > start:
            raise ValueError("defrost: end is above start; give end a lower temperature")
        self._start = start
        self._end = end
        self._max_ms = max_ms
        self._min_interval_ms = min_interval_ms
        self._recovery_ms = recovery_ms
        self.state = IDLE
        self.count = 0
        self._armed = False
        self._idle_ms = min_interval_ms
        self._on_ms = 0
        self._off_ms = 0
        self._now_ms = -1

    def update(self, temperature: int, now_ms: int, door_open: bool = False,
               signal: int = -1) -> int:
        """Take in one reading; signal: 1 on, 0 off, -1 no input. Returns state, allocates nothing.
        """
        passed = 0 if self._now_ms < 0 else max(diff(now_ms, self._now_ms), 0)
        self._now_ms = now_ms
        cold = temperature <= self._end
        if self.state == IDLE:
            self._idle_ms = add_sat(self._idle_ms, passed)
            if self._begins(temperature, door_open, signal):
                self.state = RUNNING
                self.count = add_sat(self.count, 1)
                self._on_ms = 0
                self._off_ms = 0
        else:
            self._on_ms = add_sat(self._on_ms, passed)
            self._off_ms = 0 if signal == 1 else add_sat(self._off_ms, passed)
            if self._ends(cold, signal) or (
                    door_open and signal < 0 and self._on_ms <= _DOOR_LAG_MS):
                self.state = IDLE
                self._idle_ms = 0
                self._armed = False
            elif self._on_ms >= self._max_ms:
                self.state = OVERDUE
        if signal != 1 and cold:
            self._armed = True
        return self.state

    def seconds(self) -> int:
        """Seconds since the defrost began, overdue or not; 0 when there is none."""
        return 0 if self.state == IDLE else self._on_ms // 1000

    def _begins(self, temperature, door_open, signal):
        if signal >= 0:
            return signal == 1
        if temperature < self._start or not self._armed:
            return False
        self._armed = False
        return not door_open and self._idle_ms >= self._min_interval_ms

    def _ends(self, cold, signal):
        if signal < 0:
            return cold
        if signal == 1:
            return False
        return cold or (self.state == RUNNING and self._off_ms >= self._recovery_ms)
