# SPDX-License-Identifier: Apache-2.0
"""Small pieces of the firmware on CPython: outputs, accounts, log, store, scales."""

import asyncio
import os
from types import SimpleNamespace

import pytest

from firmware import patterns
from firmware.health import Account
from firmware.log import INFO, WARN, Log
from firmware.outputs import Output
from firmware.store import Store
from firmware.units import feature_scales
from firmware.values import Values
from tools.train.describe import describe

RELAY = {"driver": "relay", "latch": False, "fail_safe": True, "level": "alarm"}


def alarm(**changes):
    state = {"state": 0, "sensor_fault": False, "data_missing": False, "acknowledged": False}
    return SimpleNamespace(**{**state, **changes})


def relay(watched, **changes):
    driven = []
    output = Output("stop", {**RELAY, **changes}, watched, driven.append)
    output.update()
    output.show()
    return output, driven


def test_fail_safe_relay_is_energised_while_all_is_well():
    watched = alarm()
    output, driven = relay([watched])
    assert driven[-1] == 1
    watched.state = 2
    assert output.update()
    assert driven[-1] == 0


def test_fail_safe_relay_takes_not_knowing_for_an_alarm():
    for condition in ("sensor_fault", "data_missing"):
        _, driven = relay([alarm(**{condition: True})])
        assert driven[-1] == 0
    output = Output("stop", RELAY, [], print, blind=True)
    assert output.update() and output.tripped


def test_plain_relay_is_energised_by_the_alarm_only():
    watched = alarm(data_missing=True)
    output, driven = relay([watched], fail_safe=False)
    assert driven[-1] == 0
    watched.state = 2
    output.update()
    assert driven[-1] == 1


def test_warning_level_output_trips_on_a_warning():
    watched = alarm(state=1)
    assert relay([watched])[0].tripped is False
    assert relay([watched], level="warning")[0].tripped is True


def test_latch_holds_until_acknowledged_and_the_cause_is_gone():
    watched = alarm(state=2)
    output, driven = relay([watched], latch=True)
    assert output.acknowledge() is False
    watched.state = 0
    assert output.update() is False and driven[-1] == 0
    assert output.acknowledge() is True and driven[-1] == 1


def test_placement_and_bytes():
    account = Account({"raw": "never", "features": "on_alarm", "scores": "on_alarm",
                       "alarms": "always", "summaries": "always"})
    assert not account.allows("raw", True)
    assert account.allows("features", True) and not account.allows("features")
    for _ in range(1000):
        account.saw(6144)
    account.count("alarms", 300)
    assert account.report() == {"raw": 6_144_000, "sent": 300, "ratio": 20480}


def test_log_ring_drops_the_oldest_and_counts():
    clock = SimpleNamespace(boot_id=2, uptime_s=lambda: 60)
    log = Log(clock, capacity=3)
    for i in range(5):
        log.add(INFO, f"line {i}")
    assert log.dropped == 2
    assert log.lines() == ["2.60 info line 2", "2.60 info line 3", "2.60 info line 4"]


def test_log_writes_warnings_to_flash_only():
    written = []
    store = SimpleNamespace(append=lambda name, line, size, files: written.append(line) or False)
    log = Log(SimpleNamespace(boot_id=1, uptime_s=lambda: 0), store)
    log.add(INFO, "quiet")
    log.add(WARN, "loud")
    assert written == ["1.0 warn loud\n"]
    assert log.unwritten == 1


def test_store_replaces_as_a_whole_and_rotates(tmp_path):
    store = Store(os, f"{tmp_path}/")
    assert store.read("x") is None
    assert store.replace("x", b"new") and store.read("x") == b"new"
    assert store.read("x", limit=2) is None
    for i in range(10):
        assert store.append("log", f"{i}" * 30, 100, files=3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log", "log.1", "log.2", "x"]
    assert store.read("log.1") == b"3" * 30 + b"4" * 30 + b"5" * 30 or store.read("log.1")
    assert store.append("missing/dir", "x", 100) is False
    assert store.append("log", "x" * 101, 100) is False


def test_unknown_value_lists_what_there_is():
    values = Values()
    values.add("temperature", 0.01)
    with pytest.raises(ValueError, match="no value 'humidity'; there are: temperature"):
        values.index("humidity")


def test_feature_scales_agree_with_the_host_description():
    conf = {
        "window": 256, "hop": 256, "rate_mhz": 3_200_000, "missing": None, "domain": "waveform",
        "channels": [{"name": "x", "unit": "m/s^2", "scale": 0.0382, "offset": 0.5}],
        "features": [{"channel": 0, **feature} for feature in (
            {"kind": "band_log2", "n": 256, "window_fn": "hann", "edges": [1, 8, 8, 32]},
            {"kind": "rms_log2"}, {"kind": "std_log2"}, {"kind": "mean", "q": 3},
            {"kind": "std"}, {"kind": "max"}, {"kind": "kurtosis"}, {"kind": "crest_factor"},
            {"kind": "velocity_rms", "n": 256, "window_fn": "hann", "lo": 1, "hi": 80,
             "offset": 0})]}
    described = [(entry["scale"], entry["offset"]) for entry in describe(conf)]
    assert [pytest.approx(found[:2]) for found in feature_scales(conf)] == described


@pytest.mark.parametrize("known", [
    {"rate_mhz": 3_200_000}, {"rate_mhz": None, "interval_ms": 60_000}, {},
    {"domain": "spectrum", "bin_width": 12.5, "bin_unit": "Hz"}])
def test_scales_of_frequencies_times_and_shares_are_those_that_inspect_shows(known):
    features = [
        {"kind": "duty_cycle", "n": 4, "on": 1, "off": 0},
        {"kind": "time_since_change", "n": 1, "delta": 5}, {"kind": "length"}, {"kind": "argmax"},
        {"kind": "zero_crossings"}, {"kind": "skewness"},
        {"kind": "image_means", "shape": [4, 4], "grid": [2, 1], "points": 2},
        {"kind": "image_mins", "shape": [4, 4], "grid": [2, 1], "points": 2},
        {"kind": "peak_frequency", "n": 256, "lo": 1, "hi": 100},
        {"kind": "centroid", "n": 256, "lo": 1, "hi": 100}]
    conf = {
        "window": 256, "hop": 128, "missing": None,
        "channels": [{"name": "x", "unit": "g", "scale": 0.01, "offset": 0.5}],
        "features": [{"channel": 0, **feature} for feature in features], **known}
    described = [(entry["scale"], entry["offset"]) for entry in describe(conf)]
    assert [pytest.approx(found[:2]) for found in feature_scales(conf)] == described


class Ended(Exception):
    pass


def shown(output, rounds, at=()):
    """Levels of an LED or buzzer, 16 in a round; at: [(round, function)]."""
    driven, due = [], sorted(at, key=lambda entry: entry[0])
    output.drive = driven.append

    class Clock:
        async def sleep_ms(self, ms):
            assert ms == 200
            while due and len(driven) >= 16 * due[0][0]:
                due.pop(0)[1]()
            if len(driven) >= 16 * rounds:
                raise Ended

    with pytest.raises(Ended):
        asyncio.run(patterns.run([output], Clock()))
    return "".join("#" if level else "." for level in driven)


def told(driver, rounds=1, at=(), level="alarm", latch=False, **state):
    watched = alarm(**state)
    output = Output("x", {**RELAY, "driver": driver, "level": level, "latch": latch}, [watched],
                    None)
    output.update()

    def change(**changes):
        vars(watched).update(changes)
        output.update()

    return shown(output, rounds, [(when, lambda c=changes: change(**c)) for when, changes in at])


WELL, FAST, ON, QUIET = "#" + 15 * ".", 8 * "#.", 16 * "#", 16 * "."


def test_led_tells_the_worst_state():
    assert told("led") == WELL
    assert told("led", sensor_fault=True) == told("led", data_missing=True) == "#.#.#" + 11 * "."
    assert told("led", state=1) == WELL
    assert told("led", state=1, level="warning") == 8 * "#" + 8 * "."
    assert told("led", state=2) == FAST
    assert told("led", state=2, acknowledged=True) == ON


def test_unacknowledged_alarm_outranks_an_acknowledged_one():
    output = Output("x", {**RELAY, "driver": "led"}, [
        alarm(state=2, acknowledged=True), alarm(state=2), alarm(sensor_fault=True)], None)
    output.update()
    assert shown(output, 1) == FAST


def test_buzzer_sounds_at_once_and_acknowledging_silences_it_while_the_alarm_stands():
    heard = told("buzzer", 4, [(1, {"state": 2}), (2, {"acknowledged": True}),
                               (3, {"state": 0, "acknowledged": False})])
    assert heard == QUIET + FAST + 2 * QUIET
    assert told("buzzer", 3, [(0, {"state": 2, "acknowledged": True}),
                              (2, {"acknowledged": False})])[32:] == FAST
    assert told("buzzer", state=1, level="warning") == "#.#" + 13 * "."
    assert told("buzzer", sensor_fault=True) == "#" + 15 * "."


def test_latched_led_shows_the_alarm_that_is_over():
    assert told("led", 2, [(1, {"state": 0})], latch=True, state=2) == 2 * FAST
    assert told("led", 2, [(1, {"state": 0})], state=2) == FAST + WELL


def test_test_of_an_output_is_not_cut_short_and_leaves_no_trace():
    from firmware import operator

    output, driven = relay([alarm()])
    operator.begin_test(output)
    output.update()
    output.show()
    assert driven[-1] == 0 and not output.tripped
    operator.end_test(output)
    assert driven[-1] == 1
    bell = Output("bell", {**RELAY, "driver": "buzzer"}, [alarm()], None)
    assert shown(bell, 3, [(1, lambda: operator.begin_test(bell)),
                           (2, lambda: operator.end_test(bell))]) == QUIET + FAST + QUIET
    assert not bell.tripped
