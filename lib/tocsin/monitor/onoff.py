# SPDX-License-Identifier: Apache-2.0
"""A two-state thing over time: how long on, how often, which share of the window."""

from tocsin.monitor.rolling import RollingTime
from tocsin.monitor.ticks import add_sat, diff

_MAX_GAP_MS = 900000


class OnOff:
    """A door, a compressor. The state holds until the next update; a silence of more than 15
    minutes counts neither as on nor as off. Attributes: on, starts (since construction).

    window_s: of `duty_q8`, 24 s .. 31 days.
    """

    def __init__(self, window_s: int = 86400):
        self._on_time = RollingTime(window_s)
        self._all_time = RollingTime(window_s)
        self.on = False
        self.starts = 0
        self._on_ms = 0
        self._now_ms = 0
        self._started = False

    def update(self, on: bool, now_ms: int):
        """Take in the state that holds from now on. Allocates nothing."""
        if self._started:
            passed = max(diff(now_ms, self._now_ms), 0)
            known = passed <= _MAX_GAP_MS
            self._on_time.elapse(passed, known and self.on)
            self._all_time.elapse(passed, known)
            if known and self.on:
                self._on_ms = add_sat(self._on_ms, passed)
        self._started = True
        self._now_ms = now_ms
        if on and not self.on:
            self.starts = add_sat(self.starts, 1)
            self._on_ms = 0
        self.on = on

    def on_s(self) -> int:
        """Seconds on without a break; 0 while off."""
        return self._on_ms // 1000 if self.on else 0

    def duty_q8(self) -> int:
        """Share of the known time in the window spent on, Q8 (0 before there is any)."""
        if self._all_time.total_s == 0:
            return 0
        return self._on_time.total_s * 256 // self._all_time.total_s
