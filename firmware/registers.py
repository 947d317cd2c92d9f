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


class SpiChip:
    """One chip on a shared SPI bus (mode 3): transfers between `select` and `release`."""

    def __init__(self, shared, pin):
        self._shared = shared
        self._pin = pin
        self.write = shared.bus.write
        self.readinto = shared.bus.readinto

    def busy(self, callback) -> bool:
        """For interrupt handlers: whether a chip on this bus is selected.

        If so, callback(None) runs when that chip is released.
        """
        if self._shared.selected:
            self._shared.waiting.append(callback)
        return self._shared.selected

    def select(self) -> None:
        """Begin a transfer."""
        self._shared.selected = True
        self._pin(0)

    def release(self) -> None:
        """End it, and let those in who found the bus busy."""
        shared = self._shared
        self._pin(1)
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
        self._address = memoryview(self._command)[:1]
        self._byte = bytearray(1)

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
        self.read_into(register, self._byte)
        return self._byte[0]

    def write(self, register: int, value: int) -> None:
        """Set one register."""
        chip = self._chip
        self._command[0] = register
        self._command[1] = value
        chip.select()
        chip.write(self._command)
        chip.release()
