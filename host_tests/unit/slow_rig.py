# SPDX-License-Identifier: Apache-2.0
"""Drivers of slow sensors with their chips on an emulated board, in virtual time."""

import importlib
import types
from array import array

from firmware.buses import Hardware
from firmware.clock import Clock
from tools.emulator import hardware as emulated
from tools.emulator import standin_machine, standin_time
from tools.emulator.virtual import VirtualClock

I2C = {"i2c": {"id": 0, "sda": 4, "scl": 5}}
SPI = {"spi": {"id": 0, "sck": 18, "mosi": 19, "miso": 16, "cs": 17}}
MISSING = -32768


class Rig:
    """`board` is the emulated hardware; chips are attached to it before `make`."""

    def __init__(self, start_ms: int = 0):
        self.board = emulated.Hardware(VirtualClock(), ticks_start_ms=start_ms)
        self.machine = standin_machine.build(self.board)
        self.asyncio = standin_time.build_asyncio(self.board)
        self.clock = Clock(standin_time.build_time(self.board), self.asyncio)
        self.hardware = Hardware(self.machine)
        self.hardware.driver = lambda name: importlib.import_module("firmware.drivers." + name)
        self.driver: types.SimpleNamespace | None = None

    def now_us(self) -> int:
        return self.board.clock.now_us

    def make(self, name, settings):
        module = importlib.import_module("firmware.drivers." + name)
        self.driver = module.make({"driver": name, **settings}, self.clock, None, self.hardware)
        return self.driver

    def sleep(self, ms):
        self.asyncio.run(self.clock.sleep_ms(ms))

    def raw(self, samples=1):
        """The samples of one block, interleaved."""
        block = array("h", [0] * samples * len(self.driver.channels))
        taken = self.asyncio.run(self.driver.read(block))
        return list(block[:taken * len(self.driver.channels)])

    def values(self):
        """One sample in its units; None where a reading is missing."""
        return [None if raw == MISSING else round(raw * c["scale"] + c["offset"], 4)
                for raw, c in zip(self.raw(), self.driver.channels)]
