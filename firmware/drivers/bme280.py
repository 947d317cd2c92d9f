# SPDX-License-Identifier: Apache-2.0
"""BME280: temperature, humidity, pressure, on I2C or SPI.

Settings: i2c or spi, address (0x76, or 0x77 with SDO high), interval_s, prefix (before the
channels' names). One forced measurement per reading, no oversampling, no filter: 0.16 % duty by
the minute, so it does not warm itself. Pressure counts from 800 hPa, to fit int16. Data sheet
BST-BME280-DS001, sections 3.3, 4.2.3 (integer compensation), 5, 9.1.
"""

import struct

_ADDRESS = 0x76
_ID = 0xD0
_RESET = 0xE0
_CTRL_HUM = 0xF2
_STATUS = 0xF3
_CTRL_MEAS = 0xF4
_CONFIG = 0xF5
_DATA = 0xF7
_FORCED = 0x25                  # x1, x1, forced
_MEASURE_MS = 10                # 9.3 at most
_TRIES = 5
_SKIPPED = 0x80000              # what a measurement that was not made reads as
_FIRST_HPA = 800


class Bme280:
    """What `firmware.slow` wants to know of the chip. Raises ValueError."""

    name = "bme280"

    def __init__(self, settings: dict, clock, hardware):
        checked = hardware.checked(settings, ("interval_s", "prefix"))
        self.channels = [checked.channel("temperature", "degC"),
                         checked.channel("humidity", "%RH"),
                         checked.channel("pressure", "hPa", 0.01, float(_FIRST_HPA))]
        self._registers = hardware.registers(settings, _ADDRESS, spi_freq=5_000_000)
        self._writes = 0x7F if settings.get("spi") is not None else 0xFF
        self._sleep_ms = clock.sleep_ms
        self._data = bytearray(8)
        self._t = self._p = self._h = None

    def start(self) -> None:
        """Is it a BME280? Read its calibration and set it up. Raises OSError."""
        registers = self._registers
        if registers.identify(self.name, _ID, (0x60, 0x58)) == 0x58:
            raise OSError("bme280: the chip at %s is a BMP280, which has no humidity sensor"
                          % registers.place)
        for _ in range(_TRIES):
            if not registers.read(_STATUS) & 0x01:
                break
        else:
            raise OSError("bme280: does not get ready; switch its power off and on")
        first, second = bytearray(26), bytearray(7)
        registers.read_into(0x88, first)
        registers.read_into(0xE1, second)
        words = struct.unpack("<HhhHhhhhhhhhxB", first)
        if 0 in words[:4] or words[0] == 0xFFFF:
            raise OSError("bme280: its calibration cannot be read; check wires or change it")
        self._t, self._p = words[:3], words[3:12]
        h2, h3, high4, low, high5, h6 = struct.unpack("<hBbBbb", second)
        self._h = (words[12], h2, h3, high4 * 16 + (low & 0x0F), high5 * 16 + (low >> 4), h6)
        self._write(_CTRL_HUM, 0x01)
        self._write(_CONFIG, 0x00)

    async def measure(self, block, at: int) -> None:
        """0.01 degC, 0.01 %RH, Pa from 800 hPa on. Raises OSError."""
        registers, data = self._registers, self._data
        if registers.read(_CTRL_HUM) & 0x07 != 0x01:
            raise OSError("bme280 lost its settings; a power glitch? It is set up again")
        self._write(_CTRL_MEAS, _FORCED)
        for _ in range(_TRIES):
            await self._sleep_ms(_MEASURE_MS)
            if not registers.read(_STATUS) & 0x08 and not registers.read(_CTRL_MEAS) & 0x03:
                break
        else:
            raise OSError("bme280: a measurement does not end; its power is bad")
        registers.read_into(_DATA, data)
        pressure = data[0] << 12 | data[1] << 4 | data[2] >> 4
        warmth = data[3] << 12 | data[4] << 4 | data[5] >> 4
        damp = data[6] << 8 | data[7]
        if _SKIPPED in (pressure, warmth, damp << 4):
            raise OSError("bme280 lost its settings; a power glitch? It is set up again")
        fine = fine_temperature(warmth, self._t)
        block[at] = fine * 5 + 128 >> 8
        block[at + 1] = (humidity_q10(damp, fine, self._h) * 100 + 512) >> 10
        counts = (pressure_q8(pressure, fine, self._p) + 128 >> 8) - _FIRST_HPA * 100
        if -32768 < counts < 32768:
            block[at + 2] = counts

    def _write(self, register: int, value: int) -> None:
        """On SPI bit 7 of the address of a write is 0."""
        self._registers.write(register & self._writes, value)


def fine_temperature(raw: int, t: tuple) -> int:
    """t_fine: 1/5120 degC. t: dig_T1 .. dig_T3."""
    linear = ((raw >> 3) - (t[0] << 1)) * t[1] >> 11
    away = (raw >> 4) - t[0]
    return linear + ((away * away >> 12) * t[2] >> 14)


def pressure_q8(raw: int, fine: int, p: tuple) -> int:
    """Pa in Q24.8, 0 when it cannot be said. p: dig_P1 .. dig_P9."""
    warm = fine - 128000
    offset = warm * warm * p[5] + (warm * p[4] << 17) + (p[3] << 35)
    gain = (warm * warm * p[2] >> 8) + (warm * p[1] << 12)
    gain = ((1 << 47) + gain) * p[0] >> 33
    if gain == 0:
        return 0
    linear = _toward_zero(((1048576 - raw << 31) - offset) * 3125, gain)
    square = p[8] * (linear >> 13) * (linear >> 13) >> 25
    return (linear + square + (p[7] * linear >> 19) >> 8) + (p[6] << 4)


def _toward_zero(a: int, b: int) -> int:
    """a / b for b > 0, truncated as in C."""
    return a // b if a >= 0 else -(-a // b)


def humidity_q10(raw: int, fine: int, h: tuple) -> int:
    """%RH in Q22.10. h: dig_H1 .. dig_H6."""
    warm = fine - 76800
    offset = (raw << 14) - (h[3] << 20) - h[4] * warm + 16384 >> 15
    slope = ((warm * h[5] >> 10) * ((warm * h[2] >> 11) + 32768) >> 10) + 2097152
    wet = offset * (slope * h[1] + 8192 >> 14)
    wet -= ((wet >> 15) * (wet >> 15) >> 7) * h[0] >> 4
    return min(419430400, max(0, wet)) >> 12


def chips(settings: dict, clock, hardware) -> list:
    """For `several`."""
    return [Bme280(settings, clock, hardware)]


def make(settings: dict, clock, store, hardware):
    """Driver `bme280`."""
    return hardware.slow(chips(settings, clock, hardware), settings, clock)
