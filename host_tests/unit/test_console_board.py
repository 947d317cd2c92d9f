# SPDX-License-Identifier: Apache-2.0
"""A technician at an emulated board: typed by hand, by the command line, and at the prompt."""

import contextlib
import io
import json
import os
import subprocess
import sys
import time

import pytest

from tools import cli
from tools.emulator.deploy import PROJECT, deploy

RELAY = 14
SECRET = "hunter22"


def ask_cli(*arguments):
    """(exit code, stdout, stderr) of the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(list(arguments))
    return code, out.getvalue(), err.getvalue()


def config():
    return {
        "version": 1, "device": {"id": "fridge-2"},
        "pipelines": {"room": {
            "sensor": {"driver": "plant", "period_ms": 60_000, "wifi_password": SECRET},
            "cold_chain": {"temperature": "temperature", "door": {"input": "door"}}}},
        "alarms": {
            "temp_high": {"source": "room.temperature", "side": "high", "limit": 8.0,
                          "delay_s": 600, "dead_band": 0.5}},
        "outputs": {"siren": {"driver": "relay", "pin": RELAY, "alarms": ["temp_high"],
                              "latch": True}}}


def spec(**more):
    return {"name": "fridge-2", "utc": 1_772_409_600, "end_s": 7200, "pins": [RELAY],
            "plant": {"kind": "room", "seed": 5, "scenario": {"door_left_open": [1200, 3600]}},
            **more}


def run(root, keys, **more):
    """Run the board with typed keys; its events."""
    path = root.parent / "spec.json"
    path.write_text(json.dumps(spec(serial={"keys": keys}, **more)))
    done = subprocess.run([sys.executable, "-m", "tools.emulator.board", str(root), str(path)],
                          capture_output=True, text=True, cwd=PROJECT, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def shown(events, start=0.0, end=1e9):
    return [e["text"] for e in events if e["kind"] == "console" and start <= e["t"] < end]


def levels(events):
    return [(e["t"], e["level"]) for e in events if e["kind"] == "pin"]


def test_session_from_the_first_byte_to_a_released_relay(tmp_path):
    root = deploy(tmp_path / "board", config())
    events = run(root, [
        [100, "status\r"], [110, "set alarms.temp_high.limit 7,0\r"],
        [120, "set alarms.temp_high.limit 7.0 \u00b0C\r"],
        [130, "set alarms.temp_high.delay_s 300\r"],
        [5000, "alarms\r"], [5010, "ack\r"], [5020, "release siren\r"], [5030, "audit\r"]])
    assert "fridge-2  up 0:01:40" in shown(events, 100, 101)[2]
    assert "decimal point" in shown(events, 110, 111)[1]
    assert "8.0 \u00b0C -> 7.0 \u00b0C, in force now" in shown(events, 120, 121)[1]
    records = [json.loads(line) for line in (root / "records.jsonl").read_text().splitlines()]
    alarm = next(r for r in records if r["kind"] == "alarm")
    above = next(e["t"] for e in events if e["kind"] == "room" and e["temperature"] >= 700)
    assert alarm["up_s"] == above + 300
    assert levels(events)[-2:] == [(alarm["up_s"], 0), (5020.0, 1)]
    assert shown(events, 5030, 5031)[-1].endswith("unbroken; head " + _head(root))
    assert SECRET not in json.dumps(events)


def _head(root):
    return (root / "audit.head").read_text().split(" ")[2][:16]


def test_changes_survive_a_reboot(tmp_path):
    root = deploy(tmp_path / "board", config())
    events = run(root, [[100, "set alarms.temp_high.limit 6.5\r"], [110, "reboot\r"],
                        [120, "reboot yes\r"], [200, "show alarms.temp_high.limit\r"],
                        [210, "calibrate temperature 0.5\r"]], end_s=400)
    assert [e["t"] for e in events if e["kind"] == "boot"] == [0.0, 120.2]
    assert "alarms.temp_high.limit = 6.5 \u00b0C" in shown(events, 200)
    saved = json.loads((root / "config.json").read_text())
    assert saved["pipelines"]["room"]["sensor"]["wifi_password"] == SECRET
    assert saved["pipelines"]["room"]["sensor"]["calibration"]["temperature"]["offset"] == 0.5


def test_ctrl_c_gives_the_prompt_and_ctrl_d_goes_back_to_work(tmp_path):
    root = deploy(tmp_path / "board", config())
    events = run(root, [
        [100, "status\r"], [130, "\x03"], [140, "from firmware import console\r"],
        [150, "console.set('alarms.temp_high.limit', 7.5)\r"], [160, "console.alarms()\r"],
        [170, "1 / 0\r"], [180, "\x03"], [190, "\x04"],
        [300, "show alarms.temp_high.limit\r"]], end_s=400)
    assert any("monitoring stands still; Ctrl-D" in text for text in shown(events, 130, 131))
    assert "in force now" in " ".join(shown(events, 150, 151))
    assert any(text.startswith("temp_high  normal") for text in shown(events, 160, 161))
    assert any("ZeroDivisionError" in text for text in shown(events, 170, 171))
    assert [(e["t"], e["cause"]) for e in events if e["kind"] == "boot"] == [(0.0, 1), (190.0, 5)]
    assert "alarms.temp_high.limit = 7.5 \u00b0C" in shown(events, 300)
    assert (130.0, 0) in levels(events)   # nobody watches: the fail-safe relay trips
    assert not (root / "crash.txt").exists()


def reboots(events):
    return [(e["t"], e["cause"]) for e in events if e["kind"] == "boot"][1:]


def starts(root):
    lines = map(json.loads, (root / "records.jsonl").read_text().splitlines())
    return [record for record in lines if record["kind"] == "start"]


def test_maintenance_ends_by_itself(tmp_path):
    root = deploy(tmp_path / "board", config())
    events = run(root, [[130, "\x03"], [1100, "status\r"]], end_s=1300)
    assert reboots(events) == [(130 + 15 * 60 + 8.0, 3)]
    assert [(start["wanted"], start["crashes"]) for start in starts(root)] == [
        (None, 0), ("person", 0)]
    assert levels(events)[-1][1] == 1       # the relay is energised: it watches again
    assert any("fridge-2  up 0:01:02" in text for text in shown(events, 1100))
    assert not (root / "crash.txt").exists()


def test_maintenance_again_and_again_is_no_crash(tmp_path):
    root = deploy(tmp_path / "board", config())
    keys = [[1000 * i + 30, "\x03"] for i in range(7)]
    events = run(root, keys, end_s=7200)
    assert len(reboots(events)) == 7
    assert {(start["crashes"], start["safe"]) for start in starts(root)} == {(0, False)}


def test_watchdog_is_kept_quiet_only_while_maintenance_lasts(tmp_path):
    root = deploy(tmp_path / "board", config())
    events = run(root, [[130, "\x03"], [140, "from firmware import maintenance, slots\r"],
                        [150, "maintenance.begin(machine, slots, app, 1)\r"]], end_s=400)
    assert reboots(events) == [(150 + 60 + 8.0, 3)]


@pytest.fixture
def served(tmp_path):
    """A board on a socket, time running fifty times as fast: (port, folder)."""
    root = deploy(tmp_path / "board", config())
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec(serial={"port": 0, "pace": 50}, end_s=100_000)))
    board = subprocess.Popen(
        [sys.executable, "-u", "-m", "tools.emulator.board", str(root), str(path)],
        stdout=subprocess.PIPE, text=True, cwd=PROJECT)
    assert board.stdout is not None
    event = {"kind": ""}
    while event["kind"] != "serial":
        event = json.loads(board.stdout.readline())
    yield f"socket://127.0.0.1:{event['port']}", root
    board.kill()
    board.wait()
    board.stdout.close()


def test_command_line_reads_and_changes_a_running_board(served, tmp_path):
    port, root = served
    path = "alarms.temp_high.limit"
    assert ask_cli("config", "get", port, path)[1] == f"{path} = 8.0 \u00b0C\n"
    code, out, err = ask_cli("config", "set", port, path, "7.0")
    assert (code, out) == (0, f"{path}: 8.0 \u00b0C -> 7.0 \u00b0C, in force now\n"), err
    assert ask_cli("config", "get", port, path, "--json")[1] == json.dumps(
        {"value": 7.0, "unit": "\u00b0C", "after_reset": False}, indent=1,
        ensure_ascii=False) + "\n"
    before = (root / "config.json").read_bytes()
    code, _, err = ask_cli("config", "set", port, path, "nan")
    assert code == 2 and "not a finite number" in err
    assert (root / "config.json").read_bytes() == before

    mine = tmp_path / "mine.json"
    assert ask_cli("config", "pull", port, "--out", str(mine))[0] == 0
    pulled = json.loads(mine.read_text())
    assert pulled["pipelines"]["room"]["sensor"]["wifi_password"] == "***"
    pulled["alarms"]["temp_high"]["limit"] = 6.0
    mine.write_text(json.dumps(pulled))
    code, out, err = ask_cli("config", "push", port, str(mine))
    assert code == 0 and "saved, 1 alarms" in out, err
    assert "no driver plant comes with this version" in out, "it is the emulator's"
    saved = json.loads((root / "config.json").read_text())
    assert saved["alarms"]["temp_high"]["limit"] == 6.0
    assert saved["pipelines"]["room"]["sensor"]["wifi_password"] == SECRET
    mine.write_text(mine.read_text().replace("6.0", "1e999"))
    code, _, err = ask_cli("config", "push", port, str(mine))
    assert code == 2 and "too large" in err


def test_front_end_passes_through(served):
    port, _ = served
    done = subprocess.run([sys.executable, "-m", "tools.cli", "console", port], cwd=PROJECT,
                          input="alarms\nstatsu\n", capture_output=True, text=True, check=False,
                          env=_environment())
    assert "temp_high  normal" in done.stdout
    assert "did you mean status?" in done.stdout
    assert "\u00b0C" in done.stdout


def test_board_that_is_unplugged_is_one_line(served):
    port, _ = served
    assert ask_cli("config", "get", port, "device.id")[0] == 0
    begin = time.monotonic()
    code, _, err = ask_cli("config", "get", "socket://127.0.0.1:1", "device.id")
    assert code == 2 and "cannot be opened" in err and err.count("\n") == 1
    assert time.monotonic() - begin < 30


def _environment():
    return {**os.environ, "PYTHONPATH": f"{PROJECT / 'lib'}:{PROJECT}"}
