# SPDX-License-Identifier: Apache-2.0
"""The DS18B20 driver against probes on an emulated 1-Wire bus."""

import re
import sys

import pytest

from host_tests.unit.slow_rig import MISSING, Rig
from tools.emulator import standin_onewire
from tools.emulator.chips.ds18b20 import Bus, Ds18b20, crc

PIN = 15


def test_crc_is_the_data_sheets():
    assert crc(bytes.fromhex("021C B801 0000 00")) == 0xA2      # AN27, example


@pytest.fixture
def rig(monkeypatch):
    def build(count=1, start_ms=0):
        r = Rig(start_ms)
        for name, module in standin_onewire.build(r.board).items():
            monkeypatch.setitem(sys.modules, name, module)
        r.probes = [Ds18b20(r.now_us, 0x1E64FF0000A0 + 77 * i) for i in range(count)]
        r.bus = r.board.onewire[PIN] = Bus(*r.probes)
        r.named = {"pin": PIN,
                   "probes": {f"t{i + 1}": p.hex() for i, p in enumerate(r.probes)}}
        return r
    return build


@pytest.mark.parametrize(("temperature", "counts"), [
    (125.0, 12500), (25.0625, 2506), (10.125, 1013), (0.5, 50), (0.0, 0), (-0.5, -50),
    (-10.125, -1012), (-25.0625, -2506), (-55.0, -5500)])
def test_table_of_the_data_sheet(rig, temperature, counts):
    r = rig()
    driver = r.make("ds18b20", {"pin": PIN})
    assert driver.channels == [
        {"name": "temperature", "unit": "degC", "scale": 0.01, "offset": 0.0}]
    r.probes[0].temperature = temperature
    assert r.raw() == [counts]


def test_probes_keep_their_names_whatever_the_order_on_the_bus(rig):
    r = rig(5)
    for i, probe in enumerate(r.probes):
        probe.temperature = float(-3 * i)
    r.bus.probes.reverse()
    r.make("ds18b20", r.named)
    assert r.raw() == [0, -300, -600, -900, -1200]
    assert [probe.converted for probe in r.probes] == [1] * 5      # all at once


def test_several_probes_must_be_named_and_the_message_lists_them(rig):
    r = rig(3)
    with pytest.raises(OSError, match="3 probes on pin 15: .*; name them in probes") as error:
        r.make("ds18b20", {"pin": PIN})
    listed = re.findall("28[0-9A-F]{14}", str(error.value))
    assert sorted(listed) == sorted(probe.hex() for probe in r.probes)


def test_dead_probe_does_not_hide_the_other(rig):
    r = rig(2)
    driver = r.make("ds18b20", r.named)
    r.raw()
    r.probes[0].absent = True
    assert r.raw() == [MISSING, 2000]
    assert "t1 on pin 15 does not answer" in str(driver.errors[0])
    r.probes[0].absent = False
    assert r.raw() == [2000, 2000]
    assert driver.errors == [None]


def test_probe_that_was_dead_at_start_comes_in_later(rig):
    r = rig(2)
    r.probes[1].absent = True
    r.make("ds18b20", r.named)
    assert r.raw() == [2000, MISSING]
    r.probes[1].absent = False
    assert r.raw() == [2000, 2000]


def test_power_on_value_is_refused(rig):
    r = rig(2)
    driver = r.make("ds18b20", r.named)
    r.board.clock.call_at(400_000, r.probes[1].brown_out)
    assert r.raw() == [2000, MISSING]
    assert "t2 lost power while it measured (85.00 degC)" in str(driver.errors[0])
    assert r.raw() == [2000, 2000]
    r.probes[0].temperature = 84.9375
    assert r.raw() == [8494, 2000]


def test_shorted_bus_is_not_zero_degrees(rig):
    r = rig(2)
    r.make("ds18b20", r.named)
    r.raw()
    r.bus.shorted = True
    with pytest.raises(OSError, match="pin 15 is shorted to ground"):
        r.raw()
    r.bus.shorted = False
    assert r.raw() == [2000, 2000]


def test_short_that_comes_while_it_measures_is_not_zero_degrees(rig):
    r = rig(2)
    r.make("ds18b20", r.named)
    r.board.clock.call_at(400_000, lambda: setattr(r.bus, "shorted", True))
    with pytest.raises(OSError, match="wrong CRC"):
        r.raw()


@pytest.mark.parametrize("fault", ["shorted", "cut"])
def test_bus_fault_at_start_is_told(rig, fault):
    r = rig(2)
    setattr(r.bus, fault, True)
    message = {"shorted": "shorted to ground", "cut": "no answer on pin 15; check wires"}[fault]
    with pytest.raises(OSError, match=message):
        r.make("ds18b20", r.named)


def test_cut_bus_fails_until_it_is_mended(rig):
    r = rig(2)
    r.make("ds18b20", r.named)
    r.bus.cut = True
    for _ in range(3):
        with pytest.raises(OSError, match="no answer on pin 15"):
            r.raw()
    r.bus.cut = False
    assert r.raw() == [2000, 2000]


def test_flipped_bits_are_read_again_and_never_believed(rig):
    r = rig(1)
    r.make("ds18b20", r.named)
    r.probes[0].noise = 1
    assert r.raw() == [2000]
    r.probes[0].noise = 72 * 3
    with pytest.raises(OSError, match="t1 on pin 15 answers with a wrong CRC"):
        r.raw()
    r.probes[0].noise = 0
    assert r.raw() == [2000]


def test_other_resolution_is_set_to_12_bits(rig):
    r = rig(2)
    r.probes[1].config = 0x1F
    r.probes[1].brown_out()
    r.probes[1].temperature = 4.1875
    r.make("ds18b20", r.named)
    assert r.raw() == [2000, MISSING]
    assert r.raw() == [2000, 419]


def test_probe_without_supply_wire_is_named(rig):
    r = rig(2)
    r.probes[1].parasitic = True
    with pytest.raises(OSError, match="has no supply; connect all three wires"):
        r.make("ds18b20", r.named)


def test_pace_is_kept_through_the_wrap_of_ticks(rig):
    r = rig(1, start_ms=(1 << 30) - 90_000)
    r.make("ds18b20", {"pin": PIN, "interval_s": 60})
    for i in range(5):
        r.raw()
        assert 0 <= r.now_us() - i * 60_000_000 - 750_000 < 100_000


@pytest.mark.parametrize(("settings", "message"), [
    ({}, "pin must be the number of a pin, not None"),
    ({"pin": PIN, "probes": ["28"]}, 'probes must be like {"air"'),
    ({"pin": PIN, "probes": {"air": "28FF"}}, "probes.air must be the 16 hex digits"),
    ({"pin": PIN, "probes": {"air": "10FF641E8016044C"}}, "family 28 first"),
    ({"pin": PIN, "probes": {"air": "28A00000FF641E74"}}, "probes.air does not match its last"),
    ({"pin": PIN, "probes": {"air": "28XF641E8016044C"}}, "probes.air must be the 16 hex digits"),
])
def test_wrong_settings_are_named(rig, settings, message):
    with pytest.raises(ValueError, match=message):
        rig().make("ds18b20", settings)
