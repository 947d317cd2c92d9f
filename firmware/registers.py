# SPDX-License-Identifier: Apache-2.0
"""A chip's byte registers, the same on I2C and SPI. Drivers get them from buses.py."""

_READ = 0x80


class Registers:
    """Byte registers of a chip, on I2C or SPI."""

    def identify(self, chip: str, register: int, wanted: tuple) -> int:
        """The chip's id, one of `wanted`. Raises OSError when it is another or nobody answers."""
        try:
            found = self.read(register)
        except OSError as error:
            raise OSError("%s: no answer at %s (%s); check its wires, power and address" % (
                chip, self.place, error))
        if found not in wanted:
            raise OSError("%s: the chip at %s says it is 0x%02X, not 0x%02X; check chip and wires"
                          % (chip, self.place, found, wanted[0]))
        return found


class I2CRegisters(Registers):
    """Registers on I2C. multi: flag in the register address for several bytes."""

    def __init__(self, bus, address: int, multi: int = 0):
        self.place = "I2C address 0x%02X" % address
        self._bus = bus
        self._address = address
        self._multi = multi
        self._byte = bytearray(1)

    def busy(self, callback) -> bool:
        """Never: a transfer on I2C is one call, which no interrupt handler of ours cuts."""
        return False

    def read_into(self, register: int, buffer) -> None:
        """Fill a buffer from `register` on. Raises OSError."""
        self._bus.readfrom_mem_into(self._address, register | self._multi, buffer)

    def read(self, register: int) -> int:
        """One register. Raises OSError."""
        self._bus.readfrom_mem_into(self._address, register, self._byte)
        return self._byte[0]

    def write(self, register: int, value: int) -> None:
        """Set one register. Raises OSError."""
        self._byte[0] = value
        self._bus.writeto_mem(self._address, register, self._byte)


    def reader(self, register: int, size: int, times: int = 1):
        """For a FIFO: an object whose fetch() makes `times` transfers of `size` bytes to `raw`.

        lead: bytes of `raw` before the data of each transfer. Allocates nothing.
        """
        return _I2CReader(self._bus, self._address, register | self._multi, size, times)


class _I2CReader:
    lead = 0

    def __init__(self, bus, address: int, register: int, size: int, times: int):
        self._read = bus.readfrom_mem_into
        self._address = address
        self._register = register
        self.raw = bytearray(size * times)
        self._pieces = _cut(self.raw, size)

    def fetch(self) -> None:
        read, address, register = self._read, self._address, self._register
        for piece in self._pieces:
            read(address, register, piece)


class SpiChip:
    """One chip on a shared SPI bus (mode 3): transfers between `select` and `release`."""

    def __init__(self, shared, pin):
        self.pin = pin
        self.shared = shared
        self.write = shared.bus.write
        self.readinto = shared.bus.readinto
        self.write_readinto = shared.bus.write_readinto

    def busy(self, callback) -> bool:
        """For interrupt handlers: whether a chip on this bus is selected.

        If so, callback(None) runs when that chip is released.
        """
        if self.shared.selected:
            self.shared.waiting.append(callback)
        return self.shared.selected

    def select(self) -> None:
        """Begin a transfer."""
        self.shared.selected = True
        self.pin(0)

    def release(self) -> None:
        """End it, and let those in who found the bus busy."""
        shared = self.shared
        self.pin(1)
        shared.selected = False
        while shared.waiting:
            shared.waiting.pop()(None)


class SpiRegisters(Registers):
    """Registers on SPI, read with bit 7 of the address set, written without."""

    def __init__(self, chip: SpiChip, multi: int = 0):
        self.place = "SPI"
        self.busy = chip.busy
        self._chip = chip
        self._multi = multi | _READ
        self._command = bytearray(2)
        self._answer = bytearray(2)
        self._address = memoryview(self._command)[:1]

    def read_into(self, register: int, buffer) -> None:
        """Fill a buffer from `register` on. SPI cannot tell whether a chip answered."""
        chip = self._chip
        self._command[0] = register | self._multi
        chip.select()
        chip.write(self._address)
        chip.readinto(buffer)
        chip.release()

    def read(self, register: int) -> int:
        """One register."""
        chip = self._chip
        self._command[0] = register | self._multi
        chip.select()
        chip.write_readinto(self._command, self._answer)
        chip.release()
        return self._answer[1]

    def write(self, register: int, value: int) -> None:
        """Set one register."""
        chip = self._chip
        self._command[0] = register
        self._command[1] = value
        chip.select()
        chip.write(self._command)
        chip.release()

    def reader(self, register: int, size: int, times: int = 1):
        """As `I2CRegisters.reader`."""
        return _SpiReader(self._chip, register | self._multi, size, times)


class _SpiReader:
    lead = 1        # what comes in while the address goes out

    def __init__(self, chip: SpiChip, command: int, size: int, times: int):
        self._chip = chip
        self._command = bytearray(1 + size)
        self._command[0] = command
        self.raw = bytearray((1 + size) * times)
        self._pieces = _cut(self.raw, 1 + size)

    def fetch(self) -> None:
        chip = self._chip
        pin, transfer, command = chip.pin, chip.write_readinto, self._command
        chip.shared.selected = True
        for piece in self._pieces:
            pin(0)
            transfer(command, piece)
            pin(1)
        chip.release()


def _cut(raw, size: int) -> list:
    view = memoryview(raw)
    return [view[at:at + size] for at in range(0, len(raw), size)]
