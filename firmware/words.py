# SPDX-License-Identifier: Apache-2.0
"""Chips on I2C that take commands and answer 16-bit words, each with its CRC-8 (Sensirion)."""


def crc8(data, start: int, count: int) -> int:
    """CRC-8, polynomial 0x31, preset 0xFF, of `count` bytes."""
    crc = 0xFF
    for i in range(start, start + count):
        crc ^= data[i]
        for _ in range(8):
            crc = crc << 1 ^ 0x31 if crc & 0x80 else crc << 1
    return crc & 0xFF


class Words:
    """One chip. Raises OSError when it does not answer or a CRC is wrong."""

    def __init__(self, name: str, bus, address: int):
        self.place = "I2C address 0x%02X" % address
        self._name = name
        self._bus = bus
        self._address = address
        self._answer = bytearray(6)
        self._view = memoryview(self._answer)

    def command(self, command: bytes) -> None:
        """Send a command."""
        self._bus.writeto(self._address, command)

    def read(self, count: int) -> int:
        """An answer of one or two words as one number."""
        answer = self._answer
        self._bus.readfrom_into(self._address, self._view[:3 * count])
        number = 0
        for at in range(0, 3 * count, 3):
            if crc8(answer, at, 2) != answer[at + 2]:
                raise OSError("%s at %s: wrong CRC; check wires, pull-ups and whether it is one"
                              % (self._name, self.place))
            number = number << 16 | answer[at] << 8 | answer[at + 1]
        return number

    def identify(self, command: bytes, count: int) -> int:
        """The answer to the first command, which tells that the chip is there."""
        try:
            self.command(command)
        except OSError as error:
            raise OSError("%s: no answer at %s (%s); check its wires, power and address" % (
                self._name, self.place, error))
        return self.read(count)
