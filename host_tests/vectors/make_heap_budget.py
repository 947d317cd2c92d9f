# SPDX-License-Identifier: Apache-2.0
"""Makes heap_budget.json: a bundle with 16 features, 8 clusters and a 16-32-16-2 network.

    .venv/bin/python host_tests/vectors/make_heap_budget.py

The weights are random: only their number matters to the heap. The bundle's self-test vector and
`score` come from the device's own code.
"""

import json
from pathlib import Path

import numpy as np

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
from tools.train.score_twin import scale, score

WINDOW = 256
LAYERS = (16, 32, 16, 2)
KINDS = ("rms_log2", "crest_factor", "kurtosis", "skewness", "zero_crossings", "peak_to_peak")


def configuration() -> dict:
    edges = [edge for i in range(10) for edge in (1 + 12 * i, 13 + 12 * i)]
    bands = {"kind": "band_log2", "channel": 0, "n": WINDOW, "window_fn": "hann", "edges": edges}
    return {
        "window": WINDOW,
        "hop": WINDOW,
        "rate_mhz": 1_000_000,
        "interval_ms": None,
        "channels": [{"name": "x", "unit": "g", "scale": 0.001, "offset": 0.0}],
        "missing": None,
        "domain": "waveform",
        "features": [bands] + [{"kind": kind, "channel": 0} for kind in KINDS],
    }


def build() -> tuple[Model, np.ndarray]:
    """The model and the int16 frames [500, 256, 1] that it was fitted to."""
    rng = np.random.default_rng(1)
    time = np.arange(WINDOW)[:, None]
    tones = 2000 * np.sin(time * rng.uniform(0.1, 1, 500)).T
    frames = (tones + rng.normal(0, 300, tones.shape)).astype(np.int16)[..., None]
    config = configuration()
    features = twin.extract(config, frames)
    scaler = quantize_scaler(*fit_scaler(features))
    z = scale(features, scaler)
    shapes = list(zip(LAYERS, LAYERS[1:], strict=False))
    weights = tuple(rng.normal(0, 1 / np.sqrt(n), (n, m)) for n, m in shapes)
    network = FloatNetwork(weights, tuple(rng.normal(0, 0.1, m) for _, m in shapes), normal=0)
    model = Model(
        conf=config,
        feature_names=[f"feature_{i}" for i in range(LAYERS[0])],
        scaler=scaler,
        clusters=quantize_clusters(z[:8] / 128, np.full(8, 3.0)),
        network=quantize_network(network, z),
        classes=["normal", "faulty"],
        provenance={"made_by": "make_heap_budget.py"},
        decision={"smoothing": {"kind": "median", "n": 5}, "vote": {"m": 3, "n": 5}},
    )
    return model, frames


def main() -> None:
    model, frames = build()
    data = pack(model, frames[:1])
    expected = score(model, twin.extract(model.conf, frames[1:2]))
    content = {
        "bundle": data.hex(),
        "frame": frames[1, :, 0].tolist(),
        "score": int(expected.score[0]),
        "label": int(expected.label[0]),
    }
    target = Path(__file__).parent / "heap_budget.json"
    target.write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
