# SPDX-License-Identifier: Apache-2.0
"""How long the flash of an emulated Pico is busy: rp2040py erases and programs in no time.

    flash = slow_flash(pico)
    ... flash.erases, flash.programs

Times of a Raspberry Pi Pico's W25Q16JV (data sheet, table "AC Electrical Characteristics",
typical): 4 KB sector erase 45 ms, 64 KB block erase 150 ms, page program 0.4 ms. The board's
boot ROM polls the status register meanwhile, with interrupts off; here the first poll lasts as
long as the flash is busy. What the board's peripherals and wires do goes on.
"""

from typing import Any, cast

from rp2040py.peripherals import ssi as chip

from tools.emulator.pico import Pico

NANOS = {
    chip.CMD_SECTOR_ERASE: 45_000_000,
    chip.CMD_BLOCK_ERASE: 150_000_000,
    chip.CMD_PAGE_PROGRAM: 400_000,
}
FAST = dict.fromkeys(NANOS, 0)
"""A flash that is never busy, as rp2040py's: erases and programs are counted all the same."""


class SlowFlash:
    """Attributes: erases (of sectors or blocks), programs (of pages), since power-on; at
    (seconds and sector of each erase)."""

    def __init__(self, pico: Pico, nanos: dict[int, int] = NANOS):
        self._nanos = nanos
        self.erases = 0
        self.programs = 0
        self.at: list[tuple[float, int]] = []
        self._clock = pico.device.simulator.clock
        self._ssi = cast(Any, pico.device.mcu.ssi)
        self._ready_nanos = 0.0
        self._shift, self._apply = self._ssi._shift_byte, self._ssi._apply_command
        self._ssi._shift_byte = self._shift_byte
        self._ssi._apply_command = self._apply_command

    def _shift_byte(self, out: int) -> int:
        rest = self._ready_nanos - self._clock.nanos
        if rest > 0 and self._ssi._tx_buffer[:1] == bytes([chip.CMD_READ_STATUS_1]):
            self._ready_nanos = 0.0
            self._clock.tick(rest)
        return self._shift(out)

    def _apply_command(self) -> None:
        command = bytes(self._ssi._tx_buffer[:4])
        enabled = self._ssi._write_enabled
        self._apply()
        if not enabled or command[:1] == b"" or command[0] not in self._nanos:
            return
        self._ready_nanos = self._clock.nanos + self._nanos[command[0]]
        if command[0] == chip.CMD_PAGE_PROGRAM:
            self.programs += 1
        else:
            self.erases += 1
            self.at.append((self._clock.nanos / 1e9, int.from_bytes(command[1:], "big") >> 12))


def slow_flash(pico: Pico) -> SlowFlash:
    """Give the board's flash the times of a real one from now on."""
    return SlowFlash(pico)
