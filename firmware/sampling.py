# SPDX-License-Identifier: Apache-2.0
"""One task per sensor: continuous, in bursts by schedule, or part by part.

A driver has `channels`, `rate_mhz` (or None), `parts`, `dropped` and `await read(block)`, which
waits for data, fills the interleaved int16 block and returns the samples in it, or raises OSError.
A read after which `dropped` has grown begins behind the gap. A driver may have `stop()`, called
when no samples are wanted until the next burst.
"""

from array import array

_BLOCK = 128
_RETRY_MS = 1000
_GRACE_MS = 10_000
_LONGEST_MS = 1 << 28


class Sampler:
    """Feeds a pipeline from its driver.

    schedule: {"every_s", "windows"} or None for continuous sampling. Attributes: late (bursts
    that began too late by more than a period), failed (reads that failed), silent (no data for
    three times the normal pause and a second; never so between parts, where nothing is due),
    error (of the newest read, None when it was good), lost (windows cut short by a failed read or
    lost samples), broken (it raised again and again; set by its supervisor), driver, fast (it
    comes in blocks).
    """

    def __init__(self, pipeline, driver, schedule, clock):
        self._pipeline = pipeline
        self.driver = driver
        self._clock = clock
        self._every_ms = 0 if schedule is None else round(schedule["every_s"] * 1000)
        self._windows = 0 if schedule is None else schedule["windows"]
        size = _BLOCK
        if driver.parts:
            size = pipeline.window or _BLOCK
        elif driver.rate_mhz and driver.rate_mhz < 10_000:
            size = 1
        self.fast = driver.rate_mhz and size == _BLOCK
        self._size = size
        self._block = array("h", [0] * (size * len(driver.channels)))
        self.late = 0
        self.failed = 0
        self.lost = 0
        self.silent = False
        self.broken = False
        self.error = None
        self._seen = driver.dropped
        self._stop = getattr(driver, "stop", None)
        self._heard_ms = self._turned_ms = clock.ticks_ms()
        self._heard = True
        self._pause_ms = self._normal_pause(size)
        self._limit_ms = min(3 * self._pause_ms + _RETRY_MS, _LONGEST_MS)

    def _normal_pause(self, size: int) -> int:
        if self.driver.parts:
            return 0
        if self._every_ms or not self.driver.rate_mhz:
            return self._every_ms
        return size * 1_000_000 // self.driver.rate_mhz

    def dropped(self) -> int:
        """Samples that the sensor or its driver lost."""
        return self.driver.dropped

    def losses(self) -> dict:
        """What was lost so far."""
        return {"dropped": self.driver.dropped, "late": self.late, "failed": self.failed,
                "windows": self.lost + self._pipeline.unscored}

    def check(self, now_ms: int) -> bool:
        """Keep the deadline: True when `silent` changed. Allocates nothing.

        Called every second; once noticed, silence lasts until the next good read: ticks wrap.
        """
        if self._pause_ms and self._clock.diff(now_ms, self._heard_ms) > self._limit_ms:
            self._heard = False
        silent = not self._heard
        changed = silent != self.silent
        self.silent = silent
        return changed

    def overdue(self, now_ms: int) -> bool:
        """Whether the task hangs: no read has ended, well or not, for much longer than it may.

        Never so between parts: the next one may come when it likes.
        """
        if self._pause_ms == 0 or self.broken:
            return self.broken
        late = self._clock.diff(now_ms, self._turned_ms) > self._limit_ms + _GRACE_MS
        self.broken = late
        return late

    async def run(self) -> None:
        """Sample for ever."""
        if self._every_ms:
            await self._bursts()
        while True:
            await self._once()

    async def _bursts(self) -> None:
        clock, pipeline = self._clock, self._pipeline
        due = clock.ticks_ms()
        while True:
            wait = clock.diff(due, clock.ticks_ms())
            if wait < -self._every_ms:
                self.late += 1
                due = clock.ticks_ms()
            await clock.sleep_ms(wait)
            pipeline.restart()
            until = pipeline.windows + self._windows
            while pipeline.windows < until:
                if not await self._once():
                    break
            if self._stop is not None:
                self._stop()
            due = clock.add(due, self._every_ms)

    async def _once(self) -> bool:
        clock = self._clock
        try:
            count = await self.driver.read(self._block)
            if not 0 <= count <= self._size:
                raise OSError("%d samples in a block of %d" % (count, self._size))
        except OSError as error:
            self.failed += 1
            self.error = error
            self._turned_ms = clock.ticks_ms()
            self.broken = False
            self._pipeline.sensor_failed(self._turned_ms)
            if self.fast:
                self._restart()
            await clock.sleep_ms(_RETRY_MS)
            return False
        now = clock.ticks_ms()
        self.error = None
        self._heard_ms = self._turned_ms = now
        self._heard = True
        self.broken = False
        if self.driver.dropped != self._seen:
            self._seen = self.driver.dropped
            if self.fast:
                self._restart()
        if self.driver.parts:
            self._pipeline.feed_part(self._block, count, now)
        else:
            self._pipeline.feed(self._block, count, now)
        return True

    def _restart(self) -> None:
        self.lost += 1
        self._pipeline.restart()
