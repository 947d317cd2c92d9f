# SPDX-License-Identifier: Apache-2.0
"""Analogue inputs, slow and by timer."""

import math

import pytest

from host_tests.unit.slow_rig import Rig

LOOP = {"pins": [26], "names": ["pressure"], "units": ["bar"],
        "points": [[0.6, 0], [3.0, 10]], "valid_v": [0.54, 3.15]}


@pytest.fixture
def rig():
    r = Rig()
    r.volts = {26: lambda t: 1.0, 27: lambda t: 2.0}

    def source(pin):
        return lambda: min(65535, max(0, round(r.volts[pin](r.now_us() / 1e6) / 3.3 * 65535)))

    for pin in (26, 27):
        r.board.adc[pin] = source(pin)
    return r


@pytest.mark.parametrize(("milliampere", "bar"), [(4.0, 0.0), (12.0, 5.0), (20.0, 10.0)])
@pytest.mark.parametrize("pace", [{"interval_s": 1}, {"rate_hz": 100}])
def test_current_loop(rig, pace, milliampere, bar):
    driver = rig.make("adc", {**LOOP, **pace})
    rig.volts[26] = lambda t: milliampere * 0.150
    assert driver.channels[0]["name"] == "pressure"
    assert rig.values()[0] == pytest.approx(bar, abs=0.001)


def test_without_points_it_says_volts(rig):
    driver = rig.make("adc", {"pins": [26, 27]})
    assert [(c["name"], c["unit"]) for c in driver.channels] == [("input1", "V"), ("input2", "V")]
    assert rig.values() == pytest.approx([1.0, 2.0], abs=1e-4)


@pytest.mark.parametrize("milliampere", [0.0, 3.5, 21.5])
@pytest.mark.parametrize("pace", [{"interval_s": 1}, {"rate_hz": 100}])
def test_broken_loop_is_a_failure_until_it_is_mended(rig, pace, milliampere):
    rig.make("adc", {**LOOP, **pace})
    rig.values()
    rig.volts[26] = lambda t: milliampere * 0.150
    rig.sleep(1000)
    with pytest.raises(OSError, match="pin 26 reads .* V; its sensor or wire is broken"):
        for _ in range(3):
            rig.raw(16)
    rig.volts[26] = lambda t: 0.6
    rig.sleep(1000)
    rig.raw(16)
    assert rig.values()[0] == pytest.approx(0, abs=0.001)


def test_one_broken_loop_does_not_hide_the_other(rig):
    driver = rig.make("adc", {**LOOP, "pins": [26, 27], "names": ["a", "b"],
                              "units": ["bar", "bar"]})
    rig.volts[26] = lambda t: 0.0
    said = rig.values()
    assert said[0] is None
    assert said[1] == pytest.approx(5.833, abs=0.001)
    assert "pin 26 reads 0.00 V" in str(driver.errors[0])


@pytest.mark.parametrize("mains_hz", [50, 60])
def test_hum_cancels_out(rig, mains_hz):
    rig.make("adc", {"pins": [26]})
    rig.volts[26] = lambda t: 1.5 + math.sin(2 * math.pi * mains_hz * t + 0.7)
    assert rig.values()[0] == pytest.approx(1.5, abs=0.002)


@pytest.mark.parametrize("rate_hz", [10, 100, 1000, 2000])
def test_timer_samples_evenly_and_loses_nothing(rig, rate_hz):
    driver = rig.make("adc", {"pins": [26, 27], "rate_hz": rate_hz})
    assert driver.rate_mhz == rate_hz * 1000
    start = rig.now_us() / 1e6
    rig.volts[26] = lambda t: round((t - start) * rate_hz) % 1000 / 500
    samples = []
    for _ in range(0, 20 * rate_hz, 64):
        samples += rig.raw(128)
    volts = [round((raw + 32768) / 65535 * 3.3 * 500) for raw in samples[::2]]
    assert all((after - before) % 1000 == 1 for before, after in zip(volts, volts[1:]))
    assert set(samples[1::2]) == {round(2.0 / 3.3 * 65535) - 32768}
    assert driver.dropped == 0


def test_lost_ticks_are_counted_and_the_next_block_begins_behind_them(rig):
    driver = rig.make("adc", {"pins": [26], "rate_hz": 1000})
    rig.raw(128)
    rig.board.clock.now_us += 50_000        # the processor was busy with flash
    rig.raw(128)
    assert 48 <= driver.dropped <= 52
    lost = driver.dropped
    for _ in range(100):
        rig.raw(128)
    assert driver.dropped == lost


def test_ring_that_ran_over_is_counted(rig):
    driver = rig.make("adc", {"pins": [26], "rate_hz": 1000})
    rig.raw(128)
    rig.board.sleep_us(2_000_000)           # ticks come, nobody reads
    rig.raw(128)
    assert 1_995 <= driver.dropped <= 2_005


def test_pause_between_bursts_drops_nothing(rig):
    driver = rig.make("adc", {"pins": [26], "rate_hz": 1000})
    rig.raw(128)
    driver.stop()
    rig.sleep(60_000)
    rig.raw(128)
    assert driver.dropped == 0


def test_an_hour_through_the_wrap_of_ticks(rig):
    rig.board.ticks_start_ms = (1 << 30) // 1000 - 5_000        # ticks_us wraps in 5 s
    driver = rig.make("adc", {"pins": [26], "rate_hz": 10})
    for _ in range(36_000 // 32):
        assert len(rig.raw(128)) == 32
    assert driver.dropped == 0


def test_timer_that_stopped_is_a_failure(rig):
    driver = rig.make("adc", {"pins": [26], "rate_hz": 1000})
    rig.raw(128)
    driver._timer.deinit()
    driver._look = lambda: None             # not seen as lost ticks
    with pytest.raises(OSError, match="its timer does not run"):
        rig.raw(128)


@pytest.mark.parametrize(("settings", "message"), [
    ({"pins": []}, r"pins must be a list of 1 to 4, not \[\]"),
    ({"pins": [26], "names": ["a", "b"]}, "names must be a list of 1, not"),
    ({"pins": [26], "points": [[1, 0], [1, 5]]}, "points must be like"),
    ({"pins": [26], "points": [[1, 5], [2, 5]]}, "points must be like .*, both different"),
    ({"pins": [26], "valid_v": [3, 1]}, "valid_v must be two voltages, the lower one first"),
    ({"pins": [26], "rate_hz": 3000}, "rate_hz must be one of 10, 20, .*, 2000, not 3000"),
])
def test_wrong_settings_are_named(rig, settings, message):
    with pytest.raises(ValueError, match=message):
        rig.make("adc", settings)
