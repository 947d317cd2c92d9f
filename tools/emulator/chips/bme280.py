# SPDX-License-Identifier: Apache-2.0
"""BME280 as in its data sheet (BST-BME280-DS001), sections 3.3, 4.2.2 (trimming parameters), 5, 6
and 9.1: forced mode, I2C and SPI. What it feels becomes raw counts by bisection of the formulas in
double precision of the data sheet's appendix, so the driver's integers meet another arithmetic.
"""

import errno
import struct

T = (27504, 26435, -1000)
P = (36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
H = (75, 367, 0, 312, 50, 30)
ID, RESET, CTRL_HUM, STATUS, CTRL_MEAS, CONFIG, DATA = 0xD0, 0xE0, 0xF2, 0xF3, 0xF4, 0xF5, 0xF7


def temperature(raw):
    """(degC, t_fine) of a raw temperature."""
    a = (raw / 16384 - T[0] / 1024) * T[1]
    b = (raw / 131072 - T[0] / 8192) ** 2 * T[2]
    return (a + b) / 5120, a + b


def pressure(raw, fine):
    """Pa."""
    a = fine / 2 - 64000
    b = a * a * P[5] / 32768 + a * P[4] * 2
    b = b / 4 + P[3] * 65536
    a = (P[2] * a * a / 524288 + P[1] * a) / 524288
    a = (1 + a / 32768) * P[0]
    pa = (1048576 - raw - b / 4096) * 6250 / a
    return pa + (P[8] * pa * pa / 2147483648 + pa * P[7] / 32768 + P[6]) / 16


def humidity(raw, fine):
    """%RH, limited as in the data sheet."""
    a = fine - 76800
    b = raw - (H[3] * 64 + H[4] / 16384 * a)
    b *= H[1] / 65536 * (1 + H[5] / 67108864 * a * (1 + H[2] / 67108864 * a))
    return min(100.0, max(0.0, b * (1 - H[0] * b / 524288)))


def _invert(function, wanted, top, falling=False):
    """The raw value whose physical one is nearest to `wanted`."""
    low, high = 0, top
    while low < high:
        middle = (low + high) // 2
        above = function(middle) >= wanted
        if above != falling:
            high = middle
        else:
            low = middle + 1
    return low


class Bme280:
    """now_us: the clock. temperature, humidity, pressure (hPa): what it feels.

    Faults: absent, wrong_id, endless (a measurement never ends), `brown_out()`. `measured`: how
    often.
    """

    def __init__(self, now_us):
        self.temperature = 20.0
        self.humidity = 50.0
        self.pressure = 1013.25
        self.absent = self.endless = False
        self.wrong_id = 0
        self.measured = 0
        self._now_us = now_us
        self._pointer = 0
        self._command = True
        self._reading = 0
        self.brown_out()

    def brown_out(self):
        """The supply dipped: as after power-on."""
        registers = self.registers = bytearray(256)
        registers[0x88:0xA0] = struct.pack("<HhhHhhhhhhhh", *(T + P))
        registers[0xA1] = H[0]
        low = H[3] & 0x0F | (H[4] & 0x0F) << 4
        registers[0xE1:0xE8] = struct.pack("<hBbBbb", H[1], H[2], H[3] >> 4, low, H[4] >> 4, H[5])
        registers[DATA:DATA + 8] = b"\x80\0\0\x80\0\0\x80\0"
        self._ready_us = None
        self._hum = 0               # ctrl_hum as of the last write to ctrl_meas
        self._awake_us = self._now_us() + 2000

    def write(self, data):
        """I2C: register address, or pairs of address and value."""
        self._answer()
        self._pointer = data[0]
        if len(data) > 1:
            assert len(data) % 2 == 0, "the address does not run on in writes"
            for i in range(0, len(data), 2):
                self._poke(data[i], data[i + 1])

    def read(self, count):
        """I2C: values from the register address on."""
        self._answer()
        return bytes([self._next() for _ in range(count)])

    def select(self, level):
        """SPI: the level of the select pin."""
        self._command = True

    def transfer(self, data):
        """SPI: bytes in, as many bytes out."""
        if self.absent:
            return b"\xff" * len(data)
        out = bytearray(len(data))
        for i in range(len(data)):
            if self._command:
                self._command = False
                self._reading = data[i] & 0x80
                self._pointer = data[i] | 0x80
                self._finish()
            elif self._reading:
                out[i] = self._next()
            else:
                self._poke(self._pointer, data[i])
                self._command = True
        return bytes(out)

    def _answer(self):
        if self.absent:
            raise OSError(errno.EIO)
        self._finish()

    def _next(self):
        register = self._pointer
        self._pointer = register + 1 & 0xFF
        if register == ID:
            return self.wrong_id or 0x60
        if register == STATUS:
            loading = 1 if self._now_us() < self._awake_us else 0
            return loading | (0x08 if self._ready_us is not None else 0)
        return self.registers[register]

    def _poke(self, register, value):
        if register == RESET:
            if value == 0xB6:
                self.brown_out()
            return
        assert register in (CTRL_HUM, CTRL_MEAS, CONFIG), "read-only"
        self.registers[register] = value
        if register == CTRL_MEAS:
            self._hum = self.registers[CTRL_HUM] & 0x07
            if value & 0x03 in (1, 2):
                self._ready_us = self._now_us() + self.duration_us()

    def duration_us(self):
        """Section 9.1, the maximum."""
        us = 1250
        for code, extra in ((self.registers[CTRL_MEAS] >> 5, 0),
                            (self.registers[CTRL_MEAS] >> 2 & 7, 575), (self._hum, 575)):
            if code:
                us += 2300 * (1 << min(code, 5) - 1) + extra
        return us

    def _finish(self):
        """The measurement ends, if its time has come."""
        if self._ready_us is None or self._now_us() < self._ready_us or self.endless:
            return
        self._ready_us = None
        self.measured += 1
        self.registers[CTRL_MEAS] &= 0xFC
        warm = _invert(lambda raw: temperature(raw)[0], self.temperature, 0xFFFFF)
        fine = temperature(warm)[1]
        press = _invert(lambda raw: pressure(raw, fine), self.pressure * 100, 0xFFFFF, True)
        damp = _invert(lambda raw: humidity(raw, fine), self.humidity, 0xFFFF)
        control = self.registers[CTRL_MEAS]
        warm = warm if control >> 5 else 0x80000
        press = press if control >> 2 & 7 else 0x80000
        damp = damp if self._hum else 0x8000
        data = (press << 4).to_bytes(3, "big") + (warm << 4).to_bytes(3, "big")
        self.registers[DATA:DATA + 8] = data + damp.to_bytes(2, "big")
