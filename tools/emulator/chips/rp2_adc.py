# SPDX-License-Identifier: Apache-2.0
"""The RP2040's ADC and the DMA channels that empty it, as in its data sheet, sections 4.9 (CS,
FCS, FIFO, DIV, round robin) and 2.5 (chaining, address wrapping, transfer counts), with the
interface of MicroPython's `rp2.DMA` and `machine.mem32`. Addresses are those of this process.
"""

import ctypes

BASE = 0x4004C000
CS, FCS, FIFO, DIV = 0x00, 0x08, 0x0C, 0x10
DREQ_ADC = 36
_DEPTH = 8
_CHANNELS = 12
# name: (lowest bit, bits) in CTRL
_FIELDS = {
    "enable": (0, 1), "high_pri": (1, 1), "size": (2, 2), "inc_read": (4, 1),
    "inc_write": (5, 1), "ring_size": (6, 4), "ring_sel": (10, 1), "chain_to": (11, 4),
    "treq_sel": (15, 6), "irq_quiet": (21, 1), "bswap": (22, 1), "sniff_en": (23, 1)}


def address_of(buffer):
    """uctypes.addressof."""
    return ctypes.addressof(ctypes.c_char.from_buffer(memoryview(buffer).cast("B")))


class Channel:
    """One `rp2.DMA()`."""

    def __init__(self, adc, number):
        self.channel = number
        self._adc = adc
        self._ctrl = 0
        self._write = self._left = self._reload = 0
        self._read = 0
        self._bounds = (0, 0)
        self.busy = False

    def pack_ctrl(self, default=None, **fields):
        if default is None:
            default = 1 | 2 << 2 | 1 << 4 | 1 << 5 | self.channel << 11 | 0x3F << 15 | 1 << 21
        for name, value in fields.items():
            shift, bits = _FIELDS[name]
            if int(value) >> bits:
                raise ValueError("bad field value")
            default = default & ~((1 << bits) - 1 << shift) | int(value) << shift
        return default

    def field(self, name):
        shift, bits = _FIELDS[name]
        return self._ctrl >> shift & (1 << bits) - 1

    def config(self, read=None, write=None, count=None, ctrl=None, trigger=False):
        self._adc.advance()
        if read is not None:
            self._read = read
        if write is not None:
            self._write = address_of(write)
            self._bounds = (self._write, self._write + memoryview(write).nbytes)
        if count is not None:
            self._reload = count
        if ctrl is not None:
            self._ctrl = ctrl
        if trigger:
            self.trigger()

    def trigger(self):
        if self.field("enable"):
            self._left = self._reload
            self.busy = True

    def active(self, value=None):
        self._adc.advance()
        if value is not None:
            if value:
                self.trigger()
            else:
                self.busy = False
                self._left = 0
        return self.busy

    @property
    def count(self):
        self._adc.advance()
        return self._left

    @count.setter
    def count(self, value):
        self._reload = value

    @property
    def ctrl(self):
        return self._ctrl

    @ctrl.setter
    def ctrl(self, value):
        self._adc.advance()
        self._ctrl = value

    def close(self):
        self._adc.free(self)

    def wants(self):
        return self.busy and self.field("enable") and self.field("treq_sel") == DREQ_ADC

    def transfer(self, value):
        """One half-word from the FIFO; the write address wraps within the ring."""
        assert self.field("size") == 1 and not self.field("inc_read")
        assert self._read == BASE + FIFO
        low, high = self._bounds
        assert low <= self._write <= high - 2, "DMA writes outside of its buffer"
        ctypes.c_uint16.from_address(self._write).value = value
        if self.field("inc_write"):
            following = self._write + 2
            if self.field("ring_sel") and self.field("ring_size"):
                mask = (1 << self.field("ring_size")) - 1
                following = self._write & ~mask | following & mask
            self._write = following
        self._left -= 1
        if not self._left:
            self.busy = False
            if self.field("chain_to") != self.channel:
                self._adc.channels[self.field("chain_to")].trigger()


class Rp2Adc:
    """`[address]` is machine.mem32; `channel()` is rp2.DMA. sample(input, index): 12 bits.

    Faults: stopped (the ADC's clock stands still), stall (the DMA does not empty the FIFO).
    made: conversions since the last start.
    """

    def __init__(self, now_us, sample):
        self.sample = sample
        self.channels = {}
        self.stopped = self.stall = False
        self.made = 0
        self._now_us = now_us
        self._since_us = 0
        self._cs = self._fcs = self._div = 0
        self._fifo = []

    def channel(self):
        """Claim a DMA channel."""
        for number in range(_CHANNELS):
            if number not in self.channels:
                self.channels[number] = Channel(self, number)
                return self.channels[number]
        raise OSError(16)

    def free(self, channel):
        del self.channels[channel.channel]

    def __getitem__(self, address):
        self.advance()
        register = address - BASE
        if register == CS:
            return self._cs | 0x100
        if register == FCS:
            empty = 0x100 if not self._fifo else 0
            return self._fcs | empty | len(self._fifo) << 16
        if register == FIFO:
            if not self._fifo:
                self._fcs |= 0x400
                return 0
            return self._fifo.pop(0)
        assert register == DIV, "not modelled"
        return self._div

    def __setitem__(self, address, value):
        self.advance()
        register = address - BASE
        if register == CS:
            if value & 0x08 and not self._cs & 0x08:
                self._since_us = self._now_us()
                self.made = 0
            self._cs = value & 0x1F700F
        elif register == FCS:
            self._fcs = self._fcs & 0xC00 & ~value | value & 0x0F00000F
        elif register == DIV:
            self._div = value
        else:
            raise AssertionError("read-only")

    def period_us(self):
        """Of one conversion."""
        return max(96, 1 + (self._div >> 8) + (self._div & 0xFF) / 256) / 48

    def advance(self):
        """Make the conversions whose time has come, and hand them to the DMA."""
        if not self._cs & 0x08 or self.stopped:
            return
        due = int((self._now_us() - self._since_us) / self.period_us())
        while self.made < due:
            self._convert()

    def _convert(self):
        number = self._cs >> 12 & 7
        value = self.sample(number, self.made)
        self.made += 1
        robin = self._cs >> 16 & 0x1F
        if robin:
            number = (number + 1) % 5
            while not robin >> number & 1:
                number = (number + 1) % 5
            self._cs = self._cs & ~0x7000 | number << 12
        if not self._fcs & 0x01:
            return
        if len(self._fifo) == _DEPTH:
            self._fcs |= 0x800
            return
        self._fifo.append(value)
        if self.stall or not self._fcs & 0x08:
            return
        for channel in list(self.channels.values()):
            if self._fifo and channel.wants():
                channel.transfer(self._fifo.pop(0))
