# SPDX-License-Identifier: Apache-2.0
"""SHT31 as in the SHT3x-DIS data sheet, sections 2.2 and 4 (single shots without stretching,
status register, heater, soft reset), and SHT4x as in its data sheet, section 4.

Commands go in, words with CRC-8 (polynomial 0x31, preset 0xFF) come out; the chip does not
acknowledge while it is busy, nor a read when there is nothing to read.
"""

import errno


def checksum(pair):
    """The CRC-8 of a word's two bytes, as a long division."""
    value = (pair[0] << 8 | pair[1]) << 8 ^ 0xFF0000
    for bit in range(23, 7, -1):
        if value >> bit & 1:
            value ^= 0x131 << bit - 8
    return value & 0xFF


class Chip:
    """now_us: the clock. temperature (degC), humidity (%RH): what it feels.

    Faults: absent (no answer), bad_crc (of the words from that number on, None: all right),
    `brown_out()`. `written`: every command; `heater`, `measured` (how often).
    """

    MEASURE_US = 0
    RESET_US = 0
    ANSWER_BYTES = 6

    def __init__(self, now_us):
        self.temperature = 20.0
        self.humidity = 50.0
        self.absent = False
        self.bad_crc = None
        self.written = []
        self.measured = 0
        self._now_us = now_us
        self.brown_out()

    def brown_out(self):
        """The supply dipped: as after power-on."""
        self.heater = False
        self._answer = None
        self._ready_us = 0

    def command(self, command):
        """Carry out a command; OSError for one that is not known."""
        raise NotImplementedError

    def answer(self, words, ready_in_us=0):
        """Words for the next read."""
        self._answer = words
        self._ready_us = self._now_us() + ready_in_us

    def busy(self, us):
        """Nothing is acknowledged for a while."""
        self._answer = None
        self._ready_us = self._now_us() + us

    def write(self, data):
        if self.absent or self._now_us() < self._ready_us:
            raise OSError(errno.EIO)
        self.written.append(bytes(data))
        self.command(bytes(data))

    def read(self, count):
        if self.absent or self._answer is None or self._now_us() < self._ready_us:
            raise OSError(errno.EIO)
        out = b""
        for i in range(len(self._answer)):
            pair = bytes([self._answer[i] >> 8, self._answer[i] & 0xFF])
            check = checksum(pair)
            if self.bad_crc is not None and i >= self.bad_crc:
                check ^= 0x10
            out += pair + bytes([check])
        self._answer = None
        return (out + b"\xff" * count)[:count]

    def _raw(self, value, low, span):
        return min(65535, max(0, int(round((value - low) / span * 65535))))


class Sht31(Chip):
    MEASURE_US = 15_500
    RESET_US = 1_500

    def brown_out(self):
        super().brown_out()
        self.status = 0x8010        # alert pending, reset detected

    def command(self, command):
        if command == b"\x30\xa2":
            self.brown_out()
            self.busy(self.RESET_US)
        elif command == b"\x30\x41":
            self.status = 0
        elif command in (b"\x30\x6d", b"\x30\x66"):
            self.heater = command == b"\x30\x6d"
        elif command == b"\xf3\x2d":
            self.answer([self.status | (0x2000 if self.heater else 0)])
        elif command == b"\x24\x00":
            self.measured += 1
            warm = 3.0 if self.heater else 0.0
            self.answer([self._raw(self.temperature + warm, -45, 175),
                         self._raw(self.humidity, 0, 100)], self.MEASURE_US)
        else:
            raise OSError(errno.EIO)


class Sht4x(Chip):
    MEASURE_US = 8_300
    RESET_US = 1_000
    SERIAL = (0x0F12, 0x9ABC)

    def command(self, command):
        if command == b"\x94":
            self.busy(self.RESET_US)
        elif command == b"\x89":
            self.answer(list(self.SERIAL))
        elif command == b"\xfd":
            self.measured += 1
            self.answer([self._raw(self.temperature, -45, 175),
                         self._raw(self.humidity, -6, 125)], self.MEASURE_US)
        else:
            raise OSError(errno.EIO)
