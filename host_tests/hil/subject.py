# SPDX-License-Identifier: Apache-2.0
"""What the suite puts on a board: a machine on three axes at 3.2 kHz, its model, its config.

A bare board has no sensor, so the driver `replay` plays two recordings: `steady` for ever, and
`failing`, which begins like it and shakes from window FAULT_WINDOW on.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from host_tests.board import pico_model
from tools import cli
from tools.datasets import Channel
from tools.replay_file import encode
from tools.train.template import FOLDER

RATE_HZ = 3200
WINDOW = 512
WINDOW_MS = 1000 * WINDOW // RATE_HZ
STEADY_WINDOWS = 4
FAULT_WINDOW = 3
FAULT_WINDOWS = 9
ALARM = "velocity_high_x"
DELAY_S = 1
LIMIT = 7.1
STEADY, FAILING = "hil_steady.trec", "hil_failing.trec"
MODEL = "hil.tcb"
_LSB_G = 0.001
_SHAFT_HZ = 25
_TRAINING_S = 30
_WHITEN_UP_TO = 64
"""Three axes have 111 features; the matrix that whitens them would take 24 KB of the heap."""


@dataclass(frozen=True)
class Subject:
    """Files on the host, by what they are; `config` is what /config.json says at first."""

    model: Path
    config_file: Path
    recordings: tuple[Path, Path]
    config: dict[str, Any]


def signal(
    windows: int, seed: int, fault_from: int | None = None, again: bool = False
) -> np.ndarray:
    """int16 [windows * WINDOW, 3] in mg: a shaft at 25 Hz; ten times the unbalance on x, and a
    knock, from window `fault_from` on. again: the noise of every window is that of the first,
    which makes a deployment shorter."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 0.004, (1 if again else windows, WINDOW, 3))
    noise = np.resize(noise, (windows * WINDOW, 3))
    t = np.arange(windows * WINDOW) / RATE_HZ
    late = np.zeros(len(t)) if fault_from is None else (t >= fault_from * WINDOW / RATE_HZ) * 1.0
    turn = 2 * np.pi * _SHAFT_HZ * t
    x = (0.03 + 0.47 * late) * np.sin(turn) + 0.3 * late * np.sin(28 * turn)
    y = 0.03 * np.sin(turn + 1)
    z = 1 + 0.01 * np.sin(2 * turn)
    axes = np.stack([x, y, z], axis=1) + noise
    return np.round(axes / _LSB_G).astype(np.int16)


def build(folder: Path) -> Subject:
    """Train the model with the command line and write everything below `folder`."""
    capture, data = folder / "steady.csv", folder / "recordings"
    _write_csv(capture, signal(_TRAINING_S * RATE_HZ // WINDOW, 1))
    made = folder / "trained.json"
    _run("capture-import", capture, "--out", data, "--kind", "vibration", "--label", "normal",
         "--scale", _LSB_G)  # fmt: skip
    template = folder / "vibration.json"
    text = json.loads((FOLDER / "vibration.json").read_text())
    text["detector"]["whiten_up_to"] = _WHITEN_UP_TO
    template.write_text(json.dumps(text))
    _run("train", data, "--template", template, "--out", folder / MODEL, "--config", made)
    config = configuration(json.loads(made.read_text()))
    config_file = folder / "config.json"
    config_file.write_text(json.dumps(config))
    channels = [Channel(name=name, unit="g", scale=_LSB_G) for name in "xyz"]
    steady, failing = folder / STEADY, folder / FAILING
    steady.write_bytes(encode(channels, 1 / RATE_HZ, signal(STEADY_WINDOWS, 2, again=True)))
    whole = signal(FAULT_WINDOW + FAULT_WINDOWS, 3, FAULT_WINDOW, again=True)
    failing.write_bytes(encode(channels, 1 / RATE_HZ, whole))
    return Subject(folder / MODEL, config_file, (steady, failing), config)


def configuration(trained: dict[str, Any]) -> dict[str, Any]:
    """The configuration that training proposes, for windows without a pause and a short delay."""
    [name] = trained["pipelines"]
    pipeline = trained["pipelines"].pop(name)
    pipeline["sensor"] = {"driver": "replay", "file": STEADY, "loop": True}
    pipeline["model"] = MODEL
    pipeline["schedule"] = None
    trained["pipelines"]["main"] = pipeline
    for rule in trained["alarms"].values():
        rule["source"] = "main." + rule["source"].split(".", 1)[1]
    trained["alarms"][ALARM].update(delay_s=DELAY_S, limit=LIMIT)
    trained["device"]["id"] = "hil"
    return trained


def _write_csv(path: Path, samples: np.ndarray) -> None:
    rows = ["time,x [g],y [g],z [g]"]
    for i, (x, y, z) in enumerate((samples * _LSB_G).tolist()):
        rows.append(f"{i / RATE_HZ:.7f},{x:.3f},{y:.3f},{z:.3f}")
    path.write_text("\n".join(rows) + "\n")


def _run(*arguments: object) -> None:
    code = cli.main([str(argument) for argument in arguments])
    if code:
        raise RuntimeError(f"tocsin {arguments[0]} ended with {code}")


def bench(folder: Path) -> tuple[Path, Path]:
    """The bundle and the windows of 3 x 256 samples that on_pico.py times."""
    model, windows = folder / "bench.tcb", folder / "windows.bin"
    model.write_bytes(pico_model.bundle(pico_model.small()))
    windows.write_bytes(pico_model.windows(2).tobytes())
    return model, windows
