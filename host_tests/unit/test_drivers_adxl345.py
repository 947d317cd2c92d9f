# SPDX-License-Identifier: Apache-2.0
"""The ADXL345 driver against the register-level chip."""

import pytest

from host_tests.unit.drivers_rig import I2C, SPI, Rig, check_gapless
from tools.emulator.chips.adxl345 import Adxl345

SCALE = 0.0039


def rig(bus=SPI, interrupt=None, fast=0.0, start_ms=0, **settings):
    return Rig("adxl345", Adxl345, {**bus, **settings}, [SCALE] * 3, 0x53, interrupt, fast,
               start_ms)


def test_registers_are_as_the_data_sheet_wants():
    r = rig(rate_hz=3200, range_g=8).make()
    r.read()
    registers = r.chip.registers
    assert registers[0x2C] == 0x0F          # 3200 Hz, normal power
    assert registers[0x31] == 0x0A          # full resolution, right-justified, 8 g
    assert registers[0x38] == 0x80 | 16     # stream, watermark 16
    assert registers[0x2E] == 0x02          # watermark interrupt
    assert registers[0x2F] == 0x00          # at INT1
    assert registers[0x2D] == 0x08          # measure
    assert r.chip.written[-1] == (0x2D, 0x08)   # last of all


def test_channels_and_rate():
    driver = rig(rate_hz=1600, axes="zx").make().driver
    assert driver.rate_mhz == 1_600_000
    assert driver.channels == [
        {"name": "z", "unit": "g", "scale": SCALE, "offset": 0.0},
        {"name": "x", "unit": "g", "scale": SCALE, "offset": 0.0}]


@pytest.mark.parametrize("interrupt", [15, None])
def test_a_minute_at_3200_hz_loses_nothing(interrupt):
    r = rig(interrupt=interrupt, fast=0.013).make()
    samples = r.stream(60)
    assert abs(len(samples) - 60 * 3200 * 1.013) < 300
    check_gapless(samples)
    assert r.driver.dropped == 0
    assert r.chip.overruns == 0


def test_interrupt_keeps_up_while_windows_are_judged():
    r = rig(interrupt=15).make()
    samples = r.stream(5, busy_ms=30)       # of 40 ms per block; the FIFO holds 10
    check_gapless(samples)
    assert r.driver.dropped == 0


def test_800_hz_on_i2c_with_one_axis():
    r = rig(I2C, axes="y").make()
    assert r.driver.rate_mhz == 800_000
    check_gapless(r.stream(20), axes=(1,))


def test_ticks_wrap_while_sampling():
    r = rig(start_ms=(1 << 30) - 3000, rate_hz=400).make()
    check_gapless(r.stream(70))
    assert r.driver.dropped == 0
    assert abs(r.driver.measured_mhz - 400_000) < 400


def test_real_rate_is_measured():
    r = rig(I2C, fast=-0.021).make()
    assert r.driver.measured_mhz is None
    r.stream(65)
    assert abs(r.driver.measured_mhz - 783_200) < 500
    assert r.driver.rate_mhz == 800_000


@pytest.mark.parametrize(("bus", "settings", "message"), [
    (SPI, {"rate_hz": 1000}, "rate_hz must be one of 12.5, 25, 50, 100, .* 3200, not 1000"),
    (SPI, {"rate_hz": "fast"}, "rate_hz must be one of"),
    (SPI, {"range_g": 10}, "range_g must be one of 2, 4, 8, 16, not 10"),
    (SPI, {"axes": "xx"}, "axes must be some of xyz, each once, not 'xx'"),
    (SPI, {"axes": ""}, "axes must be"),
    (SPI, {"rate": 100}, "unknown setting rate; known are rate_hz, range_g, axes, interrupt"),
    (I2C, {"rate_hz": 1600}, "rate_hz 1600 is too fast for I2C; use 800 or less, or SPI"),
])
def test_wrong_settings_are_named(bus, settings, message):
    with pytest.raises(ValueError, match=message):
        rig(bus, **settings).make()
