# SPDX-License-Identifier: Apache-2.0
"""The sensor driver of a chip with a FIFO: bursts from chip to ring to block, none lost silently.

A shallow FIFO (10 ms) does not wait until a window has been judged. So its bursts are moved to a
ring by an interrupt of the chip, or by a timer where no interrupt is wired; `read` takes them
from there. A deep FIFO is its own ring.
"""

from array import array

from tocsin.dsp.buffers import ALL

try:
    from firmware.unpack_viper import unpack
except (ImportError, SyntaxError, ValueError):
    from firmware.unpack import unpack

_RING_MS = 100
_LEAST_RING = 256       # samples
_DEEP_MS = 60           # a FIFO that holds more than this needs no background
_STUCK = 256            # equal samples in a row
_PATIENCE_MS = 200
_MEASURE_MS = 60_000
_MEASURE_SAMPLES = 4096


class Fifo:
    """A driver (see README). Raises OSError when the chip does not answer or is another.

    chip: name, registers, identity (register, ids), clear and config (lists of (register, value):
    what empties the FIFO, and what it shall run with), channels, rate_mhz, depth (samples),
    burst (samples moved at a time), settle (bursts after a start that are not used), noisy
    (whether equal samples in a row mean that it is stuck), raw (bytes of a burst), layout
    (`unpack`'s spec behind its first number), level() (whole samples in the FIFO, -1 after an
    overrun), fetch() (next burst to raw).

    measured_mhz: the rate by the board's clock over the last minute or more; before that what the
    chip knows of its own clock (trimmed_mhz), or None.
    """

    parts = False

    def __init__(self, chip, clock, hardware, interrupt=None):
        self.channels = chip.channels
        self.rate_mhz = chip.rate_mhz
        self.dropped = 0
        self.measured_mhz = getattr(chip, "trimmed_mhz", None)
        self._chip = chip
        self._clock = clock
        self._rate_hz = max(1, chip.rate_mhz // 1000)
        self._spec = array("h", [chip.burst] + chip.layout)
        size = chip.burst * len(chip.channels)
        slots = max(_LEAST_RING, self._rate_hz * _RING_MS // 1000) // chip.burst
        whole = memoryview(array("h", bytes(2 * size * slots)))
        self._slots = [whole[i * size:(i + 1) * size] for i in range(slots)]
        self._head = self._tail = 0     # modulo twice the slots: full differs from empty
        self._gap_at = -1               # the head at which samples are missing, or -1
        self._lost = 0
        self._running = self._draining = self._overran = False
        self._error = None
        self._same = self._skip = self._count = self._checked = 0
        self._left = self._moved = self._emptied_ms = self._since_ms = 0
        self._again = self._drain       # fetching a bound method allocates
        self._block = None
        self._pieces = ()
        chip.registers.identify(chip.name, *chip.identity)
        self._pin = None
        self._background = interrupt is not None
        if interrupt is not None:
            self._pin = hardware.edge(interrupt, self._drain)
        elif chip.depth * 1000 // self._rate_hz < _DEEP_MS:
            self._background = True
            period_ms = max(1, chip.burst * 500 // self._rate_hz)
            self._timer = hardware.every(period_ms, self._drain)   # kept: it may be collected

    def stop(self) -> None:
        """No samples are wanted for a while; the next read starts afresh and drops nothing."""
        self._running = False

    async def read(self, block) -> int:
        """Fill `block`, whole bursts of interleaved samples; fewer before a gap."""
        if not self._running:
            self._start()
        if block is not self._block:
            self._cut(block)
        waited, seen = 0, self._head
        while True:
            self._drain()
            if self._error is not None:
                self._fail()
            ready = self._ready()
            if ready >= len(self._pieces) or (ready and self._gap_at >= 0):
                break
            if self._gap_at >= 0:
                self._close_gap()
                continue
            if seen != self._head:
                seen, waited = self._head, 0
            pause = self._pause_ms(len(self._pieces) - ready)
            if waited > 2 * pause + _PATIENCE_MS:
                self._complain()
            waited += pause
            await self._clock.sleep_ms(pause)
        taken = min(ready, len(self._pieces))
        slots = self._slots
        for i in range(taken):
            self._pieces[i][ALL] = slots[self._tail % len(slots)]
            self._tail = (self._tail + 1) % (2 * len(slots))
        self._look_after()
        return taken * self._chip.burst

    def _cut(self, block) -> None:
        """The block's pieces of one burst each, made once per block."""
        size = len(self._slots[0])
        view = memoryview(block)
        self._pieces = [view[at:at + size] for at in range(0, len(block) - size + 1, size)]
        if not self._pieces:
            raise ValueError("a block must hold %d samples" % self._chip.burst)
        self._block = block

    def _pause_ms(self, bursts: int) -> int:
        """How long `bursts` more take; no longer than half of the FIFO, unless others drain it."""
        pause = bursts * self._chip.burst
        if not self._background:
            pause = min(pause, self._chip.depth // 2)
        return pause * 1000 // self._rate_hz + 1

    def _ready(self) -> int:
        """Bursts in the ring that belong together."""
        end = self._head if self._gap_at < 0 else self._gap_at
        return (end - self._tail) % (2 * len(self._slots))

    def _close_gap(self) -> None:
        self._draining = True
        self.dropped += self._lost
        self._lost = 0
        self._gap_at = -1
        self._draining = False

    def _start(self) -> None:
        """Begin with an empty FIFO and ring. Raises OSError."""
        chip = self._chip
        self._error = None
        self._head = self._tail = self._same = self._count = 0
        self._gap_at = -1
        self._overran = False
        chip.registers.identify(chip.name, *chip.identity)
        self._configure()
        self._since_ms = self._clock.ticks_ms()
        self._running = True

    def _configure(self) -> None:
        chip = self._chip
        write = chip.registers.write
        for pair in chip.clear:
            write(pair[0], pair[1])
        for pair in chip.config:
            write(pair[0], pair[1])
        self._skip = chip.settle
        self._emptied(0)

    def _emptied(self, left: int) -> None:
        """The FIFO holds less than a burst now."""
        self._left = left
        self._moved = 0
        self._emptied_ms = self._clock.ticks_ms()

    def _drain(self, cause=None) -> None:
        """Move bursts from chip to ring. In interrupts too, so it keeps what it cannot raise."""
        if self._draining or not self._running or self._error is not None:
            return
        if self._chip.registers.busy(self._again):
            return
        self._draining = True
        try:
            self._move()
        except OSError as error:
            self._error = error
        self._draining = False

    def _move(self) -> None:
        chip, slots, pin = self._chip, self._slots, self._pin
        burst, both = chip.burst, 2 * len(slots)
        while (self._head - self._tail) % both < len(slots):
            level = chip.level()
            if level < 0:
                self._overrun()
                return
            if level < burst:
                self._emptied(level)
                return
            while level >= burst and (self._head - self._tail) % both < len(slots):
                chip.fetch()
                self._take(slots)
                level -= burst
            if pin is None or not pin():    # that it is high again is told once only
                self._emptied(level)
                return

    def _take(self, slots: list) -> None:
        """The burst in `raw` to the ring."""
        chip = self._chip
        self._count += chip.burst
        self._moved += chip.burst
        if self._skip:
            self._skip -= 1
            self._miss(chip.burst)
            return
        head = self._head
        target = slots[head % len(slots)]
        unpack(chip.raw, target, self._spec)
        if target != slots[(head - 1) % len(slots)]:
            self._same = 0
        elif chip.noisy:
            self._same += chip.burst
            if self._same >= _STUCK:
                raise OSError("%s repeats one sample; it is damaged or needs power off and on"
                              % chip.name)
        self._head = (head + 1) % (2 * len(slots))

    def _overrun(self) -> None:
        """Samples were lost: begin again, and mark the gap for `read`. How many is estimated."""
        chip, clock = self._chip, self._clock
        passed = clock.diff(clock.ticks_ms(), self._emptied_ms)
        lost = self._left + passed * self._rate_hz // 1000 - self._moved
        self._lost += max(1, lost)
        if self._gap_at < 0:
            self._gap_at = self._head
        else:
            between = (self._head - self._gap_at) % (2 * len(self._slots))
            self._lost += between * chip.burst
            self._head = self._gap_at
        self._overran = True
        self._count = 0
        self._since_ms = clock.ticks_ms()
        self._configure()

    def _miss(self, samples: int) -> None:
        """The first samples after an overrun are lost too; after a start nobody misses them."""
        if self._gap_at >= 0:
            self._lost += samples
        elif self._overran:
            self.dropped += samples

    def _look_after(self) -> None:
        """After each block: is the chip still set up? What is its real rate?"""
        self._draining = True
        try:
            self._verify(1)
            self._measure()
        finally:
            self._draining = False
        self._drain()   # an interrupt may have come meanwhile, and comes once only

    def _verify(self, registers: int) -> None:
        """Compare the next registers with what was set. Raises OSError."""
        chip = self._chip
        for _ in range(registers):
            self._checked = (self._checked + 1) % len(chip.config)
            pair = chip.config[self._checked]
            try:
                found = chip.registers.read(pair[0])
            except OSError as error:
                self._error = error
                self._fail()
            if found != pair[1]:
                self._error = OSError("%s lost its settings; a power glitch? It is set up again"
                                      % chip.name)
                self._fail()

    def _measure(self) -> None:
        passed = self._clock.diff(self._clock.ticks_ms(), self._since_ms)
        if passed < _MEASURE_MS or self._count < _MEASURE_SAMPLES:
            return
        self.measured_mhz = self._count * 1_000_000 // passed
        self._count = 0
        self._since_ms = self._clock.ticks_ms()

    def _complain(self) -> None:
        """No samples come, and nothing was reported. Raises OSError."""
        self._verify(len(self._chip.config))
        self._error = OSError("%s gives no samples; is its interrupt wired as set?"
                              % self._chip.name)
        self._fail()

    def _fail(self) -> None:
        """Raise what went wrong; the next read starts afresh."""
        error, self._error = self._error, None
        self._running = False
        raise error
