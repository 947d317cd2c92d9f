# SPDX-License-Identifier: Apache-2.0
"""LIS3DH as in its data sheet (DocID17530), sections 4 and 8, and AN3308, section 9:
high-resolution and low-power mode, stream FIFO, watermark at INT1. Data are left-justified, 12 or
8 bits.
"""

from tools.emulator.chips.sampled import SampledChip, pack

CTRL_REG1, CTRL_REG3, CTRL_REG4, CTRL_REG5 = 0x20, 0x22, 0x23, 0x24
OUT_X_L, FIFO_CTRL, FIFO_SRC = 0x28, 0x2E, 0x2F
_RATES = (0, 1, 10, 25, 50, 100, 200, 400, 1600, 1344)      # Hz
_MG = (1, 2, 4, 12)                                         # per digit of 12 bits


class Lis3dh(SampledChip):
    POWER_ON = {CTRL_REG1: 0x07}
    WHO_AM_I, ID = 0x0F, 0x33
    SPI_ADDRESS_BITS = 0x3F         # bit 6: several bytes

    def __init__(self, now_us, signal, fast=0.0):
        self._output = bytes(6)
        self._several = 1
        super().__init__(now_us, signal, fast)

    def rate_mhz(self):
        code = self.registers[CTRL_REG1] >> 4
        low_power = self.registers[CTRL_REG1] & 0x08
        if code == 9 and low_power:
            return 5_376_000
        if code == 8 and not low_power:
            return 0
        return _RATES[code] * 1000

    def collects(self):
        return self.registers[CTRL_REG5] & 0x40 and self.registers[FIFO_CTRL] >> 6 == 2

    def watermark(self):
        if not self.registers[CTRL_REG3] & 0x04:
            return 0
        return (self.registers[FIFO_CTRL] & 0x1F) + 1       # above the threshold

    def convert(self, values):
        control = self.registers[CTRL_REG4]
        mg = _MG[control >> 4 & 0x03]
        if self.registers[CTRL_REG1] & 0x08:
            assert not control & 0x08, "low power and high resolution is not allowed"
            return pack(values, mg * 0.016, -128, 127, 8)
        assert control & 0x08, "normal mode (10 bits) is not modelled"
        return pack(values, mg * 0.001, -2048, 2047, 4)

    def write(self, data):
        self._several = data[0] & 0x80
        super().write(data)

    def select(self, level):
        self._several = 1
        super().select(level)

    def following(self, register):
        if not self._several:
            return register
        return OUT_X_L if register == OUT_X_L + 5 else super().following(register)

    def peek(self, register):
        if OUT_X_L <= register < OUT_X_L + 6:
            if register == OUT_X_L:
                self._output = self.fifo.pop(0) if self.fifo else self._output
            return self._output[register - OUT_X_L]
        if register == FIFO_SRC:
            level = len(self.fifo)
            flags = 0x80 if level > self.registers[FIFO_CTRL] & 0x1F else 0
            flags |= 0x40 if level == self.CAPACITY else 0
            return flags | (0x20 if level == 0 else 0) | min(level, 31)
        return self.registers[register]

    def poke(self, register, value):
        self.registers[register] = value
        if register == FIFO_CTRL and value >> 6 == 0:
            self.fifo = []
