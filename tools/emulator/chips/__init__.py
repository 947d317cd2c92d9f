# SPDX-License-Identifier: Apache-2.0
"""Sensor chips, register by register, for emulated boards and for tests of drivers."""


def attach(hw, chip, address=None, select=None, interrupt=None):
    """Wire a chip to an emulated board: I2C address or SPI select pin, interrupt pin."""
    if address is not None:
        hw.i2c[address] = chip
    if select is not None:
        hw.spi[select] = chip
    if interrupt is not None:
        pending: list = []

        def schedule(due_us):
            if pending:
                pending.pop().cancel()
            pending.append(hw.clock.call_at(due_us, chip.wake))

        hw.set_pin(interrupt, 0)
        chip.pin = lambda level: hw.set_pin(interrupt, level)
        chip.schedule = schedule
    return chip
