# SPDX-License-Identifier: Apache-2.0
"""The BME280 driver against the register-level chip."""

import pytest

from firmware.drivers.bme280 import fine_temperature, humidity_q10, pressure_q8
from host_tests.unit.slow_rig import I2C, SPI, Rig
from tools.emulator.chips import bme280 as model


@pytest.fixture(params=["i2c", "spi"])
def rig(request):
    r = Rig()
    r.chip = model.Bme280(r.now_us)
    if request.param == "spi":
        r.board.spi[17] = r.chip
        r.settings = dict(SPI)
    else:
        r.board.i2c[0x76] = r.chip
        r.settings = dict(I2C)
    r.board.clock.advance_to(5000)
    return r


def test_example_of_the_data_sheet():
    fine = fine_temperature(519888, model.T)
    assert fine == 128422
    assert fine * 5 + 128 >> 8 == 2508
    assert pressure_q8(415148, fine, model.P) / 256 == pytest.approx(100653.27, abs=0.02)
    assert pressure_q8(415148, fine, (0,) * 9) == 0


def test_integers_agree_with_double_precision_everywhere():
    for raw in range(300_000, 720_000, 7919):
        fine = fine_temperature(raw, model.T)
        degrees = model.temperature(raw)[0]
        assert fine / 5120 == pytest.approx(degrees, abs=0.005)
        if not -40 <= degrees <= 85:
            continue
        for pressure in range(200_000, 700_000, 70_001):
            exact = model.pressure(pressure, fine)
            assert pressure_q8(pressure, fine, model.P) / 256 == pytest.approx(exact, abs=1.0)
        for damp in range(15_000, 45_000, 1777):
            exact = model.humidity(damp, fine)
            assert humidity_q10(damp, fine, model.H) / 1024 == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize(("temperature", "humidity", "pressure"), [
    (20.0, 50.0, 1013.25), (-39.0, 12.0, 480.0), (4.18, 99.0, 1099.0), (84.0, 5.0, 700.0)])
def test_what_it_feels_is_what_it_says(rig, temperature, humidity, pressure):
    rig.make("bme280", rig.settings)
    rig.chip.temperature, rig.chip.humidity = temperature, humidity
    rig.chip.pressure = pressure
    said = rig.values()
    assert said[0] == pytest.approx(temperature, abs=0.011)
    assert said[1] == pytest.approx(humidity, abs=0.03)
    assert said[2] == pytest.approx(pressure, abs=0.04)


def test_it_sleeps_between_forced_measurements(rig):
    rig.make("bme280", {**rig.settings, "interval_s": 10})
    for i in range(5):
        rig.raw()
        assert rig.now_us() - i * 10_000_000 < 30_000
        assert rig.chip.registers[model.CTRL_MEAS] == 0x24
        assert rig.chip.registers[model.CTRL_HUM] == 0x01
        assert rig.chip.registers[model.CONFIG] == 0
    assert rig.chip.measured == 5
    assert rig.chip.duration_us() == 9300


def test_pressure_out_of_reach_is_missing_alone(rig):
    rig.make("bme280", rig.settings)
    rig.chip.pressure = 400.0
    said = rig.values()
    assert said[2] is None
    assert said[0] == pytest.approx(20.0, abs=0.01)


def test_power_glitch_is_told_once(rig):
    rig.make("bme280", rig.settings)
    rig.raw()
    rig.chip.brown_out()
    with pytest.raises(OSError, match="lost its settings; a power glitch"):
        rig.raw()
    assert rig.values()[1] == pytest.approx(50, abs=0.03)


def test_power_glitch_while_it_measures_is_noticed(rig):
    rig.make("bme280", rig.settings)
    rig.board.clock.call_at(rig.now_us() + 3000, rig.chip.brown_out)
    with pytest.raises(OSError, match="lost its settings; a power glitch"):
        rig.raw()
    assert len(rig.raw()) == 3


def test_endless_measurement_is_a_failure(rig):
    rig.make("bme280", rig.settings)
    rig.chip.endless = True
    with pytest.raises(OSError, match="a measurement does not end"):
        rig.raw()
    rig.chip.endless = False
    assert len(rig.raw()) == 3


@pytest.mark.parametrize(("chip_id", "message"), [
    (0x58, "is a BMP280, which has no humidity sensor"),
    (0x61, "says it is 0x61, not 0x60; check chip"),
])
def test_another_chip_is_refused(rig, chip_id, message):
    rig.chip.wrong_id = chip_id
    with pytest.raises(OSError, match=message):
        rig.make("bme280", rig.settings)


def test_absent_chip(rig):
    rig.chip.absent = True
    with pytest.raises(OSError, match="no answer at I2C address 0x76|says it is 0xFF, not 0x60"):
        rig.make("bme280", rig.settings)
    rig.chip.absent = False
    rig.make("bme280", rig.settings)
    rig.raw()
    rig.chip.absent = True
    for _ in range(2):
        with pytest.raises(OSError):
            rig.raw()
    rig.chip.absent = False
    assert len(rig.raw()) == 3
