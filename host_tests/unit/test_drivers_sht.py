# SPDX-License-Identifier: Apache-2.0
"""The SHT31 and SHT4x drivers against the chips."""

import pytest

from firmware.words import crc8
from host_tests.unit.slow_rig import I2C, Rig
from tools.emulator.chips import sht

CHIPS = {"sht31": sht.Sht31, "sht4x": sht.Sht4x}


def test_crc_is_the_data_sheets():
    assert crc8(b"\xbe\xef", 0, 2) == 0x92
    assert sht.checksum(b"\xbe\xef") == 0x92


@pytest.fixture(params=list(CHIPS))
def name(request):
    return request.param


def rig(name, **settings):
    r = Rig()
    r.chip = r.board.i2c[settings.get("address", 0x44)] = CHIPS[name](r.now_us)
    r.settings = {**I2C, **settings}
    return r


@pytest.mark.parametrize(("temperature", "humidity"), [
    (-40.0, 0.0), (-18.37, 12.5), (0.0, 50.0), (4.18, 78.91), (25.0, 99.99), (85.0, 100.0)])
def test_what_it_feels_is_what_it_says(name, temperature, humidity):
    r = rig(name)
    r.make(name, r.settings)
    r.chip.temperature, r.chip.humidity = temperature, humidity
    assert r.values() == pytest.approx([temperature, humidity], abs=0.0101)
    assert [c["unit"] for c in r.driver.channels] == ["degC", "%RH"]


def test_sht4x_humidity_stays_within_its_range():
    r = rig("sht4x")
    r.make("sht4x", r.settings)
    r.chip.humidity = 118.0
    assert r.values()[1] == 100.0
    r.chip.humidity = -5.0
    assert r.values()[1] == 0.0


def test_one_reading_per_interval_without_drift(name):
    r = rig(name, interval_s=10)
    driver = r.make(name, r.settings)
    assert driver.rate_mhz == 100
    for i in range(360):
        r.raw()
        assert 0 <= r.now_us() - i * 10_000_000 < 50_000
    assert r.chip.measured == 360


def test_chip_is_reset_first_and_its_heater_off():
    r = rig("sht31")
    r.chip.heater = True
    r.make("sht31", r.settings)
    r.raw()
    assert not r.chip.heater
    assert b"\x30\xa2" in r.chip.written
    r = rig("sht4x")
    r.make("sht4x", r.settings)
    r.raw()
    assert r.chip.written == [b"\x89", b"\x94", b"\xfd"]


def test_no_answer_is_told_with_the_address(name):
    r = rig(name, address=0x45)
    r.chip.absent = True
    with pytest.raises(OSError, match="no answer at I2C address 0x45 .*; check its wires, power"):
        r.make(name, r.settings)


@pytest.mark.parametrize("word", [0, 1])
def test_wrong_crc_is_no_reading(name, word):
    r = rig(name)
    r.make(name, r.settings)
    r.raw()
    r.chip.bad_crc = word
    with pytest.raises(OSError, match="wrong CRC; check wires"):
        r.raw()
    r.chip.bad_crc = None
    assert len(r.raw()) == 2


def test_another_chip_at_the_address_is_refused():
    r = rig("sht31")
    r.board.i2c[0x44] = sht.Sht4x(r.now_us)
    with pytest.raises(OSError, match="sht31: no answer"):
        r.make("sht31", r.settings)
    r = rig("sht4x")
    r.board.i2c[0x44] = sht.Sht31(r.now_us)
    with pytest.raises(OSError, match="sht4x: no answer"):
        r.make("sht4x", r.settings)


def test_power_glitch_is_told_once(name):
    r = rig(name)
    r.make(name, r.settings)
    r.raw()
    r.chip.brown_out()
    if name == "sht31":
        with pytest.raises(OSError, match="lost its settings; a power glitch"):
            r.raw()
    assert len(r.raw()) == 2        # an SHT4x has no settings to lose


def test_heater_that_switched_itself_on_is_noticed():
    r = rig("sht31")
    r.make("sht31", r.settings)
    r.raw()
    r.chip.heater = True
    with pytest.raises(OSError, match="lost its settings"):
        r.raw()
    r.chip.temperature = 5.0
    assert r.values()[0] == pytest.approx(5.0, abs=0.01)


def test_fails_while_it_is_away_and_comes_back(name):
    r = rig(name)
    r.make(name, r.settings)
    r.raw()
    r.chip.absent = True
    for _ in range(3):
        with pytest.raises(OSError):
            r.raw()
    r.chip.absent = False
    assert len(r.raw()) == 2


@pytest.mark.parametrize(("settings", "message"), [
    ({"interval_s": 0}, "interval_s must be 0.2 to 3600, not 0"),
    ({"interval_s": "60"}, "interval_s must be 0.2 to 3600, not '60'"),
    ({"heater": True}, "unknown setting heater; known are interval_s, prefix"),
    ({"prefix": 3}, "prefix must be a text"),
])
def test_wrong_settings_are_named(name, settings, message):
    with pytest.raises(ValueError, match=message):
        r = rig(name, **settings)
        r.make(name, r.settings)
