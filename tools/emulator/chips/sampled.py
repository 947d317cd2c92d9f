# SPDX-License-Identifier: Apache-2.0
"""A sensor chip with registers and a FIFO that fills by its own clock; the chips add their maps.

Runs on CPython and on MicroPython, so that drivers meet the same chip on both.
"""

import errno
import struct


def _ignore(level):
    """A pin that leads nowhere."""


class SampledChip:
    """Registers behind I2C (`write`, `read`) or SPI (`select`, `transfer`).

    now_us: the clock. signal(index, t_s): what the sensor feels at its sample `index`, one number
    per channel in g (and deg/s). fast: how much its clock is too fast (0.02: 2 %).
    Faults: absent (no answer), stuck (one sample for ever), wrong_id, `brown_out()`. `index` is
    the number of samples made, `overruns` of those overwritten, `written` every (register, value).
    """

    POWER_ON: dict[int, int] = {}   # register: value, where it is not 0
    WHO_AM_I = 0
    ID = 0
    CAPACITY = 32           # samples
    SPI_ADDRESS_BITS = 0x7F

    def __init__(self, now_us, signal, fast=0.0):
        self.absent = False
        self.stuck = False
        self.wrong_id = 0
        self.index = 0
        self.overruns = 0
        self.written = []
        self.pin = _ignore
        self.schedule = _ignore
        self._now_us = now_us
        self._signal = signal
        self._fast = fast
        self._pointer = 0
        self._command = True
        self._reading = 0
        self.brown_out()

    def brown_out(self):
        """The supply dipped: every register is as at power-on."""
        self.registers = bytearray(128)
        for register in self.POWER_ON:
            self.registers[register] = self.POWER_ON[register]
        self.fifo = []
        self._rate_mhz = 0
        self._restart()

    # what a chip has to say

    def rate_mhz(self):
        """The rate that the registers ask for, 0 when it does not measure."""
        return 0

    def collects(self):
        """Whether samples go into the FIFO."""
        return True

    def watermark(self):
        """The FIFO's level at which the interrupt pin rises, or 0."""
        return 0

    def convert(self, values):
        """The bytes of one sample of these values."""
        raise NotImplementedError

    def peek(self, register):
        """Read a register; reading data takes it out of the FIFO."""
        return self.registers[register]

    def poke(self, register, value):
        """Write a register."""
        self.registers[register] = value

    def following(self, register):
        """The next address of a transfer of several bytes."""
        return register + 1 & 0x7F

    def overrun(self):
        """The oldest sample was overwritten."""

    # buses

    def write(self, data):
        """I2C: register address, then values for it and those that follow."""
        self._answer()
        self._pointer = data[0] & 0x7F
        for value in data[1:]:
            self._poke(value)
        self._refresh()

    def read(self, count):
        """I2C: values from the register address on."""
        self._answer()
        data = bytes([self._peek() for _ in range(count)])
        self._refresh()
        return data

    def select(self, level):
        """SPI: the level of the select pin; a transfer begins with its fall."""
        self._command = True
        if level:
            self._refresh()

    def transfer(self, data):
        """SPI: bytes in, as many bytes out."""
        if self.absent:
            return b"\xff" * len(data)
        out = bytearray(len(data))
        for i in range(len(data)):
            if self._command:
                self._command = False
                self._reading = data[i] & 0x80
                self._pointer = data[i] & self.SPI_ADDRESS_BITS
                self._advance()
            elif self._reading:
                out[i] = self._peek()
            else:
                self._poke(data[i])
        return bytes(out)

    def _answer(self):
        if self.absent:
            raise OSError(errno.EIO)
        self._advance()

    def _peek(self):
        register = self._pointer
        self._pointer = self.following(register)
        if register == self.WHO_AM_I:
            return self.wrong_id or self.ID
        return self.peek(register)

    def _poke(self, value):
        register = self._pointer
        self._pointer = self.following(register)
        self.written.append((register, value))
        self.poke(register, value)
        if self.rate_mhz() != self._rate_mhz:
            self._rate_mhz = self.rate_mhz()
            self._restart()

    # time

    def _restart(self):
        """The first sample comes one period from now."""
        self._since_us = self._now_us()
        self._made = 0

    def _due_us(self, samples):
        """When that many samples more than now will have been made."""
        speed = self._rate_mhz * (1 + self._fast)
        return self._since_us + int((self._made + samples) * 1e9 / speed) + 1

    def _advance(self):
        """Make the samples whose time has come."""
        if not self._rate_mhz:
            return
        passed_us = self._now_us() - self._since_us
        due = int(passed_us * (self._rate_mhz * (1 + self._fast)) / 1e9)
        missing = due - self._made
        if missing > 2 * self.CAPACITY:         # nobody has read for long: only the newest matter
            skipped = missing - 2 * self.CAPACITY
            self.index += skipped
            self.overruns += skipped if self.collects() else 0
            missing -= skipped
        self._made = due
        for _ in range(missing):
            self._make()

    def _make(self):
        index = 0 if self.stuck else self.index
        self.index += 1
        if self.collects():
            if len(self.fifo) >= self.CAPACITY:
                self.fifo.pop(0)
                self.overruns += 1
                self.overrun()
            self.fifo.append(self.convert(self._signal(index, self._now_us() / 1e6)))

    def _refresh(self):
        """Set the interrupt pin, and come back when the watermark will have been reached."""
        wanted = self.watermark()
        reached = wanted and len(self.fifo) >= wanted
        self.pin(1 if reached else 0)
        if wanted and not reached and self._rate_mhz and self.collects():
            self.schedule(self._due_us(wanted - len(self.fifo)))

    def wake(self):
        """What `schedule` has to call when its time has come."""
        self._advance()
        self._refresh()


def pack(values, scale, low, high, shift=0, order="<"):
    """int16 of values / scale, limited to low .. high counts, as bytes."""
    counts = [min(high, max(low, int(round(value / scale)))) << shift for value in values]
    return struct.pack(order + "h" * len(counts), *counts)
