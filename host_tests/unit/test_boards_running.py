# SPDX-License-Identifier: Apache-2.0
"""What a deployment's interruption and its reset mean to a board that is at work."""

import json

import pytest

from host_tests.unit.test_console_board import config, run, shown
from tools.boards import link
from tools.emulator.deploy import deploy

INTERRUPT = "\x03\x03"  # the link's own, then mpremote's
RESET = f"exec({link._RESET!r})\r"


def starts(root):
    lines = (root / "records.jsonl").read_text().splitlines()
    return [r for r in map(json.loads, lines) if r["kind"] == "start"]


def boots(events):
    return [event["t"] for event in events if event["kind"] == "boot"]


def test_what_was_left_on_the_console_is_not_executed(tmp_path):
    root = deploy(tmp_path / "board", config())
    before = (root / "config.json").read_text()
    keys = [[50, "status\r"], [60, "set alarms.temp_high.limit 20.0"], [70, INTERRUPT],
            [70.001, "\r\x03"], [80, RESET]]  # fmt: skip
    events = run(root, keys, end_s=300)
    assert any("fridge-2" in line for line in shown(events, 50, 60)), "somebody was there"
    assert any("monitoring stands still" in line for line in shown(events, 70, 80))
    assert (root / "config.json").read_text() == before
    assert not any("limit" in line and "->" in line for line in shown(events, 60))


def test_the_app_runs_again_and_no_crash_is_counted(tmp_path):
    root = deploy(tmp_path / "board", config())
    keys = []
    for at in (50, 150, 250, 350, 450, 550, 650):
        keys += [[at, INTERRUPT], [at + 10, RESET]]
    events = run(root, keys, end_s=900)
    assert boots(events) == [0.0, 60, 160, 260, 360, 460, 560, 660]
    found = starts(root)
    assert [start["wanted"] for start in found] == [None] + ["deploy"] * 7
    assert {(start["crashes"], start["safe"]) for start in found} == {(0, False)}
    assert found[-1]["problems"] == []
    record = json.loads((root / "boot.rec").read_text()[9:])
    assert record["boots"] == 8 and "wanted" not in record


@pytest.mark.parametrize("seconds", [30, 33])
def test_a_board_that_crashes_again_and_again_is_caught_and_let_go(tmp_path, seconds):
    """In its app, or in the five seconds before it resets; what has been deployed gets a try."""
    root = deploy(tmp_path / "board", config())
    broken = root / "firmware" / "outputs.py"
    good = broken.read_text()
    broken.write_text("raise RuntimeError('crashes at once')\n")
    mended = f"f = open('firmware/outputs.py', 'w'); f.write({good!r}); f.close()\r"
    keys = [[seconds, INTERRUPT], [seconds + 5, mended], [seconds + 10, RESET]]
    events = run(root, keys, end_s=300, max_boots=30)
    again = [t for t in boots(events) if t > seconds]
    assert len(again) == 1, "the app has run since"
    last = starts(root)[-1]
    assert last["wanted"] == "deploy" and not last["safe"] and last["problems"] == []


def test_a_board_without_our_firmware_is_reset_all_the_same(tmp_path):
    root = tmp_path / "board"
    root.mkdir()
    (root / "main.py").write_text("import machine\n" + link._RESET)
    events = run(root, [], end_s=10, max_boots=3)
    assert len(boots(events)) == 3
    assert not (root / "boot.rec").exists()
