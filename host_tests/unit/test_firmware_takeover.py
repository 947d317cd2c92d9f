# SPDX-License-Identifier: Apache-2.0
"""Somebody at the prompt of a board in any condition; tasks that hang; modules that are broken."""

import re

import pytest

from host_tests.unit.test_firmware_board import levels, records, run
from host_tests.unit.test_firmware_supervision import board, boot_record, boots

HELD_S = 15 * 60
BITE_S = 8


def shown(events, start, end=1e9):
    return [e["text"] for e in events if e["kind"] == "console" and start <= e["t"] < end]


def test_soft_reset_of_mpremote_keeps_the_prompt_and_the_watchdog_quiet(tmp_path):
    root = board(tmp_path)
    events = run(root, end_s=1300, serial={"keys": [
        [100, "\x03\x03\x01"], [105, "print(6 * 7)\x04"], [200, "\x04"],
        [300, "print('on')\x04"]]})
    assert any("raw REPL; CTRL-B to exit" in text for text in shown(events, 100, 101))
    assert any("42" in text for text in shown(events, 105, 106))
    assert any("on" in text for text in shown(events, 300, 301))
    assert not any("running" in text for text in shown(events, 200, 1000))   # main.py is skipped
    assert boots(events) == [(0, 1), (200, 5), (200 + HELD_S + BITE_S, 3)]
    assert [(s["wanted"], s["crashes"]) for s in records(root, "start")] == [
        (None, 0), ("person", 0)]
    assert levels(events)[-1][1] == 1


def test_leaving_the_raw_prompt_goes_back_to_work(tmp_path):
    root = board(tmp_path)
    events = run(root, end_s=300, serial={"keys": [[100, "\x03\x01"], [150, "\x02"],
                                                   [160, "\x04"]]})
    assert boots(events) == [(0, 1), (160, 5)]
    assert records(root, "start")[1]["wanted"] == "person"


def test_ctrl_c_reaches_a_board_that_crashes_again_and_again(tmp_path):
    root = board(tmp_path)
    (root / "firmware" / "compose.py").write_text("1 / 0\n")
    events = run(root, end_s=1200, serial={"keys": [[7, "\x03"], [8, "print(6 * 7)\r"]]})
    assert any("monitoring stands still" in text for text in shown(events, 7, 8))
    assert "42" in shown(events, 8, 9)
    assert boots(events)[:3] == [(0, 1), (5, 3), (7 + HELD_S + BITE_S, 3)]
    assert boot_record(root)["crashes"] >= 1


@pytest.mark.parametrize("module", ["app", "compose", "watchdog", "supervisor", "terminal"])
def test_module_that_cannot_be_loaded_resets_and_is_noted(tmp_path, module):
    root = board(tmp_path)
    (root / "firmware" / f"{module}.py").write_text("raise MemoryError('no heap')\n")
    assert boots(run(root, end_s=12)) == [(0, 1), (5, 3), (10, 3)]
    noted = root / "crash.txt"
    assert module in ("watchdog", "terminal") or "MemoryError: no heap" in noted.read_text()


HANG = r'(async def %s\(.*\n(?:\s+"""[\s\S]*?"""\n)?)'


@pytest.mark.parametrize("file, function, clock, bitten", [
    ("supervisor.py", "watch", "    await app.", True),
    ("app.py", "_summaries", "        await self.", False),
    ("app.py", "_report_health", "        await self.", False),
    ("terminal.py", "run", "        await app.", False)])
def test_task_that_hangs_is_bitten_or_costs_no_alarm(tmp_path, file, function, clock, bitten):
    root = board(tmp_path)
    path = root / "firmware" / file
    text, count = re.subn(HANG % function, rf"\1{clock}clock.sleep_ms(1_000_000_000)\n",
                          path.read_text(), count=1)
    assert count == 1
    path.write_text(text)
    events = run(root, end_s=20 if bitten else 3500, serial={"keys": []})
    if bitten:
        assert boots(events)[:2] == [(0, 1), (BITE_S, 3)]
        return
    assert boots(events) == [(0, 1)]
    assert [r["new"] for r in records(root, "alarm") if r["rule"] == "temp_high"][:1] == ["alarm"]


def test_crash_loop_that_damages_the_boot_record_ends_in_safe_mode(tmp_path):
    root = board(tmp_path)
    slots = root / "firmware" / "slots.py"
    slots.write_text(slots.read_text().replace("file.write(text)", "file.write(text[1:])"))
    app = root / "firmware" / "app.py"
    app.write_text(app.read_text().replace(
        "    async def run(self, terminal=None) -> None:",
        "    async def run(self, terminal=None) -> None:\n"
        "        if type(self) is App:\n            raise RuntimeError('bug')", 1))
    assert boots(run(root, end_s=120)) == [(0, 1), (5, 3)]
    assert [s["safe"] for s in records(root, "start")] == [True]
