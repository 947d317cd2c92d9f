# SPDX-License-Identifier: Apache-2.0
"""SHT40, SHT41, SHT45, temperature and humidity on I2C.

Settings: i2c, address (0x44; 0x45 and 0x46 by order code), interval_s, prefix (before the
channels' names). High precision; the heater only ever runs by command. SHT4x data sheet,
section 4.
"""

_ADDRESS = 0x44
_SOFT_RESET = b"\x94"
_READ_SERIAL = b"\x89"
_MEASURE = b"\xfd"
_MEASURE_MS = 10
_RESET_MS = 2


class Sht4x:
    """What `firmware.slow` wants to know of the chip. Raises ValueError."""

    name = "sht4x"

    def __init__(self, settings: dict, clock, hardware):
        checked = hardware.checked(settings, ("interval_s", "prefix"))
        self.channels = [checked.channel("temperature", "degC"),
                         checked.channel("humidity", "%RH")]
        self._words = hardware.words(self.name, settings, _ADDRESS)
        self._sleep_ms = clock.sleep_ms
        self._reset = False

    def start(self) -> None:
        """Is the chip there? It is reset before its next measurement. Raises OSError."""
        self._words.identify(_READ_SERIAL, 2)
        self._words.command(_SOFT_RESET)
        self._reset = True

    async def measure(self, block, at: int) -> None:
        """Temperature and humidity in 0.01 degC and %RH. Raises OSError."""
        words = self._words
        if self._reset:
            await self._sleep_ms(_RESET_MS)
            self._reset = False
        words.command(_MEASURE)
        await self._sleep_ms(_MEASURE_MS)
        both = words.read(2)
        humidity = ((both & 0xFFFF) * 12500 + 32767) // 65535 - 600
        block[at] = ((both >> 16) * 17500 + 32767) // 65535 - 4500
        block[at + 1] = min(10000, max(0, humidity))    # the formula reaches beyond both ends


def chips(settings: dict, clock, hardware) -> list:
    """For `several`."""
    return [Sht4x(settings, clock, hardware)]


def make(settings: dict, clock, store, hardware):
    """Driver `sht4x`."""
    return hardware.slow(chips(settings, clock, hardware), settings, clock)
