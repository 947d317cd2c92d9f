# SPDX-License-Identifier: Apache-2.0
"""The model and the windows of the whole-window bench: 256 samples of three axes at 2500 Hz.

`small()` has the 16 features that a 16-32-16-2 network takes; `template()` everything that the
vibration template computes, with a known bearing. The networks' weights are random: only their
number matters to the time.
"""

from typing import Any

import numpy as np

from tools.train import template as templates
from tools.train import twin
from tools.train.bundle_format import Model
from tools.train.pack import pack
from tools.train.quantize import (
    FloatNetwork,
    fit_scaler,
    quantize_clusters,
    quantize_network,
    quantize_scaler,
)
from tools.train.resolve import feature_names, resolve
from tools.train.score_twin import scale

WINDOW = 256
RATE_HZ = 2500
CHANNELS = [{"name": n, "unit": "g", "scale": 0.0039, "offset": 0.0} for n in "xyz"]
FACTS: dict[str, Any] = {
    "domain": "waveform",
    "rate_hz": RATE_HZ,
    "interval_s": None,
    "length": None,
    "missing": None,
    "image_shape": None,
    "channels": CHANNELS,
    "ranges": [[-4000, 4000]] * 3,
}
BEARING = {"balls": 9, "ball_diameter": 7.94, "pitch_diameter": 39.04}
LINES = {
    "kind": "envelope_lines",
    "bearing": BEARING,
    "shaft_hz": 24.6,
    "decimation": 4,
    "tolerance": 0.03,
}
VELOCITY = {"kind": "velocity_rms", "low": 10, "high": 1000}


def small() -> dict[str, Any]:
    """16 features: per axis two bands, energy, kurtosis, velocity; one bearing line on x."""
    features = [
        {"kind": "band_log2", "bands": {"n": 2}},
        {"kinds": ["rms_log2", "kurtosis"]},
        VELOCITY,
        {**LINES, "channels": ["x"], "faults": ["bpfo"]},
    ]
    return resolve({"window": WINDOW, "features": features}, FACTS)


def template() -> dict[str, Any]:
    """The vibration template's, with the four lines of a bearing on each axis."""
    shipped = templates.load("vibration")
    view = dict(shipped.text["views"][0])
    view["features"] = [*view["features"], LINES]
    text = {**shipped.text, "views": [view]}
    return templates.configure(templates.Template(shipped.name, text), FACTS, WINDOW)


def windows(count: int) -> np.ndarray:
    """int16 [count, WINDOW, 3]: a rotating machine's harmonics, knocks and noise, 1 g on z."""
    rng = np.random.default_rng(3)
    time = np.arange(WINDOW)[None, :, None] / RATE_HZ
    phase = rng.uniform(0, 6.28, (count, 1, 3))
    wave = sum(
        rng.uniform(20, 200, (count, 1, 3)) * np.sin(6.2832 * 24.6 * k * time + k * phase)
        for k in (1, 2, 3)
    )
    knock = 400 * np.exp(-(time % 0.0113) * 600) * np.sin(6.2832 * 900 * time)
    noise = rng.normal(0, 30, (count, WINDOW, 3))
    return np.round(wave + knock + noise + [0, 0, 256]).clip(-32768, 32767).astype(np.int16)


def bundle(conf: dict[str, Any]) -> bytes:
    """Scaler, 8 clusters, an n-32-16-2 network, median of 5, 3 of 5 votes."""
    frames = windows(300)
    features = twin.extract(conf, frames)
    scaler = quantize_scaler(*fit_scaler(features))
    z = scale(features, scaler)
    rng = np.random.default_rng(1)
    layers = (z.shape[1], 32, 16, 2)
    weights = tuple(rng.normal(0, 1 / np.sqrt(n), (n, m)) for n, m in zip(layers, layers[1:]))
    network = FloatNetwork(weights, tuple(np.zeros(m) for m in layers[1:]), normal=0)
    model = Model(
        conf=conf,
        feature_names=[name for name, _ in feature_names(conf)],
        scaler=scaler,
        clusters=quantize_clusters(z[:8] / 128, np.full(8, 3.0)),
        network=quantize_network(network, z),
        classes=["normal", "faulty"],
        provenance={"made_by": "host_tests/board/pico_model.py"},
        decision={"smoothing": {"kind": "median", "n": 5}, "vote": {"m": 3, "n": 5}},
    )
    return pack(model, frames[:1])
