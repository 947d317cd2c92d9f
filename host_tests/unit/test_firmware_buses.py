# SPDX-License-Identifier: Apache-2.0
"""What drivers get of the board: buses shared and completed from board.json, edges, timers."""

import json

import pytest

from firmware.buses import BusError, Hardware
from tools.emulator import hardware as emulated
from tools.emulator import standin_machine
from tools.emulator.virtual import VirtualClock

BOARD = {"i2c": {"id": 0, "sda": 4, "scl": 5},
         "spi": {"id": 0, "sck": 18, "mosi": 19, "miso": 16, "cs": 17}}


class Files:
    def __init__(self, board=None):
        self._text = None if board is None else json.dumps(board).encode()

    def read(self, name, limit):
        assert name == "board.json"
        return self._text


class Echo:
    """A chip that keeps what is written, and answers with register numbers."""

    def __init__(self):
        self.written = []
        self.selected = []

    def write(self, data):
        self.written.append(bytes(data))

    def read(self, count):
        return bytes(range(self.written[-1][0], self.written[-1][0] + count))

    def select(self, level):
        self.selected.append(level)

    def transfer(self, data):
        self.written.append(bytes(data))
        return bytes(range(1, len(data) + 1))


@pytest.fixture
def hw():
    return emulated.Hardware(VirtualClock())


def make(hw, board=BOARD):
    return Hardware(standin_machine.build(hw), Files(board))


def test_bus_is_shared_and_comes_from_the_board(hw):
    hardware = make(hw)
    assert hardware.i2c({}) is hardware.i2c({"i2c": {"sda": 4, "freq": 400_000}})
    assert hardware.i2c({"i2c": {"id": 1, "sda": 6, "scl": 7}}) is not hardware.i2c({})


def test_slowest_sensor_sets_the_clock_of_the_bus(hw):
    hardware = make(hw)
    assert hardware.i2c_freq({}) == 400_000
    assert hardware.i2c_freq({"i2c": {"freq": 100_000}}) == 100_000
    assert hardware.i2c_freq({}) == 100_000


@pytest.mark.parametrize(("board", "settings", "message"), [
    (None, {}, "i2c.id is not set; set it in the sensor, or deploy board.json"),
    (None, {"i2c": {"id": 0, "sda": 4}}, "i2c.scl is not set"),
    (BOARD, {"i2c": {"id": 1}}, "i2c.sda is not set"),
    (BOARD, {"i2c": 3}, "i2c must be an object"),
    ("damaged", {}, "i2c.id is not set"),
])
def test_missing_pins_are_named(hw, board, settings, message):
    with pytest.raises(BusError, match=message):
        make(hw, board).i2c(settings)


def test_other_pins_for_the_same_bus_are_refused(hw):
    hardware = make(hw)
    hardware.i2c({})
    with pytest.raises(BusError, match="i2c 0 has its sda on pin 4 already, not 8; use another"):
        hardware.i2c({"i2c": {"sda": 8}})


def test_address_out_of_range_is_refused(hw):
    with pytest.raises(BusError, match="address must be 8 to 119, not 200"):
        make(hw).registers({"address": 200}, 0x53)


def test_i2c_registers(hw):
    chip = hw.i2c[0x19] = Echo()
    registers = make(hw).registers({"address": 0x19}, 0x18, i2c_multi=0x80)
    assert registers.read(0x0F) == 0x0F
    registers.write(0x20, 0x57)
    buffer = bytearray(3)
    registers.read_into(0x28, buffer)
    assert chip.written == [b"\x0f", b"\x20\x57", b"\xa8"]
    assert buffer == b"\xa8\xa9\xaa"


def test_spi_registers_select_their_chip_for_each_transfer(hw):
    chip = hw.spi[17] = Echo()
    registers = make(hw).registers({"spi": {}}, 0x18, spi_multi=0x40)
    assert registers.read(0x0F) == 2
    registers.write(0x20, 0x57)
    assert chip.written == [b"\xcf\0", b"\x20\x57"]
    assert chip.selected == [1, 0, 1, 0, 1]
    assert not registers.busy(None)


def test_chips_on_one_spi_bus_see_each_other_selected(hw):
    hardware = make(hw)
    one, other = hardware.spi({"spi": {}}), hardware.spi({"spi": {"cs": 20}})
    seen = []
    one.select()
    assert other.busy(seen.append)
    assert seen == []
    one.release()
    assert seen == [None]       # called when the bus was free
    assert not other.busy(seen.append)


def test_edges_and_timers_call_back(hw):
    hardware = make(hw)
    seen = []
    hardware.edge(15, lambda pin: seen.append("edge"))
    hw.set_pin(15, 0)
    hw.set_pin(15, 1)
    hw.set_pin(15, 0)
    timer = hardware.every(10, lambda timer: seen.append("tick"))
    hw.clock.advance_to(35_000)
    timer.deinit()
    hw.clock.advance_to(90_000)
    assert seen == ["edge", "tick", "tick", "tick"]


def test_pins_and_analogue_inputs(hw):
    hardware = make(hw)
    hw.adc[26] = lambda: 4242
    assert hardware.adc(26).read_u16() == 4242
    assert hardware.pin(3, "up").value() == 1
    output = hardware.output(2, 1)
    assert hw.pins[2] == 1
    output(0)
    assert hw.pins[2] == 0
