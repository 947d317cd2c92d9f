# SPDX-License-Identifier: Apache-2.0
"""Analogue inputs sampled by a timer into a ring, and the driver that hands them on."""

from array import array

from tocsin.monitor.ticks import add, diff

_RING_MS = 200
_LEAST_RING = 64        # samples; a power of two
_SLACK = 3              # ticks that a timer may be behind
_SECOND_US = 1_000_000
_PATIENCE_MS = 200
_MASK = 0x1FFFFFFF      # one more is a small int still


class Timed:
    """A driver (see README) of `inputs`, each with read_u16(). rate_hz: a divisor of 1,000,000.

    refuse(block, count): raises OSError for a block that no sound sensor gives, or None.
    """

    parts = False

    def __init__(self, inputs: list, channels: list, rate_hz: int, clock, hardware, refuse=None):
        self.channels = channels
        self.rate_mhz = rate_hz * 1000
        self.dropped = 0
        self._width = len(inputs)
        self._reads = [source.read_u16 for source in inputs]
        self._rate_hz = rate_hz
        self._clock = clock
        self._hardware = hardware
        self._refuse = refuse
        self._slots = _LEAST_RING
        while self._slots < rate_hz * _RING_MS // 1000:
            self._slots *= 2
        self._ring = array("h", [0] * (self._slots * self._width))
        self._made = 0          # ticks so far, modulo 2**29; only the interrupt counts it
        self._taken = 0
        self._base = self._base_us = 0      # a tick, and when it was due
        self._timer = None

    def stop(self) -> None:
        """No samples are wanted for a while."""
        if self._timer is not None:
            self._timer.deinit()
            self._timer = None

    async def read(self, block) -> int:
        """Fill `block`. Raises OSError."""
        wanted = min(len(block) // self._width, self._slots // 2)
        if self._timer is None:
            self._begin()
            self._timer = self._hardware.at_rate(self._rate_hz, self._tick)
        waited, seen = 0, self._made
        while True:
            self._look()
            missing = wanted - (self._made - self._taken & _MASK)
            if missing <= 0:
                break
            waited = waited if seen == self._made else 0
            seen = self._made
            if waited > 2000 // self._rate_hz + _PATIENCE_MS:
                self.stop()
                raise OSError("adc: its timer does not run; restart the board")
            pause = missing * 1000 // self._rate_hz + 1
            waited += pause
            await self._clock.sleep_ms(pause)
        self._copy(block, wanted)
        if self._refuse is not None:
            self._refuse(block, wanted)
        return wanted

    def _begin(self) -> None:
        """What was made so far does not count."""
        self._taken = self._base = self._made
        self._base_us = self._clock.ticks_us()

    def _tick(self, timer) -> None:
        """In the timer's interrupt: allocates nothing."""
        reads, ring, width = self._reads, self._ring, self._width
        at = self._made % self._slots * width
        for i in range(width):
            value = reads[i]() - 32768
            ring[at + i] = value if value > -32768 else -32767
        self._made = self._made + 1 & _MASK

    def _look(self) -> None:
        """Ticks that did not come, or a ring that ran over: begin again behind the gap."""
        passed_us = diff(self._clock.ticks_us(), self._base_us)
        since_base = self._made - self._base & _MASK
        late = passed_us // (_SECOND_US // self._rate_hz) - since_base
        ready = self._made - self._taken & _MASK
        if late > _SLACK or ready > self._slots - _SLACK:
            self.dropped += max(0, late) + ready
            self._begin()
        elif since_base >= self._rate_hz:
            self._base = self._base + self._rate_hz & _MASK
            self._base_us = add(self._base_us, _SECOND_US)

    def _copy(self, block, count: int) -> None:
        ring, width, size = self._ring, self._width, self._slots * self._width
        at = self._taken % self._slots * width
        for i in range(count * width):
            block[i] = ring[at]
            at += 1
            if at == size:
                at = 0
        self._taken = self._taken + count & _MASK
