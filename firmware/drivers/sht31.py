# SPDX-License-Identifier: Apache-2.0
"""SHT31 (SHT30, SHT35), temperature and humidity on I2C; for the SHT4x see sht4x.py.

Settings: i2c, address (0x44, or 0x45 with ADDR high), interval_s, prefix (before the channels'
names). Single shots of high repeatability, heater off. SHT3x-DIS data sheet, sections 2.2 and 4.
"""

_ADDRESS = 0x44
_SOFT_RESET = b"\x30\xa2"
_HEATER_OFF = b"\x30\x66"
_READ_STATUS = b"\xf3\x2d"
_CLEAR_STATUS = b"\x30\x41"
_MEASURE = b"\x24\x00"          # high repeatability, no clock stretching
_LOST = 0x2010                  # heater on; a reset since the status was cleared
_MEASURE_MS = 16
_RESET_MS = 2


class Sht31:
    """What `firmware.slow` wants to know of the chip. Raises ValueError."""

    name = "sht31"

    def __init__(self, settings: dict, clock, hardware):
        checked = hardware.checked(settings, ("interval_s", "prefix"))
        self.channels = [checked.channel("temperature", "degC"),
                         checked.channel("humidity", "%RH")]
        self._words = hardware.words(self.name, settings, _ADDRESS)
        self._sleep_ms = clock.sleep_ms
        self._reset = False

    def start(self) -> None:
        """Is the chip there? It is reset before its next measurement. Raises OSError."""
        self._words.identify(_READ_STATUS, 1)
        self._words.command(_SOFT_RESET)
        self._reset = True

    async def measure(self, block, at: int) -> None:
        """Temperature and humidity in 0.01 degC and %RH. Raises OSError."""
        words = self._words
        if self._reset:
            await self._sleep_ms(_RESET_MS)
            words.command(_HEATER_OFF)
            words.command(_CLEAR_STATUS)
            self._reset = False
        words.command(_MEASURE)
        await self._sleep_ms(_MEASURE_MS)
        both = words.read(2)
        words.command(_READ_STATUS)
        if words.read(1) & _LOST:
            raise OSError("sht31 lost its settings; a power glitch? It is set up again")
        block[at] = ((both >> 16) * 17500 + 32767) // 65535 - 4500
        block[at + 1] = ((both & 0xFFFF) * 10000 + 32767) // 65535


def chips(settings: dict, clock, hardware) -> list:
    """For `several`."""
    return [Sht31(settings, clock, hardware)]


def make(settings: dict, clock, store, hardware):
    """Driver `sht31`."""
    return hardware.slow(chips(settings, clock, hardware), settings, clock)
