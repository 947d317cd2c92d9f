# SPDX-License-Identifier: Apache-2.0
"""FIFO drivers on MicroPython: whole chips for a few seconds, and no allocation per block."""

import unittest
from array import array

from firmware.buses import Hardware
from firmware.clock import Clock
from firmware.drivers import lis3dh, lsm6dsox, mpu6050
from firmware.fifo import Fifo
from firmware.unpack import unpack
from noalloc import MICROPYTHON, no_allocation
from test_firmware_app import Scheduler
from tools.emulator.chips.lis3dh import Lis3dh
from tools.emulator.chips.lsm6dsox import Lsm6dsox
from tools.emulator.chips.mpu6050 import Mpu6050


class Bus:
    """The one I2C bus of this machine, with one chip on it."""

    def __init__(self, chip):
        self._chip = chip

    def readfrom_mem_into(self, address, register, buffer):
        self._chip.write(bytes([register]))
        buffer[:] = self._chip.read(len(buffer))

    def writeto_mem(self, address, register, buffer):
        self._chip.write(bytes([register]) + bytes(buffer))


class Machine:
    """`machine` as far as a polled chip on I2C needs it."""

    def __init__(self, chip):
        self._chip = chip

    def Pin(self, number):
        return number

    def I2C(self, number, sda, scl, freq):
        return Bus(self._chip)


def counts(index):
    return [index * step % 301 - 150 for step in (1, 3, 7)]


class TestChips(unittest.TestCase):
    def check(self, module, chip_class, settings, scale, step=1):
        scheduler = Scheduler()
        chip = chip_class(lambda: scheduler.now_ms * 1000,
                          lambda index, t_s: [count * scale for count in counts(index)])
        settings["i2c"] = {"id": 0, "sda": 4, "scl": 5, "freq": 1_000_000}
        clock = Clock(scheduler, scheduler, 1)
        driver = module.make(settings, clock, None, Hardware(Machine(chip)))
        block = array("h", [0] * 384)
        got = []

        async def sample():
            while True:
                taken = await driver.read(block)
                for i in range(taken):
                    got.append((block[3 * i], block[3 * i + 1], block[3 * i + 2]))

        scheduler.create_task(sample())
        scheduler.run(1500)
        first = got[0][0] // step + 150
        for i in range(len(got)):
            wanted = counts(first + i)
            self.assertEqual(got[i], (wanted[0] * step, wanted[1] * step, wanted[2] * step))
        self.assertEqual(driver.dropped, 0)
        return len(got)

    def test_lsm6dsox(self):
        samples = self.check(lsm6dsox, Lsm6dsox, {"rate_hz": 833}, 0.000488)
        self.assertGreater(samples, 1100)

    def test_mpu6050(self):
        samples = self.check(mpu6050, Mpu6050, {"rate_hz": 500}, 16 / 32768)
        self.assertGreater(samples, 600)

    def test_lis3dh(self):
        samples = self.check(lis3dh, Lis3dh, {"rate_hz": 400, "range_g": 2}, 0.001, 16)
        self.assertGreater(samples, 450)


class Registers:
    """All as set."""

    def identify(self, name, register, wanted):
        return wanted[0]

    def busy(self, callback):
        return False

    def read(self, register):
        return 7

    def write(self, register, value):
        pass


class Steady:
    """A chip whose samples are numbered by the burst."""

    name = "steady"
    identity = (0, (1,))
    registers = Registers()
    clear = ((1, 0),)
    config = ((1, 7), (2, 7))
    channels = [{"name": "z", "unit": "g", "scale": 1.0, "offset": 0.0}]
    rate_mhz = 1_000_000
    depth = 512
    burst = 16
    settle = 1
    noisy = True
    layout = [3, 1, 1, 2]

    def __init__(self):
        self.raw = bytearray(48)
        self.left = 0

    def level(self):
        return self.left

    def fetch(self):
        self.left -= 16
        self.raw[1] += 1


class TestMemory(unittest.TestCase):
    def test_block_allocates_nothing(self):
        scheduler = Scheduler()
        chip = Steady()
        driver = Fifo(chip, Clock(scheduler, scheduler, 1), None)
        block = array("h", [0] * 64)
        taken = []

        async def sample():
            for locked in (False, False, MICROPYTHON):
                chip.left = 64 if taken else 80
                coroutine = driver.read(block)
                if locked:
                    with no_allocation():
                        count = await coroutine
                else:
                    count = await coroutine
                taken.append(count)

        scheduler.create_task(sample())
        try:
            scheduler.run(0)
        except ValueError:      # nothing is left to be done
            pass
        self.assertEqual(taken, [64, 64, 64])
        self.assertEqual([block[i] for i in (0, 16, 32, 48)], [10, 11, 12, 13])

    def test_unpack_takes_bytes_in_any_order_and_sign(self):
        source = bytearray([9, 0x12, 0x34, 0xFF, 0xFE, 9, 0x80, 0x00, 0x7F, 0xFF])
        target = array("h", [0] * 4)
        spec = array("h", [2, 5, 2, 2, 1, 4, 3])
        unpack(source, target, spec)
        self.assertEqual(list(target), [0x1234, -2, -32768, 32767])
        with no_allocation():
            unpack(source, target, spec)


if __name__ == "__main__":
    unittest.main()
