# SPDX-License-Identifier: Apache-2.0
"""The whole firmware under real MicroPython on an emulated Pico: boots, fits, finds the fault."""

import json

import numpy as np
import pytest

from tools import cli
from tools.emulator import pico
from tools.mpy import board_files

BOARDS = {"pico": ("MICROPYTHON_UF2", 100_000), "pico_w": ("MICROPYTHON_UF2_W", 70_000)}
"""The variable that names its image, and the heap that must be free, in bytes."""

RATE = 3200
FAULT_AT_S = 2
DELAY_S = 1
FIRST_DECISION_S = 5


def capture(path, seconds, seed, fault_from):
    """A machine at 25 Hz on two axes, which shakes and rattles from `fault_from` seconds on."""
    rng = np.random.default_rng(seed)
    t = np.arange(seconds * RATE) / RATE
    late = t >= fault_from
    rows = ["time,x [g],y [g]"]
    x = 0.05 * np.where(late, 8, 1) * np.sin(2 * np.pi * 25 * t)
    x += late * 0.4 * np.sin(2 * np.pi * 700 * t) + rng.normal(0, 0.02, len(t))
    y = 0.05 * np.sin(2 * np.pi * 25 * t + 1) + rng.normal(0, 0.02, len(t))
    rows += [f"{i / RATE:.7f},{a:.4f},{b:.4f}" for i, (a, b) in enumerate(zip(x, y))]
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module", params=list(BOARDS))
def board(request, tmp_path_factory):
    """A Pico with the files of the command line, five seconds after power-on."""
    variable, _ = BOARDS[request.param]
    image = pico.image_from_environment(variable)
    if image is None:
        pytest.skip(f"set {variable} to a MicroPython UF2 image for this board")
    folder = tmp_path_factory.mktemp(request.param)

    def run(*arguments):
        assert cli.main([str(a) for a in arguments]) == 0

    recordings, model = folder / "recordings", folder / "pump.tcb"
    run("capture-import", capture(folder / "mon.csv", 40, 1, 40), "--out", recordings,
        "--kind", "vibration", "--label", "normal", "--scale", 0.001)  # fmt: skip
    run("capture-import", capture(folder / "tue.csv", 6, 2, FAULT_AT_S), "--out", recordings,
        "--add", "--label", "anomalous", "--split", "test", "--kind", "vibration")  # fmt: skip
    run("train", recordings, "--template", "vibration", "--out", model,
        "--config", folder / "config.json")  # fmt: skip
    run("replay", recordings, "--out", folder / "pump.trec")
    config = json.loads((folder / "config.json").read_text())
    [pipeline] = config["pipelines"].values()
    pipeline["schedule"] = None
    for rule in config["alarms"].values():
        rule["delay_s"] = DELAY_S
    files = pico.tree(board_files("armv6m"))
    files["/config.json"] = json.dumps(config).encode()
    files["/models/" + pipeline["model"]] = model.read_bytes()
    files["/" + pipeline["sensor"]["file"]] = (folder / "pump.trec").read_bytes()
    device = pico.Pico(image, files, request.param)
    device.wait(FIRST_DECISION_S)
    return device


@pytest.fixture(scope="module")
def later(board):
    """The same, after the fault: it comes FAULT_AT_S after the first read."""
    board.wait(FAULT_AT_S + 3)
    return board


def records(board, kind):
    lines = board.read_file("/records.jsonl").decode().splitlines()
    return [record for record in map(json.loads, lines) if record["kind"] == kind]


def test_it_starts_without_a_problem_and_fits(board, request):
    [start] = records(board, "start")
    print(start)
    assert start["problems"] == []
    _, free_heap = BOARDS[request.node.callspec.params["board"]]
    assert start["heap_free_min"] >= free_heap


def test_the_fault_is_found(later):
    alarms = [record for record in records(later, "alarm") if "alarm" in record["events"]]
    print(alarms)
    assert alarms and alarms[0]["up_s"] >= FAULT_AT_S
    sampling_since = alarms[0]["up_s"] - FAULT_AT_S - DELAY_S
    assert sampling_since < FIRST_DECISION_S  # a window is 0.16 s
    assert max(alarms[0]["scores"]) > 1
    with pytest.raises(FileNotFoundError):
        later.read_file("/crash.txt")
