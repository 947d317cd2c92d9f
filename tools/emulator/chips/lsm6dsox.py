# SPDX-License-Identifier: Apache-2.0
"""LSM6DSOX as in its data sheet (DS12814), section 9, and AN5272, section 9: accelerometer, FIFO
of 512 words of a tag and six bytes, continuous mode, watermark at INT1.
"""

from tools.emulator.chips.sampled import SampledChip, pack

FIFO_CTRL1, FIFO_CTRL2, FIFO_CTRL3, FIFO_CTRL4 = 0x07, 0x08, 0x09, 0x0A
INT1_CTRL, CTRL1_XL, CTRL3_C = 0x0D, 0x10, 0x12
FIFO_STATUS1, FIFO_STATUS2 = 0x3A, 0x3B
INTERNAL_FREQ_FINE = 0x63
FIFO_DATA_OUT_TAG = 0x78
_RATES = (0, 12_500, 26_000, 52_000, 104_000, 208_000, 417_000, 833_000, 1_667_000, 3_333_000,
          6_667_000)                            # mHz
_MG = (0.061, 0.488, 0.122, 0.244)              # per count, by FS_XL


class Lsm6dsox(SampledChip):
    """`fast` is also what INTERNAL_FREQ_FINE says, in steps of 0.15 %."""

    POWER_ON = {CTRL3_C: 0x04}
    WHO_AM_I, ID = 0x0F, 0x6C
    CAPACITY = 512

    def __init__(self, now_us, signal, fast=0.0):
        self._output = bytes(7)
        self._overrun = False
        self._tagged = 0
        super().__init__(now_us, signal, fast)

    def brown_out(self):
        super().brown_out()
        self._overrun = False
        self.registers[INTERNAL_FREQ_FINE] = int(round(self._fast / 0.0015)) & 0xFF

    def rate_mhz(self):
        return _RATES[self.registers[CTRL1_XL] >> 4]

    def collects(self):
        batched = self.registers[FIFO_CTRL3] & 0x0F == self.registers[CTRL1_XL] >> 4
        return batched and self.registers[FIFO_CTRL4] & 0x07 == 6

    def watermark(self):
        if not self.registers[INT1_CTRL] & 0x08:
            return 0
        return self.registers[FIFO_CTRL1] | (self.registers[FIFO_CTRL2] & 1) << 8

    def convert(self, values):
        mg = _MG[self.registers[CTRL1_XL] >> 2 & 0x03]
        self._tagged += 1
        tag = 0x02 << 3 | (self._tagged & 0x03) << 1
        ones = sum([tag >> i & 1 for i in range(1, 8)])
        return bytes([tag | ones & 1]) + pack(values, mg / 1000, -32768, 32767)

    def overrun(self):
        self._overrun = True

    def following(self, register):
        if register == FIFO_DATA_OUT_TAG + 6:
            return FIFO_DATA_OUT_TAG
        return super().following(register) if self.registers[CTRL3_C] & 0x04 else register

    def peek(self, register):
        if FIFO_DATA_OUT_TAG <= register < FIFO_DATA_OUT_TAG + 7:
            if register == FIFO_DATA_OUT_TAG:
                self._output = self.fifo.pop(0) if self.fifo else self._output
            return self._output[register - FIFO_DATA_OUT_TAG]
        if register == FIFO_STATUS1:
            return len(self.fifo) & 0xFF
        if register == FIFO_STATUS2:
            wanted = self.watermark()
            flags = 0x80 if wanted and len(self.fifo) >= wanted else 0
            flags |= 0x48 if self._overrun else 0
            self._overrun = False
            return flags | len(self.fifo) >> 8
        return self.registers[register]

    def poke(self, register, value):
        self.registers[register] = value
        if register == FIFO_CTRL4 and value & 0x07 == 0:
            self.fifo = []
            self._overrun = False
