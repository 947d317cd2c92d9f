# SPDX-License-Identifier: Apache-2.0
"""The LSM6DSOX driver against the register-level chip."""

import pytest

from host_tests.unit.drivers_rig import FAST_I2C, I2C, SPI, Rig, check_gapless
from tools.emulator.chips.lsm6dsox import Lsm6dsox

MG = {2: 0.061, 4: 0.122, 8: 0.244, 16: 0.488}


def rig(bus=SPI, interrupt=None, fast=0.0, **settings):
    scale = MG[settings.get("range_g", 16)] / 1000
    return Rig("lsm6dsox", Lsm6dsox, {**bus, **settings}, [scale] * 3, 0x6A, interrupt, fast)


@pytest.mark.parametrize(("range_g", "bits"), [(2, 0x00), (4, 0x08), (8, 0x0C), (16, 0x04)])
def test_registers_are_as_the_data_sheet_wants(range_g, bits):
    r = rig(rate_hz=1667, range_g=range_g).make()
    check_gapless(r.read())
    registers = r.chip.registers
    assert registers[0x10] == 0x80 | bits   # 1667 Hz, range
    assert registers[0x12] == 0x44          # whole samples, address runs on
    assert registers[0x07] == 32            # watermark
    assert registers[0x09] == 0x08          # accelerometer at 1667 Hz, no gyroscope
    assert registers[0x0A] == 0x06          # continuous
    assert registers[0x0D] == 0x08          # watermark at INT1
    assert r.driver.channels[0]["scale"] * 1000 == pytest.approx(MG[range_g])


@pytest.mark.parametrize(("bus", "interrupt"), [(SPI, 15), (FAST_I2C, None)])
def test_half_a_minute_at_6667_hz_loses_nothing(bus, interrupt):
    r = rig(bus, interrupt, fast=0.012, rate_hz=6667).make()
    samples = r.stream(30)
    assert abs(len(samples) - 30 * 6667 * 1.012) < 300
    check_gapless(samples)
    assert r.driver.dropped == 0
    assert r.chip.overruns == 0


def test_fifo_bridges_40_ms_of_computing_without_interrupt():
    r = rig(rate_hz=6667).make()
    check_gapless(r.stream(3, busy_ms=10))
    r.board.sleep_us(40_000)
    check_gapless(r.stream(3))
    assert r.driver.dropped == 0


@pytest.mark.parametrize("fast", [0.0, 0.03, -0.03])
def test_chip_tells_how_fast_its_clock_is(fast):
    driver = rig(fast=fast).make().driver
    assert driver.rate_mhz == 3_333_000
    assert driver.measured_mhz == pytest.approx(3_333_000 * (1 + fast), rel=1e-3)


def test_other_words_in_the_fifo_are_no_samples():
    r = rig().make()
    r.read()
    r.chip.fifo = [b"\x09" + word[1:] for word in r.chip.fifo]      # gyroscope
    r.sleep(20)
    r.chip.fifo = [b"\x09" + word[1:] for word in r.chip.fifo]
    with pytest.raises(OSError, match="no samples"):
        r.read()
    check_gapless(r.read())


@pytest.mark.parametrize(("bus", "settings", "message"), [
    (SPI, {"rate_hz": 5000}, "rate_hz must be one of 12.5, 26, 52, .* 6667, not 5000"),
    (I2C, {"rate_hz": 6667}, "too fast for I2C; use 4444 or less, SPI, or i2c.freq 1000000"),
])
def test_wrong_settings_are_named(bus, settings, message):
    with pytest.raises(ValueError, match=message):
        rig(bus, **settings).make()
