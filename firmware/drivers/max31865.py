# SPDX-License-Identifier: Apache-2.0
"""MAX31865 with a platinum thermometer (PT100, PT1000; two, three or four wires) on SPI.

Settings: spi, wires (2, 3, 4), rtd_ohm (100 or 1000, at 0 degC), reference_ohm (4.3 times that by
default; some boards have 4 times), mains_hz (50 or 60), interval_s, name (of the channel), scale
(0.01; 0.1 for more than 327 degC). The bias is on only while it measures, so the thermometer does
not warm itself. MAX31865 data sheet, "Internal Registers", tables 1 to 7; EN 60751.
"""

_CONFIG = 0x00
_RTD = 0x01
_THRESHOLDS = 0x03
_FAULTS = 0x07
_WRITE = 0x80

_BIAS = 0x80
_ONE_SHOT = 0x20
_THREE_WIRES = 0x10
_DETECT = 0x04                  # fault detection with automatic delay
_DETECTING = 0x0C
_CLEAR = 0x02
_FILTER_50_HZ = 0x01
_KEPT = _THREE_WIRES | _FILTER_50_HZ

_SETTLE_MS = 12                 # 10.5 time constants of 100 nF, and 1 ms
_DETECT_MS = 2
_SHOT_MS = 67                   # 50 Hz, the slower one
_LOWEST = 0.185                 # of the resistance at 0 degC: -200 degC
_HIGHEST = 3.905                # 850 degC

_CAUSES = (
    (0x04, "a voltage at its inputs is out of range"),
    (0x08, "FORCE- or RTDIN- is open"),
    (0x10, "FORCE- is open"),
    (0x20, "FORCE- or the reference is open"),
    (0x40, "the thermometer is shorted"),
    (0x80, "the thermometer is open"),
)

_A, _B, _C = 3.9083e-3, -5.775e-7, -4.183e-12


class Max31865:
    """What `firmware.slow` wants to know of the chip. Raises ValueError."""

    name = "max31865"

    def __init__(self, settings: dict, clock, hardware):
        checked = hardware.checked(settings, (
            "interval_s", "prefix", "name", "wires", "rtd_ohm", "reference_ohm", "mains_hz",
            "scale"))
        if settings.get("spi") is None:
            raise ValueError('max31865 is on SPI: set "spi": {"cs": PIN}')
        ohm = (100, 1000)[checked.choose("rtd_ohm", (100, 1000), 100)]
        self._scale = (0.01, 0.1)[checked.choose("scale", (0.01, 0.1), 0.01)]
        self._reference = checked.number("reference_ohm", 2 * ohm, 8 * ohm, 4.3 * ohm) / ohm
        self._config = (_FILTER_50_HZ, 0)[checked.choose("mains_hz", (50, 60), 50)]
        if checked.choose("wires", (2, 3, 4), 3) == 1:
            self._config |= _THREE_WIRES
        self.channels = [
            checked.channel(checked.text("name", "temperature"), "degC", self._scale)]
        self._chip = hardware.spi(settings, 1_000_000)
        self._sleep_ms = clock.sleep_ms
        high = min(0xFFFE, int(65536 * _HIGHEST / self._reference) & 0xFFFE)
        low = int(65536 * _LOWEST / self._reference) & 0xFFFE
        self._limits = bytes([high >> 8, high & 0xFF, low >> 8, low & 0xFF])
        self._command = bytearray(1)
        self._four = bytearray(4)
        self._two = bytearray(2)
        self._one = bytearray(1)

    def start(self) -> None:
        """Set it up and read that back: it has no id. Raises OSError."""
        self._write(_THRESHOLDS, self._limits)
        self._write(_CONFIG, bytes([self._config | _CLEAR]))
        if not self._is_set_up():
            raise OSError("max31865: no answer on SPI; check its wires, power and cs")

    async def measure(self, block, at: int) -> None:
        """Temperature in the channel's scale. Raises OSError; a fault is told in words."""
        self._verify()
        config = self._config | _BIAS
        self._set(config | _CLEAR)
        try:
            await self._sleep_ms(_SETTLE_MS)
            self._set(config | _DETECT)
            await self._sleep_ms(_DETECT_MS)
            if self._get(_CONFIG, self._one) & _DETECTING:
                raise OSError("max31865: fault detection does not end; its power is bad")
            self._refuse(self._get(_FAULTS, self._one))
            self._set(config | _ONE_SHOT)
            await self._sleep_ms(_SHOT_MS)
            raw = self._get(_RTD, self._two)
            self._verify()
            if raw & 1:
                self._refuse(self._get(_FAULTS, self._one))
        finally:
            self._set(self._config)
        if raw >> 1 == 0:
            raise OSError("max31865: reads no resistance; check its wires")
        counts = int(round(degrees((raw >> 1) * self._reference / 32768) / self._scale))
        if not -32768 < counts < 32768:
            raise OSError("max31865: %d degC does not fit; set scale 0.1"
                          % (counts * self._scale))
        block[at] = counts

    def _refuse(self, faults: int) -> None:
        """The likeliest cause of a fault. Raises OSError if there is one."""
        for bit, cause in _CAUSES:
            if faults & bit:
                raise OSError("max31865: %s (fault 0x%02X)" % (cause, faults))

    def _verify(self) -> None:
        if not self._is_set_up():
            raise OSError("max31865 lost its settings; a power glitch? It is set up again")

    def _is_set_up(self) -> bool:
        self._get(_THRESHOLDS, self._four)
        return self._four == self._limits and self._get(_CONFIG, self._one) & _KEPT == self._config

    def _set(self, config: int) -> None:
        self._one[0] = config
        self._write(_CONFIG, self._one)

    def _write(self, register: int, data) -> None:
        self._transfer(register | _WRITE, data, self._chip.write)

    def _get(self, register: int, buffer) -> int:
        """Registers as one number."""
        self._transfer(register, buffer, self._chip.readinto)
        number = 0
        for byte in buffer:
            number = number << 8 | byte
        return number

    def _transfer(self, address: int, buffer, move) -> None:
        self._command[0] = address
        self._chip.select()
        self._chip.write(self._command)
        move(buffer)
        self._chip.release()


def degrees(ratio: float) -> float:
    """degC of a platinum thermometer whose resistance is `ratio` times that at 0 degC (EN 60751).

    Callendar-Van Dusen, solved without the difference of nearly equal numbers; below zero by
    Newton's method.
    """
    over = ratio - 1
    t = 2 * over / (_A + max(0.0, _A * _A + 4 * _B * over) ** 0.5)
    if t < 0:
        for _ in range(3):
            cube = _C * t * t
            error = t * (_A + _B * t + cube * (t - 100)) - over
            t -= error / (_A + 2 * _B * t + cube * (4 * t - 300))
    return t


def chips(settings: dict, clock, hardware) -> list:
    """For `several`."""
    return [Max31865(settings, clock, hardware)]


def make(settings: dict, clock, store, hardware):
    """Driver `max31865`."""
    return hardware.slow(chips(settings, clock, hardware), settings, clock)
