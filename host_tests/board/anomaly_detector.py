# SPDX-License-Identifier: Apache-2.0
"""A network of the shapes of MLPerf Tiny's anomaly detection, with random weights.

640-128-128-128-128-8-128-128-128-128-640, 264,192 multiply-accumulates (Banbury et al. 2021,
MLPerf Tiny Benchmark). The scales are those of the usual quantisation, on random windows.
"""

from functools import cache

import numpy as np

from tools.train.bundle_format import Model
from tools.train.pack import pack
from tools.train.quantize import (
    FloatNetwork,
    fit_scaler,
    quantize_network,
    quantize_scaler,
)
from tools.train.score_twin import scale

WIDTHS = (640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640)
MACS = sum(a * b for a, b in zip(WIDTHS, WIDTHS[1:]))


def windows(count: int, seed: int = 1, width: int = WIDTHS[0]) -> np.ndarray:
    """Random walks, which neighbours share: int16 [count, width]."""
    steps = np.random.default_rng(seed).normal(0, 200, (count, width))
    return np.clip(steps.cumsum(axis=1), -30000, 30000).astype(np.int16)


def model(widths: tuple[int, ...] = WIDTHS, head: str = "autoencoder", seed: int = 1) -> Model:
    """The network on the raw samples of a window of widths[0]."""
    n = widths[0]
    rng = np.random.default_rng(seed)
    shapes = tuple(zip(widths, widths[1:]))
    weights = tuple(rng.normal(0, np.sqrt(2 / a), (a, b)) for a, b in shapes)
    biases = tuple(rng.normal(0, 0.1, b) for _, b in shapes)
    values = windows(300, seed, n)
    scaler = quantize_scaler(*fit_scaler(values))
    normal = 0 if head == "classifier" else -1
    network = FloatNetwork(weights, biases, head, normal, edge=np.sqrt(2 * n))
    channel = {"name": "x", "unit": "", "scale": 1.0, "offset": 0.0}
    feature = {"kind": "block_means", "channel": 0, "points": n}
    classes = [f"c{i}" for i in range(widths[-1])] if head == "classifier" else []
    return Model(
        conf={"window": n, "hop": n, "channels": [channel], "features": [feature]},
        feature_names=[f"x{i}" for i in range(n)],
        scaler=scaler,
        classes=classes,
        provenance={"made_by": "host_tests/board/anomaly_detector.py"},
        network=quantize_network(network, scale(values, scaler)),
    )


@cache
def bundle() -> bytes:
    """The bundle, with a self-test vector."""
    return pack(model(), windows(1, 2)[:, :, None])
