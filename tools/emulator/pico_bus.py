# SPDX-License-Identifier: Apache-2.0
"""The chips of chips/ on the buses of an emulated Pico, with the time that transfers take.

    chip = Adxl345(now_us(pico), signal)
    wire(pico, chip, select=17, interrupt=15)
"""

import contextlib
from collections.abc import Callable
from typing import Any

from rp2040py.peripherals.i2c import I2CMode

from tools.emulator.pico import HERTZ, Pico

_I2C_BITS = 9


def now_us(pico: Pico) -> Callable[[], int]:
    """The board's time, for a chip."""
    clock = pico.device.simulator.clock
    return lambda: int(clock.nanos) // 1000


def wire(pico: Pico, chip: Any, address: int | None = None, select: int | None = None,
         bus: int = 0, interrupt: int | None = None) -> Any:
    """Connect a chip: by I2C address or SPI select pin to bus 0 or 1, and its interrupt pin.

    Many chips on an I2C bus, one on an SPI bus. Returns the chip.
    """
    mcu = pico.device.mcu
    if address is not None:
        port = mcu.i2c[bus]
        wires: Any = getattr(port.on_connect, "__self__", None)
        if not isinstance(wires, _I2C):
            wires = _I2C(pico, port)
        wires.chips[address] = chip
    if select is not None:
        _SPI(pico, mcu.spi[bus], chip, mcu.gpio[select])
    if interrupt is not None:
        clock = pico.device.simulator.clock
        alarm = clock.create_alarm(chip.wake)

        def schedule(due_us: int) -> None:
            alarm.cancel()
            alarm.schedule(max(0, due_us * 1000 - clock.nanos))

        pin = mcu.gpio[interrupt]
        pin.set_input_value(False)
        chip.pin = lambda level: pin.set_input_value(bool(level))
        chip.schedule = schedule
    return chip


class _Delayed:
    """Calls back when the bits of a transfer have gone over the wire."""

    def __init__(self, pico: Pico):
        self._then: Callable[[], None] = lambda: None
        self._alarm = pico.device.simulator.clock.create_alarm(self._fire)

    def after(self, nanos: float, then: Callable[[], None]) -> None:
        self._then = then
        self._alarm.schedule(nanos)

    def _fire(self) -> None:
        self._then()


class _I2C:
    """Bytes of the bus to whole transfers of the chips.

    Reading goes byte by byte, but for a chip that makes its answer in one piece (ANSWER_BYTES).
    """

    def __init__(self, pico: Pico, port: Any):
        self.chips: dict[int, Any] = {}
        self._port = port
        self._wire = _Delayed(pico)
        self._chip: Any = None
        self._written = bytearray()
        self._answer = b""
        port.on_start = self._start
        port.on_connect = self._connect
        port.on_write_byte = self._write
        port.on_read_byte = self._read
        port.on_stop = self._stop

    def _nanos(self) -> float:
        return _I2C_BITS * 1e9 * (self._port.scl_low_period + self._port.scl_high_period) / HERTZ

    def _flush(self) -> None:
        """Hand the chip what was written, once the direction turns or the transfer ends."""
        if self._written:
            data, self._written = bytes(self._written), bytearray()
            with contextlib.suppress(OSError):  # refused; too late to say so on these wires
                self._chip.write(data)

    def _start(self, repeated: bool) -> None:
        self._flush()
        self._port.complete_start()

    def _connect(self, address: int, mode: int) -> None:
        chip: Any = self.chips.get(address)
        self._chip = chip
        present = chip is not None and not chip.absent
        self._answer = b""
        if present and mode == I2CMode.READ and hasattr(chip, "ANSWER_BYTES"):
            try:
                self._answer = chip.read(chip.ANSWER_BYTES)
            except OSError:
                present = False
        self._wire.after(self._nanos(), lambda: self._port.complete_connect(present))

    def _write(self, value: int) -> None:
        self._written.append(value)
        self._wire.after(self._nanos(), lambda: self._port.complete_write(True))

    def _read(self, ack: bool) -> None:
        if hasattr(self._chip, "ANSWER_BYTES"):
            value, self._answer = (self._answer or b"\xff")[0], self._answer[1:]
        else:
            value = self._chip.read(1)[0]
        self._wire.after(self._nanos(), lambda: self._port.complete_read(value))

    def _stop(self) -> None:
        self._flush()
        self._port.complete_stop()


class _SPI:
    """Bytes of the bus to the chip while its select pin is low."""

    def __init__(self, pico: Pico, port: Any, chip: Any, pin: Any):
        self._port, self._chip = port, chip
        self._wire = _Delayed(pico)
        self._low = False
        port.on_transmit = self._transmit
        pin.add_listener(self._selected)

    def _selected(self, state: Any, before: Any) -> None:
        low = state.name == "LOW"
        if low != self._low:
            self._low = low
            self._chip.select(0 if low else 1)

    def _transmit(self, value: int) -> None:
        answer = self._chip.transfer(bytes([value]))[0] if self._low else 0xFF
        nanos = 8e9 / (self._port.clock_frequency or 1e6)
        self._wire.after(nanos, lambda: self._port.complete_transmit(answer))
