# SPDX-License-Identifier: Apache-2.0
"""The frozen modules `onewire` and `ds18x20` of an emulated board, over buses of its pins.

What differs from MicroPython's own would be hidden by the tests, so names, arguments and errors
are theirs: `reset()` is the level of the line, CRC errors are plain Exceptions.
"""

from types import ModuleType
from typing import Any

from tools.emulator.chips.ds18b20 import MATCH, READ, SEARCH, SKIP, WRITE, crc
from tools.emulator.hardware import Hardware

_RESET_US = 960
_SLOT_US = 70


def build(hw: Hardware) -> dict[str, ModuleType]:
    """Both modules, bound to `hw.onewire` (pin -> bus with reset, read_bit, write_bit)."""

    class OneWireError(Exception):
        pass

    class OneWire:
        SEARCH_ROM, MATCH_ROM, SKIP_ROM = SEARCH, MATCH, SKIP

        def __init__(self, pin: Any):
            self._number = pin._number

        def reset(self, required: bool = False) -> bool:
            hw.sleep_us(_RESET_US)
            bus = hw.onewire.get(self._number)
            present = bus is not None and bool(bus.reset())
            if required and not present:
                raise OneWireError
            return present

        def readbit(self) -> int:
            hw.sleep_us(_SLOT_US)
            bus = hw.onewire.get(self._number)
            return 1 if bus is None else bus.read_bit()

        def writebit(self, value: int) -> None:
            hw.sleep_us(_SLOT_US)
            bus = hw.onewire.get(self._number)
            if bus is not None:
                bus.write_bit(value & 1)

        def readbyte(self) -> int:
            return sum(self.readbit() << i for i in range(8))

        def readinto(self, buf: Any) -> None:
            for i in range(len(buf)):
                buf[i] = self.readbyte()

        def writebyte(self, value: int) -> None:
            for i in range(8):
                self.writebit(value >> i)

        def write(self, buf: Any) -> None:
            for value in buf:
                self.writebyte(value)

        def select_rom(self, rom: Any) -> None:
            self.reset()
            self.writebyte(MATCH)
            self.write(rom)

        def crc8(self, data: Any) -> int:
            return crc(data)

        def scan(self) -> list[bytearray]:
            """Walk the tree of ROMs, the branch of 1s first."""
            found: list[bytearray] = []
            pending: list[list[int]] = [[]]
            while pending and len(found) < 64:
                bits = self._search(pending.pop(), pending)
                if bits:
                    found.append(bytearray(
                        sum(bits[8 * i + k] << k for k in range(8)) for i in range(8)))
            return found

        def _search(self, prefix: list[int], pending: list[list[int]]) -> list[int]:
            if not self.reset():
                return []
            self.writebyte(SEARCH)
            bits: list[int] = []
            for i in range(64):
                one, other = self.readbit(), self.readbit()
                if one and other:
                    return []
                chosen = one if one or other else 1
                if i < len(prefix):
                    chosen = prefix[i]
                elif not (one or other):
                    pending.append([*bits, 0])
                self.writebit(chosen)
                bits.append(chosen)
            return bits

    class DS18X20:
        def __init__(self, onewire: OneWire):
            self.ow = onewire
            self.buf = bytearray(9)

        def scan(self) -> list[bytearray]:
            return [rom for rom in self.ow.scan() if rom[0] in (0x10, 0x22, 0x28)]

        def convert_temp(self) -> None:
            self.ow.reset(True)
            self.ow.writebyte(SKIP)
            self.ow.writebyte(0x44)

        def read_scratch(self, rom: Any) -> bytearray:
            self.ow.reset(True)
            self.ow.select_rom(rom)
            self.ow.writebyte(READ)
            self.ow.readinto(self.buf)
            if self.ow.crc8(self.buf):
                raise Exception("CRC error")
            return self.buf

        def write_scratch(self, rom: Any, buf: Any) -> None:
            self.ow.reset(True)
            self.ow.select_rom(rom)
            self.ow.writebyte(WRITE)
            self.ow.write(buf)

    onewire, ds18x20 = ModuleType("onewire"), ModuleType("ds18x20")
    onewire.__dict__.update(OneWire=OneWire, OneWireError=OneWireError)
    ds18x20.__dict__.update(DS18X20=DS18X20)
    return {"onewire": onewire, "ds18x20": ds18x20}
