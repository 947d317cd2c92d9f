# SPDX-License-Identifier: Apache-2.0
"""MPU-6050 and MPU-6500 as in RM-MPU-6000A-00 (registers 25 to 117) and RM-MPU-6500A-00: FIFO of
accelerometer and gyroscope, big-endian, 1024 (512) bytes, oldest bytes overwritten when full.
"""

from tools.emulator.chips.sampled import SampledChip, pack

SMPLRT_DIV, CONFIG, GYRO_CONFIG, ACCEL_CONFIG = 0x19, 0x1A, 0x1B, 0x1C
ACCEL_CONFIG_2, FIFO_EN, USER_CTRL, PWR_MGMT_1 = 0x1D, 0x23, 0x6A, 0x6B
FIFO_COUNTH, FIFO_R_W = 0x72, 0x74


class Mpu6050(SampledChip):
    """The signal gives x, y, z in g, then the three rates in deg/s."""

    POWER_ON = {PWR_MGMT_1: 0x40}
    WHO_AM_I, ID = 0x75, 0x68
    CAPACITY = 1024                 # bytes

    def brown_out(self):
        self._bytes = bytearray()
        self._taken = 0
        super().brown_out()

    def rate_mhz(self):
        if self.registers[PWR_MGMT_1] & 0x40 or self.registers[CONFIG] & 0x07 in (0, 7):
            return 0                # asleep, or on the 8 kHz clock, which is not modelled
        return 1_000_000 // (1 + self.registers[SMPLRT_DIV])

    def collects(self):
        return self.registers[USER_CTRL] & 0x40 and self.registers[FIFO_EN]

    def convert(self, values):
        accel = 2 << (self.registers[ACCEL_CONFIG] >> 3 & 0x03)
        gyro = 250 << (self.registers[GYRO_CONFIG] >> 3 & 0x03)
        data = b""
        if self.registers[FIFO_EN] & 0x08:
            data += pack(values[:3], accel / 32768, -32768, 32767, 0, ">")
        if self.registers[FIFO_EN] & 0x70:
            data += pack(values[3:6], gyro / 32768, -32768, 32767, 0, ">")
        return data

    def _make(self):
        super()._make()
        if self.fifo:
            self._bytes = self._bytes[self._taken:] + self.fifo.pop(0)
            self._taken = 0
            if len(self._bytes) > self.CAPACITY:
                self._bytes = self._bytes[len(self._bytes) - self.CAPACITY:]
                self.overruns += 1

    def following(self, register):
        return register if register == FIFO_R_W else super().following(register)

    def peek(self, register):
        left = len(self._bytes) - self._taken
        if register == FIFO_R_W:
            if not left:
                return 0xFF
            self._taken += 1
            return self._bytes[self._taken - 1]
        if register == FIFO_COUNTH:
            return left >> 8
        if register == FIFO_COUNTH + 1:
            return left & 0xFF
        return self.registers[register]

    def poke(self, register, value):
        if register == USER_CTRL and value & 0x04:
            self._bytes = bytearray()
            self._taken = 0
            value &= ~0x04
        self.registers[register] = value


class Mpu6500(Mpu6050):
    POWER_ON = {PWR_MGMT_1: 0x01}
    ID = 0x70
    CAPACITY = 512
