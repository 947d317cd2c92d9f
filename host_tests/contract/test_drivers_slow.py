# SPDX-License-Identifier: Apache-2.0
"""Slow sensors on MicroPython: whole chips for some minutes, conversions, counting, sampling."""

import unittest
from array import array

from firmware.buses import Hardware
from firmware.clock import Clock
from firmware.drivers import bme280, max31865, sht4x, sht31
from firmware.pulses import Pulses
from firmware.timed import Timed
from noalloc import MICROPYTHON, no_allocation
from test_firmware_app import Scheduler
from tools.emulator.chips.bme280 import Bme280
from tools.emulator.chips.max31865 import Max31865, platinum
from tools.emulator.chips.sht import Sht4x, Sht31

I2C = {"i2c": {"id": 0, "sda": 4, "scl": 5}}
SPI = {"spi": {"id": 0, "sck": 18, "mosi": 19, "miso": 16, "cs": 17}}


class Bus:
    """An I2C or SPI bus with one chip on it."""

    def __init__(self, chip):
        self._chip = chip

    def writeto(self, address, buffer):
        self._chip.write(bytes(buffer))

    def readfrom_into(self, address, buffer):
        buffer[:] = self._chip.read(len(buffer))

    def readfrom_mem_into(self, address, register, buffer):
        self._chip.write(bytes([register]))
        buffer[:] = self._chip.read(len(buffer))

    def writeto_mem(self, address, register, buffer):
        self._chip.write(bytes([register]) + bytes(buffer))

    def write(self, buffer):
        self._chip.transfer(bytes(buffer))

    def readinto(self, buffer):
        buffer[:] = self._chip.transfer(bytes(len(buffer)))

    def write_readinto(self, source, target):
        target[:] = self._chip.transfer(bytes(source))


class Pin:
    """machine.Pin of a chip whose select pin is every pin."""

    OUT = 1

    def __init__(self, chip):
        self._chip = chip

    def __call__(self, number, mode=0, value=1):
        return getattr(self._chip, "select", number)


class Machine:
    """`machine` with one bus and one chip."""

    def __init__(self, chip):
        self._chip = chip
        self.Pin = Pin(chip)

    def I2C(self, number, sda, scl, freq):
        return Bus(self._chip)

    def SPI(self, number, baudrate, polarity, phase, sck, mosi, miso):
        return Bus(self._chip)


class TestChips(unittest.TestCase):
    def check(self, module, chip_class, settings, change):
        """Ten minutes by the minute; change(chip, i) before each; the samples, times 100."""
        scheduler = Scheduler(start_ms=0x3FFFFFFF - 200_000)     # ticks wrap meanwhile
        chip = chip_class(lambda: scheduler.now_ms * 1000)
        scheduler.now_ms = 10
        change(chip, 0)
        clock = Clock(scheduler, scheduler, 1)
        driver = module.make(settings, clock, None, Hardware(Machine(chip)))
        self.assertEqual(driver.rate_mhz, 17)
        block = array("h", [0] * len(driver.channels))
        samples = []

        async def sample():
            while True:
                try:
                    self.assertEqual(await driver.read(block), 1)
                    samples.append(list(block))
                except OSError as error:
                    samples.append(str(error))
                change(chip, len(samples))

        scheduler.create_task(sample())
        scheduler.run(599_000)
        self.assertEqual(len(samples), 10)
        return samples

    def cool(self, chip, i):
        chip.temperature = 10.0 - 3 * i
        chip.absent = i == 5
        if i == 7:
            chip.brown_out()

    def test_sht31(self):
        samples = self.check(sht31, Sht31, dict(I2C), self.cool)
        self.assertAlmostEqual(samples[4][0], -200, delta=1)
        self.assertIn("EIO" if MICROPYTHON else "5", samples[5])
        self.assertAlmostEqual(samples[6][0], -800, delta=1)
        self.assertIn("lost its settings", samples[7])
        self.assertAlmostEqual(samples[9][0], -1700, delta=1)
        self.assertAlmostEqual(samples[9][1], 5000, delta=1)

    def test_sht4x(self):
        samples = self.check(sht4x, Sht4x, dict(I2C), self.cool)
        self.assertAlmostEqual(samples[9][0], -1700, delta=1)
        self.assertAlmostEqual(samples[9][1], 5000, delta=1)

    def test_bme280(self):
        samples = self.check(bme280, Bme280, dict(I2C), self.cool)
        self.assertAlmostEqual(samples[4][0], -200, delta=1)
        self.assertIn("lost its settings", samples[7])
        self.assertAlmostEqual(samples[9][0], -1700, delta=1)
        self.assertAlmostEqual(samples[9][1], 5000, delta=3)
        self.assertAlmostEqual(samples[9][2], 21325, delta=4)

    def test_max31865(self):
        def heat(chip, i):
            chip.ohm = 100 * platinum(40.0 * i - 120)
            chip.shorted = i == 5

        samples = self.check(max31865, Max31865, dict(SPI), heat)
        for i in (0, 1, 2, 3, 4, 6, 7, 8, 9):
            self.assertAlmostEqual(samples[i][0], 4000 * i - 12000, delta=4)
        self.assertIn("shorted", samples[5])

    def test_single_precision_is_enough_for_platinum(self):
        for t in range(-200, 851, 10):
            self.assertAlmostEqual(max31865.degrees(platinum(t)), t, delta=0.004)


class Edge:
    """A pin that keeps its handler."""

    def irq(self, handler, trigger, hard=False):
        self.handler = handler


class Wave:
    """An analogue input that counts."""

    def __init__(self):
        self.value = 0

    def read_u16(self):
        self.value = self.value + 16 & 0xFFFF
        return self.value


class Timers:
    """at_rate of the hardware: the test ticks."""

    def at_rate(self, rate_hz, callback):
        self.tick = callback
        return self

    def deinit(self):
        self.tick = None


class TestInterrupts(unittest.TestCase):
    def test_counting_allocates_nothing(self):
        for hold_ms in (0, 5):
            pin = Edge()
            now = [0]
            pulses = Pulses(pin, 8, lambda now=now: now[0], hold_ms)
            pin.handler(pin)
            with no_allocation():
                for _ in range(100):
                    now[0] += 3
                    pin.handler(pin)
            self.assertEqual(pulses.count(), 101 if hold_ms == 0 else 51)

    def test_sampling_by_timer_allocates_nothing(self):
        scheduler = Scheduler()
        scheduler.ticks_us = lambda: scheduler.now_ms * 1000
        timers = Timers()
        driver = Timed([Wave(), Wave()], [{}, {}], 1000, Clock(scheduler, scheduler, 1), timers)
        block = array("h", [0] * 64)
        got = []

        async def sample():
            while True:
                self.assertEqual(await driver.read(block), 32)
                got.extend([block[2 * i] for i in range(32)])

        async def tick():
            while True:
                await scheduler.sleep_ms(1)
                if driver._timer is not None:
                    if MICROPYTHON:
                        with no_allocation():
                            timers.tick(timers)
                    else:
                        timers.tick(timers)

        scheduler.create_task(sample())
        scheduler.create_task(tick())
        scheduler.run(1000)
        self.assertGreater(len(got), 900)
        self.assertEqual(got, [16 * (i + 1) - 32768 for i in range(len(got))])
        self.assertEqual(driver.dropped, 0)


if __name__ == "__main__":
    unittest.main()
