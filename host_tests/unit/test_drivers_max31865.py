# SPDX-License-Identifier: Apache-2.0
"""The MAX31865 driver against the register-level chip and the tables of EN 60751."""

import pytest

from firmware.drivers.max31865 import degrees
from host_tests.unit.slow_rig import I2C, SPI, Rig
from tools.emulator.chips.max31865 import CONFIG, Max31865, platinum

# EN 60751, table of PT100: degC, ohm
TABLE = [(-200, 18.52), (-150, 39.72), (-100, 60.26), (-50, 80.31), (-10, 96.09), (0, 100.0),
         (10, 103.90), (50, 119.40), (100, 138.51), (200, 175.86), (400, 247.09), (600, 313.71),
         (850, 390.48)]


@pytest.fixture
def rig():
    def build(**settings):
        r = Rig()
        ohm = settings.get("rtd_ohm", 100)
        r.chip = r.board.spi[17] = Max31865(r.now_us, float(ohm),
                                            settings.get("reference_ohm", 4.3 * ohm))
        r.settings = {**SPI, **settings}
        return r
    return build


@pytest.mark.parametrize(("t", "ohm"), TABLE)
def test_table_of_the_standard(t, ohm):
    assert degrees(ohm / 100) == pytest.approx(t, abs=0.02)


def test_conversion_is_exact_within_a_thousandth():
    for t in range(-2000, 8501, 7):
        assert degrees(platinum(t / 10)) == pytest.approx(t / 10, abs=0.001)


@pytest.mark.parametrize("settings", [
    {}, {"wires": 2}, {"wires": 4, "mains_hz": 60}, {"rtd_ohm": 1000},
    {"rtd_ohm": 1000, "reference_ohm": 4000}, {"reference_ohm": 400}])
@pytest.mark.parametrize("t", [-195.0, -80.0, 0.0, 4.2, 300.0])
def test_what_it_feels_is_what_it_says(rig, settings, t):
    r = rig(**settings)
    r.make("max31865", r.settings)
    r.chip.ohm = platinum(t) * settings.get("rtd_ohm", 100)
    step = 430 / 32768 / 0.38       # of the converter, in kelvin
    assert r.values()[0] == pytest.approx(t, abs=step)


@pytest.mark.parametrize(("wires", "mains_hz", "config"), [
    (2, 50, 0x01), (3, 50, 0x11), (4, 50, 0x01), (3, 60, 0x10)])
def test_wires_and_filter(rig, wires, mains_hz, config):
    r = rig(wires=wires, mains_hz=mains_hz)
    r.make("max31865", r.settings)
    r.raw()
    assert r.chip.registers[CONFIG] == config      # bias off again


def test_bias_is_on_for_a_tenth_of_a_second_only(rig):
    r = rig(interval_s=60)
    r.make("max31865", r.settings)
    for _ in range(10):
        r.raw()
    assert r.chip.measured == 10
    assert 700_000 < r.chip.bias_us < 1_000_000


def test_hot_ones_need_the_coarse_scale(rig):
    r = rig()
    r.make("max31865", r.settings)
    r.chip.ohm = 100 * platinum(400)
    with pytest.raises(OSError, match="400 degC does not fit; set scale 0.1"):
        r.raw()
    r = rig(scale=0.1)
    r.make("max31865", r.settings)
    r.chip.ohm = 100 * platinum(800)
    assert r.values()[0] == pytest.approx(800, abs=0.06)


@pytest.mark.parametrize(("fault", "value", "message"), [
    ("open_wire", "rtd", r"the thermometer is open \(fault 0x80\)"),
    ("open_wire", "force-", r"FORCE- or RTDIN- is open \(fault 0x18\)"),
    ("open_wire", "reference", r"the reference is open \(fault 0x20\)"),
    ("shorted", True, r"the thermometer is shorted \(fault 0x40\)"),
    ("overvoltage", True, r"a voltage at its inputs is out of range \(fault 0x04\)"),
])
def test_fault_is_told_in_words_and_goes_with_its_cause(rig, fault, value, message):
    r = rig()
    r.make("max31865", r.settings)
    r.raw()
    setattr(r.chip, fault, value)
    for _ in range(2):
        with pytest.raises(OSError, match=message):
            r.raw()
        assert not r.chip.registers[CONFIG] & 0x80
    setattr(r.chip, fault, None if fault == "open_wire" else False)
    assert r.values()[0] == pytest.approx(0, abs=0.03)


def test_power_glitch_is_told_once(rig):
    r = rig()
    r.make("max31865", r.settings)
    r.raw()
    r.chip.brown_out()
    with pytest.raises(OSError, match="lost its settings; a power glitch"):
        r.raw()
    assert r.values()[0] == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("after_us", [3_000, 13_000, 40_000])
def test_power_glitch_while_it_measures_is_no_reading(rig, after_us):
    r = rig()
    r.make("max31865", r.settings)
    r.board.clock.call_at(after_us, r.chip.brown_out)
    with pytest.raises(OSError, match="max31865"):
        r.raw()


def test_absent_chip_is_told_and_comes_back(rig):
    r = rig()
    r.chip.absent = True
    with pytest.raises(OSError, match="no answer on SPI; check its wires, power and cs"):
        r.make("max31865", r.settings)
    r.chip.absent = False
    r.make("max31865", r.settings)
    r.chip.absent = True
    for _ in range(2):
        with pytest.raises(OSError, match="max31865"):
            r.raw()
    r.chip.absent = False
    assert len(r.raw()) == 1


@pytest.mark.parametrize(("settings", "message"), [
    ({"wires": 5}, "wires must be one of 2, 3, 4, not 5"),
    ({"rtd_ohm": 500}, "rtd_ohm must be one of 100, 1000, not 500"),
    ({"reference_ohm": 43}, "reference_ohm must be 200 to 800, not 43"),
    ({"mains_hz": 55}, "mains_hz must be one of 50, 60, not 55"),
])
def test_wrong_settings_are_named(rig, settings, message):
    with pytest.raises(ValueError, match=message):
        r = rig()
        r.make("max31865", {**SPI, **settings})


def test_it_is_not_on_i2c(rig):
    with pytest.raises(ValueError, match='max31865 is on SPI: set "spi"'):
        rig().make("max31865", dict(I2C))
