# SPDX-License-Identifier: Apache-2.0
"""The MPU-6050/6500 driver against the register-level chips."""

import pytest

from host_tests.unit.drivers_rig import I2C, SPI, Rig, check_gapless
from tools.emulator.chips.mpu6050 import Mpu6050, Mpu6500


def rig(chip=Mpu6050, bus=I2C, fast=0.0, **settings):
    scales = [16 / 32768] * 3 + [settings.get("gyro_dps", 250) / 32768] * 3
    return Rig("mpu6050", chip, {**bus, **settings}, scales, 0x68, None, fast)


def test_registers_are_as_the_register_map_wants():
    r = rig(rate_hz=200, range_g=16, gyro_dps=500).make()
    r.read()
    registers = r.chip.registers
    assert registers[0x6B] == 0x01          # awake, PLL
    assert registers[0x19] == 4             # 1000 / (1 + 4)
    assert registers[0x1A] == 2             # 94 Hz, below half of the rate
    assert registers[0x1B] == 0x08          # 500 deg/s
    assert registers[0x1C] == 0x18          # 16 g
    assert registers[0x1D] == 0             # not a register of the MPU-6050
    assert registers[0x23] == 0x78          # accelerometer and gyroscope
    assert registers[0x6A] == 0x40          # FIFO on
    assert r.chip.written[-1] == (0x6A, 0x40)
    assert (0x6A, 0x04) in r.chip.written   # the FIFO was emptied


@pytest.mark.parametrize(("rate", "code"), [(1000, 0), (500, 1), (100, 3), (10, 6)])
def test_mpu6500_has_a_filter_of_its_own(rate, code):
    r = rig(Mpu6500, rate_hz=rate).make()
    r.read(16)
    assert r.chip.registers[0x1D] == code


def test_spi_switches_i2c_off():
    r = rig(Mpu6500, SPI).make()
    check_gapless(r.stream(5))
    values = [value for register, value in r.chip.written if register == 0x6A]
    assert all(value & 0x10 for value in values)


@pytest.mark.parametrize("chip", [Mpu6050, Mpu6500])
def test_a_minute_of_accelerometer_and_gyroscope_loses_nothing(chip):
    r = rig(chip, gyro_dps=250, fast=0.01).make()
    samples = r.stream(60)
    assert abs(len(samples) - 60 * 1000 * 1.01) < 200
    check_gapless(samples, axes=(0, 1, 2, 3, 4, 5))
    assert r.driver.dropped == 0
    assert r.chip.overruns == 0
    assert [c["name"] for c in r.driver.channels] == ["x", "y", "z", "gx", "gy", "gz"]
    assert r.driver.channels[3] == {
        "name": "gx", "unit": "deg/s", "scale": 250 / 32768, "offset": 0.0}


def test_axes_of_the_accelerometer_may_be_chosen():
    r = rig(axes="zy").make()
    check_gapless(r.stream(10), axes=(2, 1))
    assert r.driver.channels[0] == {
        "name": "z", "unit": "g", "scale": 16 / 32768, "offset": 0.0}


def test_fifo_bridges_100_ms_of_computing():
    r = rig().make()
    check_gapless(r.stream(10, busy_ms=100))
    assert r.driver.dropped == 0


@pytest.mark.parametrize(("settings", "message"), [
    ({"rate_hz": 300}, "rate_hz must be one of 10, 20, 25, 40, 50, 100, 125, 200, 250, 500, 1000"),
    ({"gyro_dps": 300}, "gyro_dps must be one of 250, 500, 1000, 2000, not 300"),
    ({"interrupt": 3}, "unknown setting interrupt"),
    ({"i2c": {"id": 0, "sda": 4, "scl": 5, "freq": 50_000}}, "raise i2c.freq to 84000 or more"),
])
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        rig(**settings).make()
