# SPDX-License-Identifier: Apache-2.0
"""A day of windows on an emulated board, and its memory: `python -m host_tests.faults.soak`.

A motor in the bursts of the vibration template (256 samples, 16 features, 8 clusters, a network of
16-32-16-2), a room that is warm for a while every three hours, a relay, an LED, a buzzer, and
somebody who asks for the status once an hour. What the board's own code holds, and every object of
the process, is counted after the first hour and at the end (CPython; tracemalloc).
"""

import argparse
import binascii
import gc
import json
import os
import subprocess
import sys
import tempfile
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from tools.datasets import Channel
from tools.emulator.board import Board
from tools.emulator.deploy import PROJECT, deploy
from tools.replay_file import encode

HOUR_S = 3600
MARGIN_S = 1


def schedule() -> dict[str, Any]:
    """That of the vibration template."""
    path = PROJECT / "tools" / "templates" / "vibration.json"
    wanted: dict[str, Any] = json.loads(path.read_text())["schedule"]
    return wanted


def board(root: Path) -> Path:
    golden = json.loads((PROJECT / "host_tests" / "vectors" / "heap_budget.json").read_text())
    config = {
        "version": 1, "device": {"id": "soak"},
        "pipelines": {
            "motor": {"sensor": {"driver": "replay", "file": "motor.trec", "loop": True},
                      "model": "motor.tcb", "schedule": schedule(), "summary_every_s": 900,
                      "vibration": {"value": "score", "baseline_windows": 20}},
            "room": {"sensor": {"driver": "replay", "file": "room.trec", "loop": True}}},
        "alarms": {
            "rattle": {"source": "motor.score", "side": "high", "limit": 20.0, "delay_s": 60,
                       "data_missing_s": 3600},
            "warm": {"source": "room.temperature", "side": "high", "limit": 8.0,
                     "delay_s": 300}},
        "outputs": {
            "stop": {"driver": "relay", "pin": 14, "alarms": ["rattle", "warm"]},
            "lamp": {"driver": "led", "pin": 25, "alarms": ["rattle"]},
            "bell": {"driver": "buzzer", "pin": 15, "alarms": ["warm"]}}}
    deploy(root, config, {"motor.tcb": binascii.unhexlify(golden["bundle"])})
    frame = np.array(golden["frame"], "<i2")
    rng = np.random.default_rng(4)
    calm = [frame + rng.integers(-3, 4, len(frame)) for _ in range(200)]
    loud = [np.clip(30 * frame.astype(int), -32000, 32000) for _ in range(12)]
    samples = np.concatenate([*calm, *loud]).astype("<i2")[:, None]
    (root / "motor.trec").write_bytes(encode([Channel("x", "g", 0.001)], 0.001, samples))
    minutes = np.array([400] * 150 + [1200] * 30, "<i2")[:, None]
    (root / "room.trec").write_bytes(encode([Channel("temperature", "degC", 0.01)], 60.0, minutes))
    return root


def measure(root: Path, hours: float, at_h: list[float]) -> dict[str, Any]:
    """Run the board in this process; what it held at these hours, windows, alarms."""
    keys = [[HOUR_S * hour + 30, "status\r"] for hour in range(int(hours) + 1)]
    spec = {"name": "soak", "utc": 1_772_409_600, "end_s": HOUR_S * hours + 2 * MARGIN_S,
            "serial": {"keys": keys}}
    alarms: Counter[str] = Counter()

    def see(event: dict[str, Any]) -> None:
        if event["kind"] == "boot" or event["kind"] == "pin" and event["pin"] == 14:
            alarms[event["kind"] + str(event.get("level", ""))] += 1

    machine = Board(root, spec, see)
    held: list[str] = []

    def look() -> None:
        app = machine._main["app"]
        sys._clear_type_cache()  # it holds on to the names of attributes looked up last
        gc.collect()
        mine = tracemalloc.Filter(True, str(root.resolve()) + "/*", all_frames=True)
        snapshot = tracemalloc.take_snapshot().filter_traces([mine])
        places = {f"{found.traceback[0].filename[len(str(root.resolve())) + 1:]}:"
                  f"{found.traceback[0].lineno}": found.size
                  for found in snapshot.statistics("lineno")}
        del snapshot, mine
        gc.collect()
        types = Counter(type(item).__name__ for item in gc.get_objects())
        held.append(json.dumps({
            "h": machine.clock.now_us / 1e6 / HOUR_S, "bytes": sum(places.values()),
            "places": places, "objects": types.total(), "types": types,
            "windows": app.pipelines["motor"].windows,
            "failures": app.health.task_failures, "problems": app.problems}))

    def fill() -> None:
        """The log's ring, which alarms would fill over days; and what measuring itself keeps."""
        for _ in range(40):
            machine._main["app"].log.add("info", 80 * "x")
        look()
        held.clear()

    machine.clock.call_at(round(1e6 * HOUR_S * at_h[0] - 60e6), fill)
    for hour in at_h:
        machine.clock.call_at(round(1e6 * (HOUR_S * hour + MARGIN_S)), look)
    tracemalloc.start(1)
    end = machine.run()
    return {"end": end, "held": [json.loads(text) for text in held], "seen": alarms}


def soak(folder: Path, hours: float, first_h: float = 1.0) -> dict[str, Any]:
    """As `measure`, in a process of its own: first after `first_h`, in the middle, at the end."""
    command = [sys.executable, "-m", "host_tests.faults.soak", "--in", str(folder), "--hours",
               str(hours), "--first", str(first_h)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def grown(result: dict[str, Any]) -> tuple[int, dict[str, int]]:
    """(bytes of the board's code, objects per type) that the end holds more than the start."""
    first, last = result["held"][0], result["held"][-1]
    types = {name: count - first["types"].get(name, 0) for name, count in last["types"].items()}
    return last["bytes"] - first["bytes"], {name: n for name, n in types.items() if n > 0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--first", type=float, default=1.0, help="hour of the first look")
    parser.add_argument("--in", dest="folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.folder is not None:
        middle = (given.first + given.hours) / 2
        result = measure(board(given.folder / "board"), given.hours,
                         [given.first, middle, given.hours])
        out = sys.__stdout__
        assert out is not None
        out.write(json.dumps(result) + "\n")
        out.flush()
        os._exit(0)
    with tempfile.TemporaryDirectory() as folder:
        result = soak(Path(folder), given.hours, given.first)
    for look in result["held"]:
        print(f"{look['h']:6.2f} h: {look['windows']} windows, {look['bytes']} bytes held by the "
              f"board's code, {look['objects']} objects in the process")
    size, types = grown(result)
    print(f"grown: {size} bytes, objects {types or 'none'}; relay tripped "
          f"{result['seen'].get('pin0', 0) - 1} times; boots {result['seen']['boot']}")
    first, last = (result["held"][i]["places"] for i in (0, -1))
    more = sorted(((last[name] - first.get(name, 0), name) for name in last), reverse=True)
    print("most at", ", ".join(f"{name} {size}" for size, name in more[:6]))
    sys.exit(size > 1024 or sum(types.values()) > 20)


if __name__ == "__main__":
    main()
