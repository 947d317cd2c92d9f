# SPDX-License-Identifier: Apache-2.0
"""What the accelerometer drivers do when their chip, its wires or its supply fail."""

import pytest

from host_tests.unit import (
    test_drivers_adxl345,
    test_drivers_lis3dh,
    test_drivers_lsm6dsox,
    test_drivers_mpu6050,
)
from host_tests.unit.drivers_rig import FAST_I2C, I2C, SPI, check_gapless, first_index

# name: (rig, settings, int16 steps per count, id register's content, interrupt pin or None)
CHIPS = {
    "adxl345": (test_drivers_adxl345.rig, {"bus": SPI, "rate_hz": 3200}, 1, 0xE5, 15),
    "adxl345 on I2C": (test_drivers_adxl345.rig, {"bus": I2C}, 1, 0xE5, None),
    "lis3dh": (test_drivers_lis3dh.rig, {"bus": I2C, "range_g": 4}, 16, 0x33, 15),
    "lis3dh polled": (test_drivers_lis3dh.rig, {"bus": I2C, "range_g": 4}, 16, 0x33, None),
    "mpu6050": (test_drivers_mpu6050.rig, {"bus": I2C}, 1, 0x68, None),
    "lsm6dsox": (test_drivers_lsm6dsox.rig, {"bus": FAST_I2C, "rate_hz": 6667}, 1, 0x6C, 15),
    "lsm6dsox polled": (test_drivers_lsm6dsox.rig, {"bus": FAST_I2C}, 1, 0x6C, None),
}
ON_I2C = [name for name in CHIPS if name != "adxl345"]


class Case:
    def __init__(self, name):
        make, settings, self.factor, self.id, interrupt = CHIPS[name]
        self.interrupt = interrupt
        more = {} if interrupt is None else {"interrupt": interrupt}
        self.rig = make(**settings, **more)

    def index(self, sample):
        return first_index(tuple(value // self.factor for value in sample))


@pytest.fixture(params=list(CHIPS))
def case(request):
    return Case(request.param)


@pytest.mark.parametrize("name", ON_I2C)
def test_no_answer_at_start_is_told_with_the_address(name):
    rig = Case(name).rig
    rig.chip.absent = True
    with pytest.raises(OSError, match="no answer at I2C address 0x.*; check its wires, power"):
        rig.make()


def test_no_answer_on_spi_looks_like_another_chip():
    rig = Case("adxl345").rig
    rig.chip.absent = True
    with pytest.raises(OSError, match="the chip at SPI says it is 0xFF, not 0xE5; check chip"):
        rig.make()


def test_another_chip_is_refused(case):
    case.rig.chip.wrong_id = 0x42
    with pytest.raises(OSError, match=f"says it is 0x42, not 0x{case.id:02X}; check chip"):
        case.rig.make()


@pytest.mark.parametrize("name", ON_I2C)
def test_bus_error_is_one_failed_read_each_time_until_the_chip_is_back(name):
    case = Case(name)
    rig = case.rig.make()
    check_gapless(rig.read(), case.factor)
    rig.chip.absent = True
    for _ in range(3):
        with pytest.raises(OSError):
            rig.read()
        rig.sleep(1000)
    rig.chip.absent = False
    check_gapless(rig.stream(2), case.factor)
    assert rig.driver.dropped == 0      # a failed read says enough


def test_stuck_data_are_a_failure(case):
    rig = case.rig.make()
    rig.read()
    rig.chip.stuck = True
    with pytest.raises(OSError, match="repeats one sample"):
        rig.stream(2)
    rig.chip.stuck = False
    check_gapless(rig.stream(1), case.factor)


def test_lis3dh_may_rest_in_its_wide_ranges():
    def still(index, t_s):
        return 0.0, 0.0, 1.0

    rig = test_drivers_lis3dh.rig(range_g=16, signal=still).make()
    assert set(rig.stream(3)) == {(0, 0, 83 * 16)}


def test_power_glitch_is_told_once_and_the_chip_set_up_again(case):
    rig = case.rig.make()
    check_gapless(rig.stream(1), case.factor)
    rig.chip.brown_out()
    with pytest.raises(OSError, match="lost its settings; a power glitch"):
        rig.stream(10)
    configured = bytes(rig.chip.registers)
    check_gapless(rig.stream(2), case.factor)
    assert rig.chip.registers != configured     # it was at its power-on values


def test_one_flipped_register_is_noticed(case):
    rig = case.rig.make()
    rig.read()
    register, value = rig.driver._chip.config[1]
    rig.chip.registers[register] = value ^ 0x20
    with pytest.raises(OSError, match="lost its settings"):
        rig.stream(20)
    check_gapless(rig.stream(1), case.factor)


def test_overrun_is_counted_and_the_next_read_begins_behind_the_gap(case):
    rig = case.rig.make()
    driver = rig.driver
    before = rig.stream(1)
    check_gapless(before, case.factor)
    rig.board.clock.now_us += 700_000           # nothing ran, not even an interrupt
    while True:
        block = rig.read()
        if driver.dropped:
            break
        before += block                         # had been fetched in time
    last = check_gapless(before, case.factor) + len(before) - 1
    missing = check_gapless(block, case.factor) - last - 1
    assert missing > 500
    assert abs(driver.dropped - missing) <= driver.rate_mhz // 1_000_000 + 2
    lost = driver.dropped
    check_gapless(block + rig.stream(2), case.factor)
    assert driver.dropped == lost


def test_full_ring_is_an_overrun_too(case):
    rig = case.rig.make()
    before = rig.stream(1)
    rig.board.sleep_us(2_000_000)               # interrupts run, nobody reads
    while not rig.driver.dropped:
        block = rig.read()
        if not rig.driver.dropped:
            before += block
    last = check_gapless(before, case.factor) + len(before) - 1
    missing = check_gapless(block, case.factor) - last - 1
    assert abs(rig.driver.dropped - missing) <= rig.driver.rate_mhz // 1_000_000 + 2


def test_pause_between_bursts_drops_nothing(case):
    rig = case.rig.make()
    check_gapless(rig.stream(1), case.factor)
    rig.driver.stop()
    rig.sleep(60_000)
    check_gapless(rig.stream(1), case.factor)
    assert rig.driver.dropped == 0


@pytest.mark.parametrize("name", ["adxl345", "lis3dh", "lsm6dsox"])
def test_interrupt_that_is_not_wired_is_no_silent_loss(name):
    case = Case(name)
    rig = case.rig.make()
    rig.chip.pin = lambda level: None
    lost = seen = 0
    before = []
    for _ in range(40):
        try:
            block = rig.read()
        except OSError as error:
            assert "is its interrupt wired" in str(error)
            return
        if rig.driver.dropped == lost:
            before += block
        else:
            lost, before, seen = rig.driver.dropped, block, seen + 1
        check_gapless(before, case.factor)
    assert name == "lsm6dsox" or seen


def test_busy_spi_bus_puts_the_interrupt_off():
    rig = Case("adxl345").rig.make()
    rig.read()
    other = rig.hardware.spi({"spi": {**SPI["spi"], "cs": 20}})
    other.select()
    rig.sleep(6)
    assert len(rig.chip.fifo) == 16             # the interrupt came
    other.release()
    assert len(rig.chip.fifo) < 16
    check_gapless(rig.stream(1))
