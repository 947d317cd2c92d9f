# SPDX-License-Identifier: Apache-2.0
"""The LIS3DH driver against the register-level chip."""

import pytest

from host_tests.unit.drivers_rig import I2C, SPI, Rig, check_gapless
from tools.emulator.chips.lis3dh import Lis3dh

MG = {2: 1, 4: 2, 8: 4, 16: 12}     # per digit of 12 bits
LEFT = 16                           # counts are left-justified


def rig(bus=I2C, interrupt=None, fast=0.0, signal=None, **settings):
    scale = MG[settings.get("range_g", 8)] / 1000
    return Rig("lis3dh", Lis3dh, {**bus, **settings}, [scale] * 3, 0x18, interrupt, fast,
               signal=signal)


def test_registers_are_as_the_data_sheet_wants():
    r = rig(range_g=16).make()
    r.read()
    registers = r.chip.registers
    assert registers[0x20] == 0x97          # 1344 Hz, normal power, three axes
    assert registers[0x22] == 0x04          # watermark at INT1
    assert registers[0x23] == 0xB8          # whole samples, 16 g, high resolution
    assert registers[0x24] == 0x40          # FIFO on
    assert registers[0x2E] == 0x80 | 15     # stream, interrupt above 15
    assert r.chip.written[-1] == (0x20, 0x97)   # last of all


@pytest.mark.parametrize("range_g", [2, 4, 8, 16])
def test_one_g_is_one_g(range_g):
    r = rig(range_g=range_g, signal=lambda index, t_s: (1.0, -0.5, 0.25)).make()
    sample = r.read()[0]
    scale = r.driver.channels[0]["scale"]
    assert scale * 16000 == pytest.approx(MG[range_g])
    for value, felt in zip(sample, (1.0, -0.5, 0.25)):
        assert value * scale == pytest.approx(felt, abs=MG[range_g] / 1900)


@pytest.mark.parametrize("interrupt", [15, None])
def test_a_minute_at_1344_hz_loses_nothing(interrupt):
    r = rig(interrupt=interrupt, fast=-0.03).make()
    samples = r.stream(60)
    assert abs(len(samples) - 60 * 1344 * 0.97) < 200
    check_gapless(samples, LEFT)
    assert r.driver.dropped == 0
    assert r.chip.overruns == 0


def test_eight_bits_at_5376_hz_on_spi():
    def felt(index, t_s):
        return [((index * step) % 211 - 100) * 0.064 for step in (1, 3, 5)]

    r = rig(SPI, 15, rate_hz=5376, signal=felt).make()
    samples = r.stream(10)
    assert r.chip.registers[0x20] == 0x9F       # low power
    assert r.chip.registers[0x23] == 0xA0       # 8 g, not high resolution
    assert abs(len(samples) - 53_760) < 300
    first = samples[0][0] // 256 + 100
    for i, sample in enumerate(samples):
        expected = tuple((((first + i) * step) % 211 - 100) * 256 for step in (1, 3, 5))
        assert sample == expected
    assert r.driver.channels[0]["scale"] * 256 == pytest.approx(0.064)


def test_slow_and_one_axis():
    r = rig(rate_hz=10, axes="x").make()
    check_gapless(r.stream(60), LEFT, (0,))


@pytest.mark.parametrize(("settings", "message"), [
    ({"rate_hz": 800}, "rate_hz must be one of 10, 25, 50, 100, 200, 400, 1344, 1600, 5376"),
    ({"rate_hz": 5376}, "rate_hz 5376 is too fast for I2C; use 4000 or less, or SPI"),
    ({"axes": ["x"]}, "axes must be some of xyz"),
])
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        rig(**settings).make()
