# SPDX-License-Identifier: Apache-2.0
"""A driver with its chip on an emulated board, in virtual time."""

import importlib
from array import array

from firmware.buses import Hardware
from firmware.clock import Clock
from tools.emulator import hardware as emulated
from tools.emulator import standin_machine, standin_time
from tools.emulator.chips import attach
from tools.emulator.virtual import VirtualClock

I2C = {"i2c": {"id": 0, "sda": 4, "scl": 5}}
FAST_I2C = {"i2c": {"id": 0, "sda": 4, "scl": 5, "freq": 1_000_000}}
SPI = {"spi": {"id": 0, "sck": 18, "mosi": 19, "miso": 16, "cs": 17}}


def counts(index: int) -> tuple[int, ...]:
    """Six even numbers within +-200 that tell which sample this is (once in about a million)."""
    return tuple(2 * (index * step % size) - 200 for step, size in (
        (1, 199), (3, 197), (1, 193), (5, 191), (7, 181), (1, 179)))


class Rig:
    """`board` is the emulated hardware, `chip` the model, `driver` what `make` returned.

    scales: per channel, of one count of the signal. start_ms: of the ticks.
    """

    def __init__(self, module, chip_class, settings, scales, address=None, interrupt=None,
                 fast=0.0, start_ms=0, signal=None):
        self.board = emulated.Hardware(VirtualClock(), ticks_start_ms=start_ms)
        self.machine = standin_machine.build(self.board)
        self.asyncio = standin_time.build_asyncio(self.board)
        self.clock = Clock(standin_time.build_time(self.board), self.asyncio)
        scales = tuple(scales)

        def felt(index, t_s):
            return [c * s for c, s in zip(counts(index), scales)]

        self.chip = chip_class(lambda: self.board.clock.now_us, signal or felt, fast)
        settings = dict(settings)
        if interrupt is not None:
            settings["interrupt"] = interrupt
        select = settings["spi"]["cs"] if "spi" in settings else None
        attach(self.board, self.chip, None if select else address, select, interrupt)
        self.settings = settings
        self.hardware = Hardware(self.machine)
        self._make = importlib.import_module("firmware.drivers." + module).make
        self.driver = None

    def make(self):
        self.driver = self._make(self.settings, self.clock, None, self.hardware)
        return self

    def run(self, coroutine):
        return self.asyncio.run(coroutine)

    def sleep(self, ms):
        self.run(self.clock.sleep_ms(ms))

    def read(self, samples=128):
        """One block's samples, as a list of tuples."""
        width = len(self.driver.channels)
        block = array("h", [0] * samples * width)
        taken = self.run(self.driver.read(block))
        return [tuple(block[i * width:(i + 1) * width]) for i in range(taken)]

    def stream(self, seconds, busy_ms=0):
        """All samples of some seconds; busy_ms of computing (interrupts go on) per block."""
        width = len(self.driver.channels)
        block = array("h", [0] * 128 * width)
        end_us = self.board.clock.now_us + int(seconds * 1e6)
        samples = array("h")

        async def sample():
            while self.board.clock.now_us < end_us:
                taken = await self.driver.read(block)
                samples.extend(block[:taken * width])
                if busy_ms:
                    self.board.sleep_us(busy_ms * 1000)

        self.run(sample())
        return [tuple(samples[i:i + width]) for i in range(0, len(samples), width)]


def first_index(sample, axes=(0, 1, 2)) -> int:
    """The first index with these counts."""
    for index in range(1_000_000):
        if tuple(counts(index)[axis] for axis in axes) == sample:
            return index
    raise AssertionError(f"{sample} was never felt")


def check_gapless(samples, factor=1, axes=(0, 1, 2)) -> int:
    """Every sample is the next one, bit-exact; returns the index of the first.

    factor: int16 steps per count of the signal.
    """
    first = first_index(tuple(value // factor for value in samples[0]), axes)
    for i, sample in enumerate(samples):
        felt = counts(first + i)
        assert sample == tuple(felt[axis] * factor for axis in axes), f"sample {i} of {first}"
    return first
