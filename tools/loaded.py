# SPDX-License-Identifier: Apache-2.0
"""Which modules a board really imports for a template: an emulated board runs and is asked.

The board plays a recording through a model with everything the template can give a bundle. It has
no native code, so afterwards `native` exchanges the reference kernels for native ones.
"""

import ast
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tools.datasets import Channel
from tools.mpy import ROOT, kernel_files
from tools.replay_file import encode
from tools.train import template as templates
from tools.train import twin
from tools.train.bundle_format import Model
from tools.train.pack import pack
from tools.train.quantize import (
    FloatNetwork,
    fit_scaler,
    quantize_clusters,
    quantize_forest,
    quantize_network,
    quantize_projection,
    quantize_scaler,
)
from tools.train.score_twin import scale

_ULAB = "lib/tocsin/kernels/ulab.py"
_REFERENCE = "lib/tocsin/kernels/reference_"
_MODEL = "main.tcb"
_CLASSES = ["normal", "faulty"]


class LoadError(RuntimeError):
    """The emulated board did not come as far as scoring windows; the message is what it said."""


def _channels(**units: str) -> list[dict[str, Any]]:
    return [{"name": n, "unit": u, "scale": 0.01, "offset": 0.0} for n, u in units.items()]


FACTS: dict[str, dict[str, Any]] = {
    "vibration": {
        "domain": "waveform",
        "rate_hz": 4000,
        "channels": _channels(x="g", y="g", z="g"),
    },
    "quality": {
        "domain": "waveform",
        "rate_hz": 500,
        "length": 256,
        "channels": _channels(torque="Nm"),
    },
    "cold_chain": {
        "domain": "slow",
        "interval_s": 1,
        "channels": _channels(temperature="°C", humidity="%", door="", defrost="", compressor="A"),
    },
    "operations": {
        "domain": "slow",
        "interval_s": 1,
        "channels": _channels(temperature="°C", pressure="bar", flow="l/min", current="A"),
    },
}
SECTIONS: dict[str, dict[str, Any]] = {
    "cold_chain": {
        "cold_chain": {
            "temperature": "temperature",
            "humidity": "humidity",
            "mkt_h": 24,
            "door": {"input": "door"},
            "defrost": {"input": "defrost", "start": 6.0, "end": 5.0},
            "compressor": {"input": "compressor", "on": 1, "window_s": 3600},
        }
    },
}
"""Sections of the pipeline's device configuration that belong to a template."""


def template_names() -> tuple[str, ...]:
    return templates.NAMES


def _facts(name: str) -> dict[str, Any]:
    empty = {"rate_hz": None, "interval_s": None, "length": None, "missing": None}
    facts = {**empty, "image_shape": None, **FACTS[name]}
    return {**facts, "ranges": [[-2000, 2000]] * len(facts["channels"])}


def _frames(conf: dict[str, Any]) -> np.ndarray:
    """400 windows of noise, int16 [400, window, channels]."""
    rng = np.random.default_rng(1)
    shape = (400, conf["window"], len(conf["channels"]))
    return rng.normal(500, 300, shape).clip(-2000, 2000).astype(np.int16)


def bundle(name: str, network: str | None) -> tuple[dict[str, Any], bytes]:
    """Features and a bundle of a template: clusters with whitening, and perhaps a network.

    network: "mlp", "forest" or None.
    """
    from sklearn.ensemble import RandomForestClassifier

    template = templates.load(name)
    facts = _facts(name)
    conf = templates.configure(template, facts, facts["length"] or 4096)
    frames = _frames(conf)
    features = twin.extract(conf, frames)
    scaler = quantize_scaler(*fit_scaler(features))
    z = scale(features, scaler)
    n = z.shape[1]
    rng = np.random.default_rng(2)
    parts: dict[str, Any] = {}
    if network == "mlp":
        shapes = ((n, 32), (32, 16), (16, 2))
        weights = tuple(rng.normal(0, 1 / np.sqrt(a), (a, b)) for a, b in shapes)
        biases = tuple(np.zeros(b) for _, b in shapes)
        parts["network"] = quantize_network(FloatNetwork(weights, biases, normal=0), z)
    elif network == "forest":
        forest = RandomForestClassifier(8, max_depth=4, random_state=1)
        parts["forest"] = quantize_forest(forest.fit(z, rng.integers(0, 2, len(z))), normal=0)
    model = Model(
        conf=conf,
        feature_names=[f"f{i}" for i in range(n)],
        scaler=scaler,
        clusters=quantize_clusters(np.zeros((8, n)), np.full(8, 3.0), unit=64),
        projection=quantize_projection(np.eye(n)),
        classes=_CLASSES if network else [],
        decision=template.decision,
        **parts,
    )
    return conf, pack(model, frames[:1])


def device_config(name: str, conf: dict[str, Any]) -> dict[str, Any]:
    """A device configuration with one pipeline `main`: replay sensor, alarms, one relay."""
    source = "main." + ("torque" if name == "quality" else conf["channels"][0]["name"])
    if name in ("vibration", "quality"):
        source = "main.score"
    alarms = {
        "score_high": {"source": "main.score", "side": "high", "limit": 1.5, "delay_s": 10},
        "level_high": {"source": source, "side": "high", "limit": 8.0, "dead_band": 0.5},
    }
    sensor = {"driver": "replay", "file": "recording.trec", "loop": True}
    pipeline = {"sensor": sensor, "model": _MODEL, **SECTIONS.get(name, {})}
    relay = {"driver": "relay", "pin": 15, "alarms": list(alarms), "latch": True}
    return {
        "version": 1,
        "device": {"id": "sizes"},
        "pipelines": {"main": pipeline},
        "alarms": alarms,
        "outputs": {"stop": relay},
    }


def recording(name: str, conf: dict[str, Any]) -> bytes:
    """A recording for the driver `replay`: header, then noise."""
    facts = _facts(name)
    channels = [
        Channel(c["name"], c["unit"], c["scale"], c["offset"]) for c in conf["channels"]
    ]
    second = 1 / facts["rate_hz"] if facts["rate_hz"] else facts["interval_s"]
    return encode(channels, second, _frames(conf)[:8], facts["length"])


class Loaded(NamedTuple):
    """Project paths of the files that a board loads."""

    running: set[str]
    """What it keeps while it runs."""
    starting: set[str]
    """What it drops again once all is built."""
    new_config: set[str]
    """What it loads and drops at the first boot with a configuration, to check it."""


def imported(name: str, network: str | None) -> Loaded:
    """What an emulated board loads for a template. Raises LoadError."""
    from tools.emulator.deploy import deploy

    conf, data = bundle(name, network)
    boots: list[dict[str, list[str]]] = []
    with tempfile.TemporaryDirectory() as folder:
        root = deploy(Path(folder) / "board", device_config(name, conf), {_MODEL: data})
        (root / "recording.trec").write_bytes(recording(name, conf))
        command = [sys.executable, "-m", "tools.emulator.imports", str(root)]
        for _ in range(2):
            done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
            lines = done.stdout.splitlines()
            if done.returncode or not lines:
                why = lines[-1] if lines else done.stderr.strip()[-400:]
                raise LoadError(f"{name} ({network or 'clusters only'}): {why}")
            boots.append(json.loads(lines[-1]))
    first, second = (set(boot["imported"]) for boot in boots)
    kept = set(boots[1]["kept"])
    return Loaded(kept, second - kept, first - second)


def native(paths: set[str], arch: str) -> set[str]:
    """Exchange the reference kernels for those that a board of `arch` loads, and what they import.

    Stock firmware has no ulab, so the module that was tried for it leaves nothing behind.
    """
    reference = {path for path in paths if path.startswith(_REFERENCE)}
    kept = paths - reference - {_ULAB}
    groups = [path[len(_REFERENCE) : -len(".py")] for path in reference]
    for path in kernel_files(arch, groups=groups):
        kept.add(path.relative_to(ROOT).as_posix())
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tocsin."):
                kept.add("lib/" + str(node.module).replace(".", "/") + ".py")
    return kept


def loaded_modules(name: str) -> Loaded:
    """What a board loads for a template, network included; see `native` for its kernels."""
    tried = templates.load(name).text["classifier"]
    network = "mlp" if any("mlp" in entry for entry in tried) else "forest" if tried else None
    return imported(name, network)
