# SPDX-License-Identifier: Apache-2.0
"""RP2040, RP2350: the ADC runs by its own clock, and DMA carries its samples into a ring for ever.

Two DMA channels start each other in turn and write to the same ring, which the hardware wraps; no
interrupt is needed, so none can come too late. Read at least once in 27,000 s. RP2040 data sheet,
sections 4.9 (ADC) and 2.5 (DMA); RP2350 data sheet, 12.4 and 12.6; MicroPython `rp2.DMA`.
"""

from array import array

from tocsin.dsp.buffers import ALL

PIECE = 128             # samples of all inputs together
_RING_MS = 200
_LEAST_BITS = 11        # bytes
_MOST_BITS = 15         # what the DMA can wrap
_CLOCK_HZ = 48_000_000
_COUNT = 1 << 27        # transfers of a channel before the other goes on; whole rings

_CS, _FCS, _FIFO, _DIV = 0x00, 0x08, 0x0C, 0x10
_ENABLE, _START_MANY, _READY = 0x01, 0x08, 0x100
_FIFO_ON = 0x09         # enabled, requests to the DMA
_OVERFLOWED = 0x800
_UNDERFLOWED = 0x400
_SELECTED = 0x1F7000    # AINSEL, RROBIN
_FIRST_PIN = 26


class AdcRing:
    """`pieces`: memoryviews of PIECE 12-bit samples each, interleaved by input, from `at` on.

    pins: in ascending order. Raises ValueError, and OSError when no DMA channel is free.
    """

    def __init__(self, machine, pins: list, rate_hz: int):
        import sys

        import rp2
        from uctypes import addressof

        self._memory = machine.mem32
        newer = "RP2350" in sys.implementation._machine
        self._base = 0x400A0000 if newer else 0x4004C000
        self._request = 48 if newer else 36
        for pin in pins:
            machine.ADC(machine.Pin(pin))       # sets up the ADC and the pin
        self._robin = 0
        for pin in pins:
            self._robin |= 1 << pin - _FIRST_PIN
        self._select = pins[0] - _FIRST_PIN << 12 | (self._robin << 16 if len(pins) > 1 else 0)
        self.width = len(pins)
        cycles = (2 * _CLOCK_HZ // (rate_hz * self.width) + 1) // 2
        self.rate_mhz = _CLOCK_HZ // self.width * 1000 // cycles
        self._divider = cycles - 1 << 8
        bits = _LEAST_BITS
        while bits < _MOST_BITS and 1 << bits < rate_hz * self.width * 2 * _RING_MS // 1000:
            bits += 1
        self.size = 1 << bits - 1               # samples
        whole = array("h", bytes((2 << bits) - 2))
        start = -addressof(whole) % (1 << bits) // 2
        self._ring = memoryview(whole)[start:start + self.size]
        self.pieces = [self._ring[i:i + PIECE] for i in range(0, self.size, PIECE)]
        self._bits = bits
        self._dmas = (rp2.DMA(), rp2.DMA())
        self._turn = self._left = 0
        self.at = 0
        self.ready = 0                          # samples made and not taken
        self.running = False

    def start(self) -> None:
        """Begin with an empty ring."""
        memory, base = self._memory, self._base
        self.stop()
        memory[base + _DIV] = self._divider
        one, other = self._dmas
        for dma, following in ((other, one), (one, other)):
            control = dma.pack_ctrl(
                size=1, inc_read=False, inc_write=True, ring_size=self._bits, ring_sel=True,
                treq_sel=self._request, chain_to=following.channel)
            dma.config(read=base + _FIFO, write=self._ring, count=_COUNT, ctrl=control,
                       trigger=dma is one)
        self._turn, self._left = 0, _COUNT
        self.at = self.ready = 0
        memory[base + _FCS] = _FIFO_ON | 1 << 24 | _OVERFLOWED | _UNDERFLOWED
        memory[base + _CS] = _ENABLE | self._select
        memory[base + _CS] = _ENABLE | self._select | _START_MANY
        self.running = True

    def stop(self) -> None:
        """ADC and DMA rest; nothing writes to the ring any more."""
        memory, base = self._memory, self._base
        memory[base + _CS] = _ENABLE
        while not memory[base + _CS] & _READY:
            pass
        for dma in self._dmas:
            dma.ctrl = dma.pack_ctrl(enable=False)      # chained to itself: to none
        for dma in self._dmas:
            dma.active(0)
        memory[base + _FCS] = _OVERFLOWED | _UNDERFLOWED
        while memory[base + _FCS] >> 16 & 0x0F:
            memory[base + _FIFO]
        self.running = False

    def look(self) -> None:
        """Bring `ready` up to date. Raises OSError when ADC or DMA do something else."""
        memory, base = self._memory, self._base
        dma = self._dmas[self._turn]
        if dma.active():
            left = dma.count
            self.ready += self._left - left
        else:
            self.ready += self._left
            self._turn = 1 - self._turn
            dma = self._dmas[self._turn]
            if not dma.active():
                raise OSError("adc_dma: the DMA stopped; it starts again")
            left = dma.count
            self.ready += _COUNT - left
        self._left = left
        if memory[base + _FCS] & _OVERFLOWED:
            raise OSError("adc_dma: the ADC was faster than the DMA; set a lower rate_hz")
        state = memory[base + _CS]
        if not state & _START_MANY or self._robin_of(state) != self._robin_of(self._select) or \
                not self._robin_of(state) and (state ^ self._select) & _SELECTED:
            raise OSError("adc_dma: somebody else used the ADC; it starts again")

    def _robin_of(self, state: int) -> int:
        return state >> 16 & 0x1F

    def take(self, piece) -> None:
        """Copy the next PIECE samples."""
        piece[ALL] = self.pieces[self.at]
        self.at = (self.at + 1) % len(self.pieces)
        self.ready -= PIECE

    def skip(self, samples: int) -> None:
        """Leave out samples, a multiple of PIECE."""
        self.at = (self.at + samples // PIECE) % len(self.pieces)
        self.ready -= samples
