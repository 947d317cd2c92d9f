# SPDX-License-Identifier: Apache-2.0
"""Contacts, pulse counters, and several slow sensors as one."""

import pytest

from host_tests.unit.slow_rig import I2C, MISSING, Rig
from tools.emulator.chips.bme280 import Bme280
from tools.emulator.chips.sht import Sht31

PIN = 14


@pytest.fixture
def rig():
    r = Rig()
    r.board.set_pin(PIN, 0)
    return r


def bounce(rig, level, at_us, times, gap_us=700):
    """The pin goes to `level` at `at_us`, bouncing."""
    for i in range(2 * times + 1):
        rig.board.clock.call_at(at_us + i * gap_us,
                                lambda i=i: rig.board.set_pin(PIN, level if i % 2 == 0
                                                              else 1 - level))


@pytest.mark.parametrize(("one", "said"), [(1, [0, 1, 1, 0]), (0, [1, 0, 0, 1])])
def test_contact_and_its_polarity(rig, one, said):
    driver = rig.make("contact", {"pin": PIN, "unit": "open", "one": one, "interval_s": 1})
    assert driver.channels == [{"name": "door", "unit": "open", "scale": 1.0, "offset": 0.0}]
    heard = []
    for level in (0, 1, 1, 0):
        rig.board.set_pin(PIN, level)
        heard += rig.raw()
    assert heard == said


def test_bouncing_is_waited_for(rig):
    rig.make("contact", {"pin": PIN, "interval_s": 1})
    rig.raw()
    bounce(rig, 1, 999_000, 10, 3300)       # until 1.065 s
    assert rig.raw() == [1]
    assert rig.now_us() > 1_065_000


def test_contact_that_never_rests_is_a_failure(rig):
    rig.make("contact", {"pin": PIN, "interval_s": 1})
    rig.raw()
    for i in range(100):
        rig.board.clock.call_at(990_000 + i * 4_000,
                                lambda i=i: rig.board.set_pin(PIN, i % 2))
    with pytest.raises(OSError, match="door: the contact does not come to rest"):
        rig.raw()


def test_cut_wire_reads_as_open(rig):
    del rig.board.pins[PIN]                 # nobody drives it; the pull-up does
    rig.make("contact", {"pin": PIN, "pull": "up"})
    assert rig.raw() == [1]


def pulses(rig, count, from_us, period_us):
    for i in range(count):
        rig.board.clock.call_at(from_us + i * period_us, lambda: rig.board.set_pin(PIN, 1))
        rig.board.clock.call_at(from_us + i * period_us + period_us // 2,
                                lambda: rig.board.set_pin(PIN, 0))


@pytest.mark.parametrize("edge", ["rising", "falling"])
def test_pulses_of_each_interval(rig, edge):
    driver = rig.make("counter", {
        "pin": PIN, "edge": edge, "interval_s": 10, "name": "flow", "unit": "l", "scale": 0.5})
    assert driver.channels == [{"name": "flow", "unit": "l", "scale": 0.5, "offset": 0.0}]
    pulses(rig, 25, 1_000_000, 20_000)
    pulses(rig, 7, 12_000_000, 20_000)
    assert [rig.raw()[0] for _ in range(3)] == [25, 7, 0]
    assert rig.now_us() >= 30_000_000       # the first after the first interval


def test_no_pulse_is_lost_by_dividing(rig):
    rig.make("counter", {"pin": PIN, "divide": 10, "interval_s": 1})
    pulses(rig, 123, 0, 25_000)             # 40 a second
    assert [rig.raw()[0] for _ in range(5)] == [4, 4, 4, 0, 0]
    pulses(rig, 7, rig.now_us() + 1000, 10_000)
    assert rig.raw() == [1]                 # 3 were left over


def test_bounces_are_not_counted(rig):
    rig.make("counter", {"pin": PIN, "edge": "rising", "debounce_ms": 10, "interval_s": 10})
    for i in range(20):
        bounce(rig, 1, 1_000_000 + i * 100_000, 3)
        bounce(rig, 0, 1_050_000 + i * 100_000, 0)
    assert rig.raw() == [20]


def test_too_many_for_an_int16_are_refused_and_the_count_goes_on(rig):
    rig.make("counter", {"pin": PIN, "interval_s": 1})
    counted = rig.driver.chips[0]._pulses._count
    counted[0] += 40_000
    with pytest.raises(OSError, match="pulses: 40000 pulses in an interval; set divide"):
        rig.raw()
    counted[0] += 5
    assert rig.raw() == [5]


def test_count_wraps_without_a_jump(rig):
    rig.make("counter", {"pin": PIN, "edge": "rising", "interval_s": 1})
    chip = rig.driver.chips[0]
    chip._pulses._count[0] = chip._seen = (1 << 29) - 3
    pulses(rig, 10, 1000, 10_000)
    assert rig.raw() == [10]
    assert rig.raw() == [0]


ROOM = {"interval_s": 10, "sensors": [
    {"driver": "sht31", **I2C},
    {"driver": "contact", "name": "door", "pin": PIN, "unit": "open"},
    {"driver": "bme280", "prefix": "out_", **I2C},
]}


@pytest.fixture
def room(rig):
    rig.sht = rig.board.i2c[0x44] = Sht31(rig.now_us)
    rig.bme = rig.board.i2c[0x76] = Bme280(rig.now_us)
    rig.board.clock.advance_to(5000)
    return rig


def test_several_sensors_make_one_pipeline(room):
    driver = room.make("several", ROOM)
    assert [c["name"] for c in driver.channels] == [
        "temperature", "humidity", "door", "out_temperature", "out_humidity", "out_pressure"]
    assert driver.rate_mhz == 100
    room.sht.temperature = 4.2
    room.board.set_pin(PIN, 1)
    assert room.values() == pytest.approx([4.2, 50, 1, 20, 50, 1013.25], abs=0.05)


def test_dead_sensor_costs_its_own_channels_only(room):
    room.sht.absent = True                  # at start already
    driver = room.make("several", ROOM)
    assert room.raw()[:3] == [MISSING, MISSING, 0]
    assert "sht31: no answer" in str(driver.errors[0])
    room.sht.absent = False
    assert MISSING not in room.raw()
    room.bme.absent = True
    assert room.raw()[2:] == [0, MISSING, MISSING, MISSING]


def test_all_of_them_dead_is_an_error(room):
    two = {"sensors": [ROOM["sensors"][0], ROOM["sensors"][2]]}
    room.sht.absent = room.bme.absent = True
    with pytest.raises(OSError, match="sht31: no answer"):
        room.make("several", two)
    room.sht.absent = room.bme.absent = False
    room.make("several", two)
    room.sht.absent = room.bme.absent = True
    with pytest.raises(OSError):
        room.raw()


@pytest.mark.parametrize(("settings", "message"), [
    ({"sensors": []}, "sensors must be a list like"),
    ({"sensors": [{"pin": 3}]}, "each of sensors needs a driver"),
    ({"sensors": [{"driver": "sht31", "interval_s": 3}]}, "interval_s stands beside sensors"),
    ({"sensors": [{"driver": "adxl345"}]}, "adxl345 cannot be one of several"),
    ({"sensors": [{"driver": "nonesuch"}]}, "nonesuch cannot be one of several"),
    ({"sensors": [{"driver": "sht31", **I2C}] * 2}, "two channels are called temperature"),
])
def test_wrong_lists_are_named(room, settings, message):
    with pytest.raises(ValueError, match=message):
        room.make("several", settings)
