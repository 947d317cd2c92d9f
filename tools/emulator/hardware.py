# SPDX-License-Identifier: Apache-2.0
"""What an emulated board is made of: clock, pins, buses, watchdog, reset causes, and their log."""

from collections.abc import Callable
from typing import Any, Protocol

from tools.emulator.chips.rp2_adc import Rp2Adc
from tools.emulator.virtual import Interrupt, VirtualClock

TICKS_PERIOD = 1 << 30
PWRON_RESET, WDT_RESET, SOFT_RESET = 1, 3, 5


class BoardReset(SystemExit):
    """The board resets; carries the cause that the next boot reads."""

    def __init__(self, cause: int):
        super().__init__(f"reset, cause {cause}")
        self.cause = cause


class I2CDevice(Protocol):
    """A chip on the emulated I2C bus: register pointer first, as nearly all chips do."""

    def write(self, data: bytes) -> None: ...

    def read(self, count: int) -> bytes: ...


class SPIDevice(Protocol):
    """A chip on the emulated SPI bus; `select(level)` is its select pin, low while it is meant."""

    def transfer(self, data: bytes) -> bytes: ...

    def select(self, level: int) -> None: ...


class Hardware:
    """One board. `observe(kind, fields)` is told about everything visible from outside.

    utc: seconds since 1970 at power-on, or None for a clock that was never set.
    ticks_start_ms: what ticks_ms() says at power-on (to meet the wrap at 2**30 ms early).
    ulab: whether the image has ulab; "complex" for a build with complex numbers.
    """

    def __init__(self, clock: VirtualClock, name: str = "board", utc: int | None = None,
                 ticks_start_ms: int = 0, ulab: bool | str = False, platform: str = "rp2",
                 observe: Callable[[str, dict[str, Any]], None] | None = None):
        self.clock = clock
        self.name = name
        self.utc = utc
        self.ticks_start_ms = ticks_start_ms
        self.ulab = ulab
        self.platform = platform
        self.frequency = 125_000_000
        self.reset_cause = PWRON_RESET
        self.pins: dict[int, int] = {}
        self.pin_handlers: dict[int, Callable[[int], None]] = {}
        self.adc: dict[int, Callable[[], int]] = {}
        self.i2c: dict[int, I2CDevice] = {}          # by address
        self.spi: dict[int, SPIDevice] = {}          # by the number of the select pin
        self.onewire: dict[int, Any] = {}            # by pin
        self.rp2_adc = Rp2Adc(lambda: clock.now_us, self._sample)
        self.rtc_memory = b""
        self._observe = observe
        self.timers: list[Any] = []
        self._resetting = False
        self._watchdog: Interrupt | None = None

    def _sample(self, number: int, index: int) -> int:
        """12 bits of ADC input `number` (0: pin 26)."""
        source = self.adc.get(26 + number)
        return 0 if source is None else source() >> 4

    def observe(self, kind: str, **fields: Any) -> None:
        """Report something visible from outside, with the virtual time in seconds."""
        if self._observe is not None:
            self._observe(kind, {"t": self.clock.now_us / 1e6, **fields})

    def epoch_us(self) -> int:
        """The RTC in microseconds since 1970; an unset clock starts at 2021-01-01 like rp2."""
        start = 1_609_459_200 if self.utc is None else self.utc
        return start * 1_000_000 + self.clock.now_us

    def ticks_us(self) -> int:
        return self.ticks_start_ms * 1000 + self.clock.now_us

    def sleep_us(self, duration_us: int) -> None:
        """Block: nothing but interrupts runs until the clock has moved on."""
        self.clock.advance_to(self.clock.now_us + max(0, duration_us))

    def set_pin(self, number: int, level: int) -> None:
        """Drive a pin, from inside (an output) or outside (an input)."""
        if self._resetting or self.clock.over:   # what a `finally` of the board does then
            return
        before = self.pins.get(number)
        self.pins[number] = level
        if before != level:
            if number in self.spi:
                self.spi[number].select(level)
            self.observe("pin", pin=number, level=level)
            handler = self.pin_handlers.get(number)
            if handler is not None and before is not None:
                handler(level)

    def start_watchdog(self, timeout_ms: int) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._watchdog = self.clock.call_at(
            self.clock.now_us + timeout_ms * 1000, lambda: self.reset(WDT_RESET))

    def reset(self, cause: int) -> None:
        """Reset the board; never returns."""
        self.observe("reset", cause=cause)
        self._resetting = True
        raise BoardReset(cause)

    def power_up(self, cause: int) -> None:
        """Bring everything that a reset clears back to its state at boot."""
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        for timer in list(self.timers):
            timer.deinit()
        self.reset_cause = cause
        self._resetting = False
        self.rp2_adc = Rp2Adc(lambda: self.clock.now_us, self._sample)
        self.pins.clear()
        self.pin_handlers.clear()
