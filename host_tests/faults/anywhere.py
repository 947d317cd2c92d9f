# SPDX-License-Identifier: Apache-2.0
"""No memory, or Ctrl-C, at any line of the firmware: `python -m host_tests.faults.anywhere KIND`.

A cold room that grows warm and a motor run on an emulated board; at each chosen line of boot.py,
main.py, firmware/ or lib/ the fault comes, and the board goes on. KIND:
    memory    MemoryError: every rule is armed or reported, no task is gone, and the warm room
              alarms and trips its relay in time; or the board has reset and does so then
    ctrl-c    KeyboardInterrupt: monitoring stands still with the relay tripped, and 15 minutes
              later the board goes back to work by itself, without counting a crash
    soft      the same, and mpremote resets the board softly 60 s later
"""

import argparse
import binascii
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from tools.datasets import Channel
from tools.emulator.deploy import PROJECT, deploy
from tools.replay_file import encode

RELAY, LED = 14, 25
WARM_AT_S, DELAY_S = 40, 10
BUSY_S, END_S = 60, 140
HELD_S = 15 * 60
GOLDEN = PROJECT / "host_tests" / "vectors" / "firmware_app.json"
TASKS = ["console", "health", "patterns", "run"]
PIPELINES = ["motor", "room"]
KEYS = [[10, "status\r"], [15, "set alarms.warm.limit 8.5\r"], [20, "alarms\r"], [24, "log\r"],
        [26, "test lamp\r"], [30, "show alarms.warm\r"], [34, "audit\r"], [56, "ack\r"]]


def board(root: Path) -> Path:
    """A board with a room, a motor, a relay, a lamp and a buzzer."""
    golden = json.loads(GOLDEN.read_text())
    config = {
        "version": 1, "device": {"id": "fault"},
        "pipelines": {
            "room": {"sensor": {"driver": "replay", "file": "room.trec"}, "summary_every_s": 30},
            "motor": {"sensor": {"driver": "replay", "file": "motor.trec", "loop": True},
                      "model": "motor.tcb", "run_gate": {"source": "x rms log2", "on": 0.0,
                                                         "off": -3.0},
                      "vibration": {"value": "score", "baseline_windows": 20},
                      "schedule": {"every_s": 20, "windows": 1}}},
        "alarms": {
            "warm": {"source": "room.temperature", "side": "high", "limit": 8.0,
                     "delay_s": DELAY_S, "data_missing_s": 60},
            "bearing": {"source": "motor.score", "side": "high", "limit": 9.0, "delay_s": 60}},
        "outputs": {
            "stop": {"driver": "relay", "pin": RELAY, "alarms": ["warm"]},
            "lamp": {"driver": "led", "pin": LED, "alarms": ["warm", "bearing"]}}}
    deploy(root, config, {"motor.tcb": binascii.unhexlify(golden["bundle"])})
    warm = np.array([400] * WARM_AT_S + [1200] * 3600, "<i2")[:, None]
    degrees = Channel("temperature", "degC", 0.01)
    (root / "room.trec").write_bytes(encode([degrees], 1.0, warm))
    motor = np.array(golden["vibration"][:3072], "<i2")[:, None]
    (root / "motor.trec").write_bytes(encode([Channel(**golden["channel"])], 0.001, motor))
    return root


PLANS: dict[str, dict[str, Any]] = {
    "memory": {"error": "MemoryError", "until_s": BUSY_S},
    "ctrl-c": {"error": "KeyboardInterrupt", "until_s": BUSY_S,
               "more_s": HELD_S + 8 + WARM_AT_S - 5},
}


def run(folder: Path, plan: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What became of each fault, and the run without one."""
    root = board(folder / "board")
    spec = {"name": "fault", "utc": 1_772_409_600, "end_s": END_S, "serial": {"keys": KEYS}}
    (folder / "spec.json").write_text(json.dumps(spec))
    (folder / "plan.json").write_text(json.dumps(plan))
    command = [sys.executable, "-m", "host_tests.faults.inject", str(root),
               str(folder / "spec.json"), str(folder / "plan.json")]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    *children, last = (json.loads(line) for line in done.stdout.splitlines())
    return children, last


def points(lines: list[tuple[int, str]], spare: list[str], wanted: int) -> list[int]:
    """`wanted` moments, spread over the places: the first time that each line is reached."""
    firsts = [point for point, place in lines if place not in spare]
    return firsts[::max(1, len(firsts) // wanted)]


def spared(root: Path) -> list[str]:
    """Lines of boot.py and main.py up to the second `try` and from the outer `except` on.

    MicroPython neither allocates there nor looks for Ctrl-C, which it does in jumps and calls.
    """
    found = []
    for name in ("boot.py", "main.py"):
        lines = (root / name).read_text().splitlines()
        first = lines.index("try:")
        last = next(i for i, line in enumerate(lines) if line.startswith("except"))
        found += [f"{name}:{i + 1}" for i, line in enumerate(lines)
                  if i <= first + 1 or i >= last and "maintenance" not in line]
    return found


def tasks_gone(state: dict[str, Any]) -> list[str]:
    """Tasks of the app, and of the pipelines that it has, that do not run."""
    wanted = list(TASKS)
    for name in state["pipelines"]:
        wanted += ["sampler " + name, "summaries " + name]
    return [name for name in wanted if name not in state["tasks"]]


def boots(child: dict[str, Any]) -> list[tuple[float, int]]:
    return [(e["t"], e["cause"]) for e in child["events"] if e["kind"] == "boot"]


def level(child: dict[str, Any], pin: int, at_s: float) -> int | None:
    """What a pin showed at a moment."""
    found = None
    for event in child["events"]:
        if event["t"] > at_s:
            break
        if event["kind"] == "boot":
            found = None
        elif event["kind"] == "pin" and event["pin"] == pin:
            found = event["level"]
    return found


def wrong_memory(child: dict[str, Any]) -> list[str]:
    """What is not as it must be after a MemoryError."""
    found = []
    state = child["state"]
    start, _ = boots(child)[-1]
    resets = len(boots(child)) - 1
    if child["end"] != "end" or state is None:
        return [f"it ended with {child['end']!r}, app: {state is not None}"]
    if tasks_gone(state):
        found.append(f"tasks gone: {tasks_gone(state)}")
    told = " ".join(state["problems"]) + " ".join(state["log"])
    for name in [n for n in PIPELINES if n not in state["pipelines"]] + [
            n for n in ("warm", "bearing") if n not in state["alarms"]]:
        if name not in told:
            found.append(f"{name} is neither there nor reported")
    if not resets and not state["problems"] and not state["failures"]:
        console = " ".join(e["text"] for e in child["events"] if e["kind"] == "console")
        if "allocation failed" not in console and state["alarms"].get("warm") != 2:
            found.append("nobody was told")
    warm_at = start + WARM_AT_S + DELAY_S + 20
    if "warm" in state["alarms"] and state["alarms"]["warm"] != 2 and warm_at < END_S:
        found.append(f"the room is warm and its alarm is {state['alarms']['warm']}")
    if level(child, RELAY, 1e9) != 0 and warm_at < END_S:
        found.append("the room is warm and the relay is not tripped")
    alarmed = state["alarms"].get("warm") == 2 and warm_at < END_S
    if alarmed and '"rule":"warm","events":["alarm"]' not in state["records"]:
        found.append("the alarm is not among the records")
    if resets > 2:
        found.append(f"{resets} resets")
    return found


def wrong_ctrl_c(child: dict[str, Any]) -> list[str]:
    """What is not as it must be after Ctrl-C."""
    found = []
    at, state, all_boots = child["t"], child["state"], boots(child)
    resets = [boot for boot in all_boots if boot[0] > at]
    console = [e for e in child["events"] if e["kind"] == "console" and e["t"] >= at]
    if not any("monitoring stands still" in e["text"] for e in console):
        found.append("not in maintenance")
    if level(child, RELAY, at + 30) == 1:
        found.append("the relay says that all is well")
    if len(resets) != 1 or not HELD_S <= resets[0][0] - at <= HELD_S + 12 or resets[0][1] != 3:
        found.append(f"boots after {at}: {resets}")
    if state is None or tasks_gone(state) or state["pipelines"] != PIPELINES:
        return [*found, f"not back at work: {state and state['tasks']}"]
    if level(child, RELAY, 1e9) != 1:
        found.append("the relay is tripped for no reason")
    started = [e["text"] for e in console if "crash" in e["text"] or "safe mode" in e["text"]]
    return found + started


WRONG = {"memory": wrong_memory, "ctrl-c": wrong_ctrl_c}


def judge(kind: str, wanted: int, folder: Path, **more: Any) -> tuple[int, list[str]]:
    """(faults, what was wrong) at about `wanted` places."""
    plan = {**PLANS[kind], **more, "spare": spared(PROJECT)}
    _, reference = run(folder, plan)
    chosen = points(reference["lines"], plan["spare"], wanted)
    children, _ = run(folder, {**plan, "points": chosen})
    assert len(children) == len(chosen)
    wrong = [f"{kind} at line {child['point']}, {child['at']}, t={child['t']:g} s: {what}"
             for child in children for what in WRONG[kind](child)]
    return len(children), wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("kind", choices=sorted(WRONG))
    parser.add_argument("--places", type=int, default=1_000_000, help="default: every line")
    parser.add_argument("--burst", type=int, default=0, help="lines that follow fail too")
    given = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        count, wrong = judge(given.kind, given.places, Path(folder), burst=given.burst)
    for line in wrong:
        print(line)
    print(f"{given.kind}: {count} faults, {len(wrong)} violations, "
          f"{time.monotonic() - started:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
