# SPDX-License-Identifier: Apache-2.0
"""RP2040, RP2350: one to four analogue inputs, continuously, up to 100 kHz in all; no jitter.

Settings: pins (26 to 29, ascending), names and units (lists of the same length), rate_hz (per
input; 20000 by default), points ([[volt, value], [volt, value]]; volts without), reference_v
(3.3). Samples are the ADC's 12 bits. Nothing else can use the ADC meanwhile.
"""

_PIECE = 128            # as in adc_ring.py
_FULL = 4096
_FASTEST_HZ = 100_000


class AdcDma:
    """A driver (see README). Raises ValueError."""

    parts = False

    def __init__(self, settings: dict, clock, hardware):
        checked = hardware.checked(settings, (
            "rate_hz", "prefix", "pins", "names", "units", "points", "reference_v"))
        pins = checked.items("pins", 1, 4, None)
        width = len(pins)
        if [pin for pin in pins if pin not in (26, 27, 28, 29)] or sorted(set(pins)) != pins:
            raise ValueError("pins must be some of 26, 27, 28, 29, ascending, not %r" % pins)
        rate = int(checked.number("rate_hz", 1000, _FASTEST_HZ // width, 20_000 // width))
        names = checked.items("names", width, width, ["input%d" % (i + 1) for i in range(width)])
        units = checked.items("units", width, width, ["V"] * width)
        volt = checked.number("reference_v", 0.5, 50, 3.3) / _FULL
        scale, offset = checked.line("points", volt)
        self.channels = [checked.channel(names[i], units[i], scale, offset)
                         for i in range(width)]
        self._ring = hardware.adc_dma(pins, rate)
        self.rate_mhz = self._ring.rate_mhz
        self.dropped = 0
        self._clock = clock
        self._unit = _PIECE * width             # so that each unit begins with the first input
        self._rate = self.rate_mhz * width // 1000
        self._block = None
        self._parts = ()

    def stop(self) -> None:
        """No samples are wanted for a while."""
        self._ring.stop()

    async def read(self, block) -> int:
        """Fill `block`, whole units of 128 samples per input. Raises OSError."""
        ring, unit = self._ring, self._unit
        if block is not self._block:
            self._cut(block)
        if not ring.running:
            ring.start()
        wanted = len(self._parts) * _PIECE
        try:
            await self._wait(wanted)
            while ring.ready > ring.size - _PIECE:
                lost = (ring.ready - wanted + unit - 1) // unit * unit
                ring.skip(lost)
                self.dropped += lost // len(self.channels)
                await self._wait(wanted)
        except OSError:
            ring.stop()
            raise
        for part in self._parts:
            ring.take(part)
        return wanted // len(self.channels)

    async def _wait(self, wanted: int) -> None:
        """Until so many samples are in the ring. Raises OSError."""
        ring = self._ring
        ring.look()
        while ring.ready < wanted:
            before = ring.ready
            await self._clock.sleep_ms((wanted - before) * 1000 // self._rate + 1)
            ring.look()
            if ring.ready == before:
                raise OSError("adc_dma: the ADC does not run; it starts again")

    def _cut(self, block) -> None:
        """The block's pieces, made once per block."""
        view = memoryview(block)
        whole = len(block) // self._unit * self._unit
        self._parts = [view[at:at + _PIECE] for at in range(0, whole, _PIECE)]
        if not self._parts:
            raise ValueError("a block must hold %d samples" % self._unit)
        self._block = block


def make(settings: dict, clock, store, hardware):
    """Driver `adc_dma`."""
    return AdcDma(settings, clock, hardware)
