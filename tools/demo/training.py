# SPDX-License-Identifier: Apache-2.0
"""Training data of the demonstration: simulated normal days, as ordinary data sets.

Other seeds than the demonstrated day's, healthy machines only (and, for the line, parts of the
known bad kinds, as a quality engineer would collect them).
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.emulator import plant_motor, plant_press, plant_room
from tools.train import template as templates

ROOM_PERIOD_S = 10
_WINDOW = 512
_LINE_SEED = 5000


def template(name: str) -> templates.Template:
    """The shipped template of a board, with what is known about this site.

    The motor's bearing is known, so its frequencies are watched by name. The line gets one small
    network instead of a search for the best classifier.
    """
    if name == "room":
        return templates.load("cold_chain")
    if name == "line":
        shipped = templates.load("quality")
        return templates.Template(shipped.name, {
            **shipped.text, "classifier": [{"mlp": [32, 16], "alpha": 0.01}]})
    shipped = templates.load("vibration")
    bearing = {"balls": 9, "ball_diameter": 7.94, "pitch_diameter": 39.04}
    lines = {"kind": "envelope_lines", "bearing": bearing, "shaft_hz": 24.6, "decimation": 8,
             "faults": ["bpfo", "bpfi"], "tolerance": 0.03}
    first = dict(shipped.text["views"][0])
    first["features"] = [*first["features"], lines]
    return templates.Template(shipped.name, {
        **shipped.text, "budget": 60, "views": [first, *shipped.text["views"][1:]]})


def _write(folder: Path, description: dict[str, Any], arrays: dict[str, NDArray[np.int16]],
           labels: dict[str, list[str]] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / name, array)
    for name, values in (labels or {}).items():
        (folder / name).write_text(json.dumps(values))
    base: dict[str, Any] = {
        "name": folder.name, "float_baseline": {}, "license": "Apache-2.0", "notes": [],
        "source": {"citation": "simulated by tools/emulator"}, "rate_hz": None,
        "interval_s": None, "fit": "pooled"}
    (folder / "dataset.json").write_text(json.dumps({**base, **description}, indent=1))
    return folder


def _recording(file: str, split: str, label: str | None, **more: Any) -> dict[str, Any]:
    return {"file": file, "split": split, "label": label, "group": "demo", "start_utc": None,
            "events": [], **more}


def motor(folder: Path) -> Path:
    """Recordings of a healthy motor at many loads, and of a worn one to test with."""
    arrays, recordings = {}, []
    for index in range(40):
        healthy = plant_motor.Motor(1000 + index)
        split = "train" if index < 30 else "test"
        start = 21_600 + index * 500.0
        parts = [healthy.samples(start + 40 * i, _WINDOW) for i in range(16)]
        name = f"normal_{index}.npy"
        arrays[name] = np.concatenate(parts)
        recordings.append(_recording(name, split, "normal"))
    for index in range(6):
        worn = plant_motor.Motor(2000 + index, fault_at_s=21_600.0)
        start = 21_600 + 9_000 + index * 900.0
        parts = [worn.samples(start + 10 * i, _WINDOW) for i in range(16)]
        name = f"worn_{index}.npy"
        arrays[name] = np.concatenate(parts)
        recordings.append(_recording(name, "test", "anomalous"))
    return _write(folder, {
        "kind": "vibration", "task": "anomaly", "rate_hz": plant_motor.RATE_HZ,
        "domain": "waveform", "channels": plant_motor.CHANNELS, "recordings": recordings,
        "metric": "recording AUC"}, arrays)


def room(folder: Path, days: int = 6) -> Path:
    """Good days of the cold room, and one with a failing compressor to test with."""
    arrays, recordings = {}, []
    for index in range(days):
        arrays[f"day_{index}.npy"] = _room_day(plant_room.ColdRoom(3000 + index))
        split = "train" if index < days - 1 else "test"
        recordings.append(_recording(f"day_{index}.npy", split, None))
    failing = plant_room.Scenario(compressor_fails_at=57_600)
    arrays["failing.npy"] = _room_day(plant_room.ColdRoom(4000, failing))
    event = {"start": 57_600 // ROOM_PERIOD_S, "end": 86_400 // ROOM_PERIOD_S,
             "label": "compressor"}
    recordings.append(_recording("failing.npy", "test", None, events=[event]))
    return _write(folder, {
        "kind": "cold_chain", "task": "events", "interval_s": ROOM_PERIOD_S, "domain": "slow",
        "channels": plant_room.CHANNELS, "recordings": recordings, "metric": "events found",
        "label_roles": {"compressor": "anomaly"}}, arrays)


def _room_day(plant: plant_room.ColdRoom) -> NDArray[np.int16]:
    samples = []
    for t in range(0, 86_400, ROOM_PERIOD_S):
        plant.run_to(t)
        samples.append(plant.sample())
    return np.stack(samples)


def line(folder: Path) -> Path:
    """Force curves of good parts and of the three known kinds of bad ones."""
    random = np.random.default_rng(_LINE_SEED)
    arrays, labels, recordings = {}, {}, []
    for split, good, bad in (("train", 360, 30), ("test", 120, 10)):
        kinds = ["good"] * good + [k for k in plant_press.KINDS[1:] for _ in range(bad)]
        curves = [plant_press.curve(random, kind, random.uniform()) for kind in kinds]
        arrays[f"{split}.npy"] = np.stack(curves)[:, :, None]
        labels[f"{split}_labels.json"] = kinds
        labels[f"{split}_groups.json"] = [f"batch {i // 40}" for i in range(len(kinds))]
        recordings.append(_recording(f"{split}.npy", split, None, stacked=True,
                                     labels_file=f"{split}_labels.json",
                                     groups_file=f"{split}_groups.json"))
    return _write(folder, {
        "kind": "quality", "task": "classification", "rate_hz": plant_press.RATE_HZ,
        "domain": "waveform", "channels": plant_press.CHANNELS, "recordings": recordings,
        "metric": "balanced accuracy", "normal_label": "good"}, arrays, labels)

