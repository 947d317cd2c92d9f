# SPDX-License-Identifier: Apache-2.0
"""Small synthetic data set folders for the tests of the tools."""

import json

import numpy as np


def write(folder, description, arrays, lists=None):
    """Write a data set folder: dataset.json, .npy arrays and JSON lists by file name."""
    folder.mkdir(parents=True)
    for name, values in arrays.items():
        np.save(folder / name, values)
    for name, values in (lists or {}).items():
        (folder / name).write_text(json.dumps(values))
    base = {"name": folder.name, "rate_hz": None, "fit": "pooled", "domain": "waveform"}
    (folder / "dataset.json").write_text(json.dumps({**base, **description}))
    return folder


def channels(*names, scale=0.001, unit="g"):
    return [{"name": name, "unit": unit, "scale": scale, "offset": 0.0} for name in names]


def vibration(rng, samples, fault=0.0, count=2):
    """int16 [samples, count]: a shaft line in noise, and a fault line of another frequency."""
    t = np.arange(samples)
    wave = 900 * np.sin(2 * np.pi * t / 40) + fault * np.sin(2 * np.pi * t / 7.3)
    noise = rng.normal(0, 200, (samples, count))
    return np.round(wave[:, None] + noise).astype(np.int16)


def motor(folder, seed=1):
    """An anomaly set of streams: 3 normal recordings to train, 2 normal and 2 faulty to test."""
    rng = np.random.default_rng(seed)
    arrays, recordings = {}, []
    plan = (
        [("train", "normal", 0)] * 3
        + [("test", "normal", 0)] * 2
        + [("test", "anomalous", 700)] * 2
    )
    for i, (split, label, fault) in enumerate(plan):
        arrays[f"r{i}.npy"] = vibration(rng, 8192, fault)
        recordings.append({"file": f"r{i}.npy", "label": label, "split": split, "group": "a"})
    description = {
        "kind": "vibration",
        "task": "anomaly",
        "rate_hz": 1000.0,
        "channels": channels("x", "y"),
        "recordings": recordings,
        "float_baseline": {
            "figures": {
                "kmeans8": {"recording_auc": 0.9, "window_auc": 0.9, "alarm_rate_normal": 0.1},
                "mahalanobis": {"recording_auc": 1.0, "window_auc": 1.0, "alarm_rate_normal": 0.0},
            }
        },
    }
    return write(folder, description, arrays)


def curves(folder, seed=2, leak=True):
    """A classification set of stacked parts with a leaky channel and a second label."""
    rng = np.random.default_rng(seed)
    arrays, lists, recordings = {}, {}, []
    for split, count in (("train", 120), ("test", 60)):
        bad = np.arange(count) % 3 == 0
        t = np.linspace(0, 1, 48)
        curve = 3000 * t[None] + rng.normal(0, 80, (count, 48))
        curve[bad] += 1500 * np.sin(np.pi * t) ** 2
        gate = np.where(bad, 500, -500)[:, None] * np.ones(48)
        parts = np.stack([curve, gate], axis=2) if leak else curve[:, :, None]
        arrays[f"{split}.npy"] = np.round(parts).astype(np.int16)
        lists[f"{split}_labels.json"] = ["bad" if b else "good" for b in bad]
        lists[f"{split}_groups.json"] = [f"{split}{i // 20}" for i in range(count)]
        lists[f"{split}_size.json"] = ["large" if v else "small" for v in curve[:, -1] > 3000]
        recordings.append(
            {
                "file": f"{split}.npy",
                "split": split,
                "stacked": True,
                "labels_file": f"{split}_labels.json",
                "groups_file": f"{split}_groups.json",
                "other_labels": {"size": f"{split}_size.json"},
            }
        )
    description = {
        "kind": "quality",
        "task": "classification",
        "channels": channels(*(("torque", "gate") if leak else ("torque",)), unit="Nm"),
        "recordings": recordings,
        "normal_label": "good",
        "leaky_channels": ["gate"] if leak else [],
    }
    return write(folder, description, arrays, lists)


def room(folder, seed=3, irregular=True):
    """An event log: a noisy temperature with two excursions in the test part, one gap."""
    rng = np.random.default_rng(seed)
    logs = {}
    for name, length in (("a", 2400), ("b", 2400)):
        slow = 100 * np.sin(np.arange(length) / 90)
        logs[name] = np.round(-1800 + slow + rng.normal(0, 15, length)).astype(np.int16)[:, None]
    for start in (700, 1500):
        logs["b"][start : start + 80, 0] += 900
    logs["a"][40:45] = -32768
    times = 1_700_000_000 + 60 * np.arange(2400, dtype=np.int64)
    times[2000:] += 36_000
    arrays = {f"{k}.npy": v for k, v in logs.items()}
    test = {
        "file": "b.npy",
        "split": "test",
        "events": [
            {"start": 700, "end": 780, "label": "open"},
            {"start": 1500, "end": 1580, "label": "open"},
        ],
    }
    if irregular:
        arrays["b_times.npy"] = times
        test["times_file"] = "b_times.npy"
    description = {
        "kind": "cold_chain",
        "task": "events",
        "domain": "slow",
        "interval_s": 60.0,
        "missing": -32768,
        "label_roles": {"open": "anomaly"},
        "channels": channels("temperature", scale=0.01, unit="degC"),
        "recordings": [{"file": "a.npy", "split": "train"}, test],
    }
    return write(folder, description, arrays)
