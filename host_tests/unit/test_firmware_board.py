# SPDX-License-Identifier: Apache-2.0
"""The unchanged boot.py, main.py, firmware/ and lib/ on an emulated board, end to end."""

import json
import subprocess
import sys

import pytest

from tools.emulator.deploy import PROJECT, deploy

RELAY = 14
SPEC = {"name": "room", "utc": 1_772_409_600, "end_s": 7200, "pins": [RELAY], "watch_s": 60,
        "plant": {"kind": "room", "seed": 5, "scenario": {"door_left_open": [1200, 3600]}}}


def config(**alarm):
    rule = {"source": "room.temperature", "side": "high", "limit": 8.0, "delay_s": 600,
            "dead_band": 0.5, **alarm}
    return {
        "version": 1, "device": {"id": "room"},
        "pipelines": {"room": {
            "sensor": {"driver": "plant", "period_ms": 60_000}, "summary_every_s": 900,
            "cold_chain": {"temperature": "temperature", "humidity": "humidity",
                           "door": {"input": "door"},
                           "defrost": {"input": "defrost", "start": 6.0, "end": 5.0},
                           "compressor": {"input": "compressor", "on": 1}}}},
        "alarms": {"temp_high": rule,
                   "door": {"source": "room.door_open_s", "side": "high", "limit": 300}},
        "outputs": {"siren": {"driver": "relay", "pin": RELAY, "alarms": ["temp_high"]}}}


def run(root, **changes):
    """Run the board; return its events."""
    spec = root.parent / "spec.json"
    spec.write_text(json.dumps({**SPEC, **changes}))
    done = subprocess.run([sys.executable, "-m", "tools.emulator.board", str(root), str(spec)],
                          capture_output=True, text=True, cwd=PROJECT, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def records(root, kind):
    lines = (root / "records.jsonl").read_text().splitlines()
    return [r for r in map(json.loads, lines) if r["kind"] == kind]


def levels(events):
    return [(event["t"], event["level"]) for event in events if event["kind"] == "pin"]


@pytest.fixture(scope="module")
def warm_room(tmp_path_factory):
    root = deploy(tmp_path_factory.mktemp("warm") / "board", config())
    return root, run(root)


def test_alarm_waits_for_its_delay_and_is_cleared(warm_room):
    root, events = warm_room
    above = next(e["t"] for e in events if e["kind"] == "room" and e["temperature"] >= 800)
    raised, returned = [r for r in records(root, "alarm") if r["rule"] == "temp_high"]
    assert raised["up_s"] == above + 600
    assert returned["new"] == "normal" and returned["value"] < 7.5
    assert raised["utc_s"] == SPEC["utc"] + raised["up_s"]


def test_relay_is_fail_safe(warm_room):
    root, events = warm_room
    raised, returned = [r["up_s"] for r in records(root, "alarm") if r["rule"] == "temp_high"]
    assert levels(events) == [(0, 0), (0, 1), (raised, 0), (returned, 1)]


def test_open_door_alarms_after_its_limit(warm_room):
    root, _ = warm_room
    door = [r for r in records(root, "alarm") if r["rule"] == "door"]
    assert [r["new"] for r in door] == ["alarm", "normal"]
    assert 1200 + 300 <= door[0]["up_s"] <= 1200 + 360


def test_records_are_numbered_without_gaps(warm_room):
    root, _ = warm_room
    lines = (root / "records.jsonl").read_text().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, len(lines) + 1))


def test_summaries_come_at_their_period(warm_room):
    root, _ = warm_room
    assert [r["up_s"] for r in records(root, "summary")] == list(range(900, 7200, 900))


def test_status_says_what_goes_on(warm_room):
    _, events = warm_room
    last = [e for e in events if e["kind"] == "status"][-1]["status"]
    assert last["pipelines"]["room"]["bytes"]["raw"] == 118 * 5 * 2
    assert last["health"]["task_failures"] == 0


def test_latched_output_waits_for_the_operator(tmp_path):
    latched = config()
    latched["outputs"]["siren"]["latch"] = True
    root = deploy(tmp_path / "board", latched)
    events = run(root)
    assert levels(events)[-1][1] == 0
    root = deploy(tmp_path / "board", latched)
    events = run(root, operator={"ack_after_s": 3000})
    assert levels(events)[-1][1] == 1


def test_boots_are_counted_and_survive_a_damaged_record(tmp_path):
    root = deploy(tmp_path / "board", config())
    for expected in (1, 2, 3):
        run(root, end_s=120)
        assert records(root, "start")[-1]["boot"] == expected
    (root / "boot.rec").write_text("garbage")
    run(root, end_s=120)
    assert records(root, "start")[-1]["boot"] == 1


def test_bad_config_runs_on_the_last_good_one_and_says_so(tmp_path):
    root = deploy(tmp_path / "board", config(limit=7.0))
    run(root, end_s=120)
    (root / "config.json").write_text('{"version": 1, "device"')
    events = run(root, end_s=5000)
    start = records(root, "start")[-1]
    assert any("last good" in problem for problem in start["problems"])
    assert any(event.get("text", "").find("last good") > 0 for event in events)
    assert [r for r in records(root, "alarm") if r["rule"] == "temp_high"]


def test_without_any_config_the_device_reports_it(tmp_path):
    root = deploy(tmp_path / "board", "not json at all")
    run(root, end_s=120)
    problems = records(root, "start")[0]["problems"]
    assert any("factory" in problem for problem in problems)


def test_a_crash_in_main_is_noted_and_resets(tmp_path):
    root = deploy(tmp_path / "board", config())
    broken = root / "firmware" / "app.py"
    head = "async def run(self, terminal=None) -> None:\n"
    assert head in broken.read_text()
    broken.write_text(broken.read_text().replace(head, head + "        1 / 0\n"))
    events = run(root, end_s=18)
    assert [e["cause"] for e in events if e["kind"] == "boot"] == [1, 3, 3, 3]
    assert (root / "crash.txt").read_text().count("ZeroDivisionError") == 4


def test_an_app_that_cannot_be_imported_is_noted_and_resets(tmp_path):
    root = deploy(tmp_path / "board", config())
    broken = root / "firmware" / "app.py"
    broken.write_text("raise MemoryError('no heap')\n")
    events = run(root, end_s=18)
    assert [e["cause"] for e in events if e["kind"] == "boot"] == [1, 3, 3, 3]
    assert (root / "crash.txt").read_text().count("MemoryError: no heap") == 4


def test_silent_sensor_trips_a_fail_safe_output(tmp_path):
    silent = config(data_missing_s=300)
    silent["pipelines"]["room"]["sensor"]["period_ms"] = 1_000_000
    root = deploy(tmp_path / "board", silent)
    events = run(root, end_s=900)
    assert levels(events) == [(0, 0), (0, 1), (301, 0)]
    assert records(root, "alarm")[0]["events"] == ["data_missing"]


def test_log_and_records_are_bounded(tmp_path):
    small = {**config(), "sinks": [{"driver": "file", "max_bytes": 3000, "files": 2}]}
    root = deploy(tmp_path / "board", small)
    run(root, end_s=40_000)
    files = sorted(path.name for path in root.glob("records.jsonl*"))
    assert files == ["records.jsonl", "records.jsonl.1"]
    assert all(path.stat().st_size <= 3000 for path in root.glob("records.jsonl*"))
