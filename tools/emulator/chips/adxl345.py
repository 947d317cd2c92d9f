# SPDX-License-Identifier: Apache-2.0
"""ADXL345 as in its data sheet (Rev. E): "Register Map", "FIFO", "Data Formatting of Upper Data
Rates" (D0 is 0 at 1600 and 3200 Hz). Full-resolution mode only; no taps, activity or offsets.
"""

from tools.emulator.chips.sampled import SampledChip, pack

BW_RATE, POWER_CTL, INT_ENABLE, INT_SOURCE = 0x2C, 0x2D, 0x2E, 0x30
DATA_FORMAT, DATAX0, FIFO_CTL, FIFO_STATUS = 0x31, 0x32, 0x38, 0x39
COUNT_G = 0.0039


class Adxl345(SampledChip):
    POWER_ON = {BW_RATE: 0x0A, INT_SOURCE: 0x02}
    WHO_AM_I, ID = 0x00, 0xE5
    CAPACITY = 33                   # 32 and the one in the output registers
    SPI_ADDRESS_BITS = 0x3F         # bit 6: several bytes

    def __init__(self, now_us, signal, fast=0.0):
        self._output = bytes(6)
        self._overrun = False
        super().__init__(now_us, signal, fast)

    def brown_out(self):
        super().brown_out()
        self._overrun = False

    def rate_mhz(self):
        if not self.registers[POWER_CTL] & 0x08:
            return 0
        return 3_200_000 >> 15 - (self.registers[BW_RATE] & 0x0F)

    def collects(self):
        return self.registers[FIFO_CTL] >> 6 == 2

    def watermark(self):
        return self.registers[FIFO_CTL] & 0x1F if self.registers[INT_ENABLE] & 0x02 else 0

    def convert(self, values):
        form = self.registers[DATA_FORMAT]
        assert form & 0x0F == 0x08 | form & 0x03, "only full resolution, right-justified"
        reach = 256 << (form & 0x03) + 1
        data = pack(values, COUNT_G, -reach, reach - 1)
        if self.registers[BW_RATE] & 0x0F > 0x0D:
            data = bytes([data[i] if i % 2 else data[i] & 0xFE for i in range(6)])
        return data

    def overrun(self):
        self._overrun = True

    def peek(self, register):
        if DATAX0 <= register < DATAX0 + 6:
            if register == DATAX0:
                self._output = self.fifo.pop(0) if self.fifo else self._output
                self._overrun = False
            return self._output[register - DATAX0]
        if register == FIFO_STATUS:
            return len(self.fifo)
        if register == INT_SOURCE:
            reached = len(self.fifo) >= (self.registers[FIFO_CTL] & 0x1F)
            full = self._overrun or len(self.fifo) == self.CAPACITY
            return (0x80 if self.fifo else 0) | (0x02 if reached else 0) | (0x01 if full else 0)
        return self.registers[register]

    def poke(self, register, value):
        self.registers[register] = value
        if register == FIFO_CTL and value >> 6 == 0:
            self.fifo = []
            self._overrun = False
