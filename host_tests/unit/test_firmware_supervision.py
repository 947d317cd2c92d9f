# SPDX-License-Identifier: Apache-2.0
"""Watchdog, boot guard and safe mode of an emulated board whose code goes wrong on purpose."""

import json
import re

import pytest

from host_tests.unit.test_firmware_board import config, records, run
from tools.emulator.deploy import deploy

DRIVER = '''
class Sensor:
    channels = [{"name": "temperature", "unit": "degC", "scale": 0.01, "offset": 0.0}]
    rate_mhz = 1000
    parts = False
    dropped = 0

    def __init__(self, clock, hardware):
        self.clock, self.reads, self.hardware = clock, 0, hardware

    async def read(self, block):
        import time
        from array import array
        self.reads += 1
        await self.clock.sleep_ms(1000)
        if self.reads >= 20:
            %s
        block[0] = 400
        return 1


def make(settings, clock, store, hardware):
    %s
    return Sensor(clock, hardware)
'''
BLOCKS = "time.sleep(60)"


def board(tmp_path, fault="pass", building="pass"):
    wanted = config()
    wanted["pipelines"]["bad"] = {"sensor": {"driver": "bad"}}
    wanted["alarms"]["bad"] = {"source": "bad.temperature", "side": "high", "limit": 8.0}
    root = deploy(tmp_path / "board", wanted)
    (root / "firmware" / "drivers" / "bad.py").write_text(DRIVER % (fault, building))
    return root


def boots(events):
    return [(round(e["t"]), e["cause"]) for e in events if e["kind"] == "boot"]


def boot_record(root):
    return json.loads((root / "boot.rec").read_text()[9:])


def test_a_healthy_board_is_never_bitten_and_settles(tmp_path):
    root = board(tmp_path)
    assert boots(run(root, end_s=7200)) == [(0, 1)]
    assert "young" not in boot_record(root)


def test_driver_that_blocks_is_bitten_after_8_s(tmp_path):
    root = board(tmp_path, BLOCKS)
    first = boots(run(root, end_s=60))
    assert first[1][1] == 3 and 26 <= first[1][0] <= 29


def test_starved_sampler_is_noted_and_bitten(tmp_path):
    root = board(tmp_path, "await self.clock.sleep_ms(10**8)")
    first = boots(run(root, end_s=60))
    assert first[1][1] == 3 and 19 + 14 <= first[1][0] <= 19 + 14 + 9
    assert "bad missed its deadline" in (root / "log.txt").read_text()


def test_exception_loop_of_a_sampler_is_bitten(tmp_path):
    first = boots(run(board(tmp_path, "1 / 0"), end_s=150))
    assert first[1][1] == 3 and 20 + 14 <= first[1][0] <= 120


def test_exception_now_and_then_is_not(tmp_path):
    root = board(tmp_path, "self.reads % 700 or 1 / 0")
    assert boots(run(root, end_s=3600)) == [(0, 1)]


def test_failing_sensor_is_not(tmp_path):
    assert boots(run(board(tmp_path, "raise OSError(5)"), end_s=3600)) == [(0, 1)]


def test_blocked_building_is_bitten(tmp_path):
    root = board(tmp_path, building="import time; time.sleep(60)")
    assert boots(run(root, end_s=30))[:2] == [(0, 1), (8, 3)]


def test_slow_building_is_not(tmp_path):
    root = board(tmp_path, building="import time; time.sleep(7)")
    assert boots(run(root, end_s=300)) == [(0, 1)]


def test_exception_in_a_callback_starves_its_sampler(tmp_path):
    fault = "self.hardware.every(100, lambda timer: 1 / 0); await self.clock.sleep_ms(10**8)"
    assert boots(run(board(tmp_path, fault), end_s=60))[1][1] == 3


def test_five_early_crashes_lead_to_safe_mode_and_a_retry(tmp_path):
    root = board(tmp_path)
    app = root / "firmware" / "app.py"
    app.write_text(app.read_text().replace(
        "    async def run(self, terminal=None) -> None:",
        "    async def run(self, terminal=None) -> None:\n"
        "        if type(self) is App:\n            raise RuntimeError('bug')", 1))
    events = run(root, end_s=3700, max_boots=8, pins=None)
    assert boots(events)[:6] == [(5 * i, 3 if i else 1) for i in range(6)]
    assert boots(events)[6] == (25 + 3600, 3)
    starts = records(root, "start")
    assert [s["safe"] for s in starts] == [True, True]  # crashes before `start` is sent
    assert starts[0]["reset_cause"] == "WDT" and starts[0]["crashes"] == 5
    assert any("safe mode" in problem for problem in starts[0]["problems"])
    retried = [e for e in events if e["kind"] == "boot"][6]
    assert boots(events)[7] == (round(retried["t"]) + 5, 3)


def test_power_on_does_not_count(tmp_path):
    root = board(tmp_path)
    (root / "boot.rec").write_text(_record(boots=7, early=4, young=True))
    assert boots(run(root, end_s=60)) == [(0, 1)]
    assert not records(root, "start")[0]["safe"]


def test_thresholds_alarm_and_led_beats_in_safe_mode(tmp_path):
    root = board(tmp_path)
    (root / "boot.rec").write_text(_record(boots=7, early=5, young=True))
    events = run(root, end_s=3500, pins=None)
    assert records(root, "start")[0]["safe"]
    assert [r["new"] for r in records(root, "alarm") if r["rule"] == "temp_high"][:1] == ["alarm"]
    beats = [e["level"] for e in events if e["kind"] == "pin" and e["pin"] != 14 and e["t"] < 2]
    assert beats == [0, 1, 0, 1, 0]


def test_console_and_prompt_work_in_safe_mode(tmp_path):
    root = board(tmp_path)
    (root / "boot.rec").write_text(_record(boots=7, early=5, young=True))
    events = run(root, end_s=400, serial={"keys": [
        [100, "status\r"], [120, "set alarms.temp_high.limit 7.5\r"], [200, "\x03"],
        [250, "\x04"], [300, "show alarms.temp_high.limit\r"]]})
    shown = [(e["t"], e["text"]) for e in events if e["kind"] == "console"]
    assert any("up 0:01:40" in text for t, text in shown if 100 <= t < 101)
    assert any("-> 7.5 \u00b0C, in force now" in text for t, text in shown if 120 <= t < 121)
    assert boots(events) == [(0, 1), (250, 5)]
    assert [s["safe"] for s in records(root, "start")] == [True, False]
    assert any("limit = 7.5" in text for t, text in shown if t >= 300)


def _record(**record):
    import binascii
    body = json.dumps(record)
    return "%08x %s" % (binascii.crc32(body.encode()), body)


@pytest.mark.parametrize("wanted, early", [("retry", 3), (None, 4)])
def test_wanted_resets_are_told_from_crashes(tmp_path, monkeypatch, wanted, early):
    from firmware import slots

    monkeypatch.chdir(tmp_path)

    class Machine:
        PWRON_RESET, WDT_RESET = 1, 3
        reset_cause = staticmethod(lambda: 3)

    (tmp_path / "boot.rec").write_text(
        _record(boots=7, early=3, young=True, wanted=wanted, slot="B", tries=3))
    assert slots.start(Machine) == 8
    slots.running()
    kept = boot_record(tmp_path)
    assert (kept["early"], kept["slot"], kept["tries"]) == (early, "B", 3)
    assert "wanted" not in kept or wanted is None


def test_crashes_after_ten_minutes_are_not_early(tmp_path, monkeypatch):
    from firmware import slots

    monkeypatch.chdir(tmp_path)

    class Machine:
        PWRON_RESET, WDT_RESET = 1, 3
        reset_cause = staticmethod(lambda: 3)

    for _ in range(20):
        slots.start(Machine)
        assert not slots.safe()
        slots.settled()
    assert slots.report()["crashes"] == 19
    assert (tmp_path / "boot.rec").stat().st_size <= 512


@pytest.mark.parametrize(
    "text", ["", "garbage", "00000000 {}", '00000000 {"boots": 3}', "\0" * 600])
def test_damaged_boot_record_starts_again(tmp_path, monkeypatch, text):
    from firmware import slots

    monkeypatch.chdir(tmp_path)

    class Machine:
        PWRON_RESET, WDT_RESET = 1, 3
        reset_cause = staticmethod(lambda: 1)

    (tmp_path / "boot.rec").write_text(text)
    assert slots.start(Machine) == 1
    assert not slots.safe()


@pytest.mark.parametrize("text, safe", [("garbage", True), ("\xff\xfe", True), (None, False)])
def test_damaged_boot_record_and_a_crash_are_safe_mode(tmp_path, monkeypatch, text, safe):
    from firmware import slots

    monkeypatch.chdir(tmp_path)

    class Machine:
        PWRON_RESET, WDT_RESET = 1, 3
        reset_cause = staticmethod(lambda: 3)

    if text is not None:
        (tmp_path / "boot.rec").write_bytes(text.encode("latin-1"))
    assert slots.start(Machine) == 1
    assert slots.safe() is safe
    assert slots.start(Machine) == 2
    assert slots.safe() is safe   # it crashed at once


def test_exception_in_boot_does_not_keep_main_from_running(tmp_path):
    root = board(tmp_path)
    slots = root / "firmware" / "slots.py"
    slots.write_text(re.sub(r"(def start\(.*\n)", r"\1    raise MemoryError('no heap')\n",
                            slots.read_text()))
    run(root, end_s=120)
    assert records(root, "start")[0]["boot"] == 0


def test_slots_that_cannot_be_imported_reset_the_board(tmp_path):
    root = board(tmp_path)
    (root / "firmware" / "slots.py").write_text("def broken(:\n")
    assert boots(run(root, end_s=12)) == [(0, 1), (5, 3), (10, 3)]
