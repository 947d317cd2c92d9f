# SPDX-License-Identifier: Apache-2.0
"""Time for everything else: wrap-safe ticks, sleeping, tasks, boot id and record numbers."""

from tocsin.monitor.ticks import add, diff

_UTC_FLOOR = 1767225600   # 2026-01-01: an RTC that says less was never set


class Clock:
    """`time` and `asyncio` are the modules, or stand-ins with the same few names.

    boot_id: number of this boot. sequence: number of the last record of this boot.
    """

    def __init__(self, time, asyncio, boot_id: int = 0):
        self.boot_id = boot_id
        self.sequence = 0
        self.ticks_ms = time.ticks_ms
        self.add = add
        self.diff = diff
        self._time = time
        self._asyncio = asyncio
        self._uptime_s = 0
        self._last_ms = time.ticks_ms()

    def sleep_ms(self, ms: int):
        """Awaitable: let other tasks run for `ms` milliseconds."""
        return self._asyncio.sleep_ms(ms if ms > 0 else 0)

    def ticks_us(self) -> int:
        """Microseconds that wrap, for short times; `diff` subtracts them."""
        return self._time.ticks_us()

    def spawn(self, coroutine):
        """Run a coroutine as a task."""
        return self._asyncio.create_task(coroutine)

    def uptime_s(self) -> int:
        """Whole seconds since the clock was made. Call at least once in six days."""
        passed = diff(self.ticks_ms(), self._last_ms) // 1000
        if passed > 0:
            self._uptime_s += passed
            self._last_ms = add(self._last_ms, passed * 1000)
        return self._uptime_s

    def utc_s(self):
        """Seconds since 1970, or None while the clock is not set. The RTC's epoch may be 2000."""
        now = int(self._time.time()) + self._time_offset()
        return now if now >= _UTC_FLOOR else None

    def next_sequence(self) -> int:
        """The number of a new record."""
        self.sequence += 1
        return self.sequence

    def _time_offset(self) -> int:
        return 946684800 if self._time.gmtime(0)[0] == 2000 else 0
