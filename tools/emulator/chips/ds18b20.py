# SPDX-License-Identifier: Apache-2.0
"""DS18B20 as in its data sheet, bit by bit: "1-Wire Bus System" (search, match, skip ROM),
"DS18B20 Function Commands", "Memory" (scratchpad with CRC), "Configuration Register"; and the bus
that its probes share (wired AND).
"""

SEARCH, MATCH, SKIP = 0xF0, 0x55, 0xCC
CONVERT, WRITE, READ, READ_POWER = 0x44, 0x4E, 0xBE, 0xB4
_CONVERT_US = {0x1F: 93_750, 0x3F: 187_500, 0x5F: 375_000, 0x7F: 750_000}


def crc(data):
    """The CRC-8 of 1-Wire: x^8 + x^5 + x^4 + 1, shifted right, preset 0."""
    value = 0
    for byte in data:
        for bit in range(8):
            mixed = (value ^ byte >> bit) & 1
            value >>= 1
            if mixed:
                value ^= 0x8C
    return value


class Ds18b20:
    """One probe. serial: 48 bits. temperature: in degC.

    Faults: absent; noise (this many of the next bits it sends are inverted); parasitic (its
    supply wire is off); `brown_out()`.
    """

    def __init__(self, now_us, serial, family=0x28):
        rom = bytes([family]) + serial.to_bytes(6, "little")
        self.rom = rom + bytes([crc(rom)])
        self.temperature = 20.0
        self.absent = False
        self.parasitic = False
        self.noise = 0
        self.converted = 0
        self.config = 0x7F          # in EEPROM
        self._now_us = now_us
        self.brown_out()

    def hex(self):
        """Its ROM as settings want it."""
        return "".join(["%02X" % byte for byte in self.rom])

    def brown_out(self):
        """Power-on: 85 degC in the scratchpad, no command under way."""
        self.scratchpad = bytearray([0x50, 0x05, 0x4B, 0x46, self.config, 0xFF, 0x0C, 0x10])
        self._ready_us = None
        self._forget()

    def _forget(self):
        self._state = "wait"
        self._bits = []
        self._out = []

    def reset(self):
        """A reset pulse; whether the presence pulse follows."""
        self._finish()
        self._forget()
        if self.absent:
            return False
        self._state = "rom"
        return True

    def read_bit(self):
        """A read slot: the bit that it pulls the line to."""
        if self.absent:
            return 1
        if self._state == "search":
            position, step = divmod(self._step, 3)
            self._step += 1
            bit = self.rom[position // 8] >> position % 8 & 1
            return bit if step == 0 else 1 - bit
        if self._state == "power":
            return 0 if self.parasitic else 1
        if not self._out:
            return 1
        bit = self._out.pop(0)
        if self.noise:
            self.noise -= 1
            return 1 - bit
        return bit

    def write_bit(self, bit):
        """A write slot."""
        if self.absent or self._state == "wait":
            return
        if self._state == "search":
            position = self._step // 3
            self._step += 1
            if bit != self.rom[position // 8] >> position % 8 & 1:
                self._state = "wait"
            elif self._step == 192:
                self._state = "function"
            return
        self._bits.append(bit)
        if len(self._bits) % 8 == 0:
            data = bytes([sum([self._bits[i + k] << k for k in range(8)])
                          for i in range(0, len(self._bits), 8)])
            self._take(data)

    def _take(self, data):
        """All bytes since the last change of state."""
        if self._state == "rom":
            following = {SEARCH: "search", MATCH: "match", SKIP: "function"}
            self._enter(following.get(data[0], "wait"))
        elif self._state == "match" and len(data) == 8:
            self._enter("function" if data == self.rom else "wait")
        elif self._state == "function":
            self._function(data[0])
        elif self._state == "write" and len(data) == 3:
            self.scratchpad[2:5] = bytes([data[0], data[1], data[2] & 0x60 | 0x1F])
            self._enter("wait")

    def _enter(self, state):
        self._state = state
        self._bits = []
        self._step = 0

    def _function(self, command):
        self._enter("wait")
        if command == CONVERT:
            self.converted += 1
            self._ready_us = self._now_us() + _CONVERT_US[self.scratchpad[4]]
        elif command == READ:
            self._finish()
            data = bytes(self.scratchpad)
            data += bytes([crc(data)])
            self._out = [byte >> bit & 1 for byte in data for bit in range(8)]
            self._state = "send"
        elif command == WRITE:
            self._state = "write"
        elif command == READ_POWER:
            self._state = "power"

    def _finish(self):
        """The conversion ends, if its time has come; a parasitic probe has no current for one."""
        if self._ready_us is None or self._now_us() < self._ready_us:
            return
        self._ready_us = None
        if self.parasitic:
            return
        unused = {0x1F: 3, 0x3F: 2, 0x5F: 1, 0x7F: 0}[self.scratchpad[4]]
        raw = int(round(self.temperature * 16)) >> unused << unused
        self.scratchpad[0:2] = bytes([raw & 0xFF, raw >> 8 & 0xFF])
        self.scratchpad[6] = 0x10 - (raw & 0x0F)


class Bus:
    """The wire. Faults: shorted (to ground), cut (nobody is reached)."""

    def __init__(self, *probes):
        self.probes = list(probes)
        self.shorted = False
        self.cut = False

    def _reached(self):
        return [] if self.cut else self.probes

    def reset(self):
        """Whether the line is low when the presence pulse should be there."""
        answers = [probe.reset() for probe in self._reached()]
        return self.shorted or True in answers

    def read_bit(self):
        bits = [probe.read_bit() for probe in self._reached()]
        return 0 if self.shorted else min(bits + [1])

    def write_bit(self, bit):
        for probe in self._reached():
            probe.write_bit(0 if self.shorted else bit)
