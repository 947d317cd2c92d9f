# SPDX-License-Identifier: Apache-2.0
"""Writes models.json: bundles of every kind, feature vectors, and what a device must answer.

Run `python -m host_tests.vectors.make_models` from the top folder. The answers come from
the numpy twin, the contract tests compare the device code with them.
"""
import json
from pathlib import Path

import numpy as np

from tocsin.models.bundle import parse
from tocsin.models.scorer import Scorer
from tools.train import quantize, score_twin
from tools.train.bundle_format import Forest, Model, encode
from tools.train.quantize import FloatNetwork

N = 16
TARGET = Path(__file__).with_name("models.json")
CLASSES = ["normal", "worn"]


def _features(rng, count):
    """Correlated features around 2000 with two operating points; int16 [count, N]."""
    mix = rng.normal(size=(N, N)) / 4 + np.eye(N)
    level = np.where(rng.integers(0, 2, (count, 1)), 300.0, 0.0)
    values = 2000 + level * np.cos(np.arange(N)) + 60 * rng.normal(size=(count, N)) @ mix
    return np.round(values).astype(np.int16)


def _network(rng, sizes, head, edge=1.0):
    weights = tuple(rng.normal(size=(a, b)) / np.sqrt(a) for a, b in zip(sizes, sizes[1:]))
    biases = tuple(rng.normal(size=b) / 8 for b in sizes[1:])
    return FloatNetwork(weights, biases, head, 0 if head == "classifier" else -1, edge)


def _forest(rng, z, trees=6, depth=4):
    """Random balanced trees with thresholds inside the data."""
    feature, threshold, right, roots, table = [], [], [], [], []

    def grow(level):
        here = len(feature)
        feature.append(-1)
        threshold.append(0)
        right.append(0)
        if level == depth:
            share = int(rng.integers(0, 256))
            right[here] = len(table)
            table.append([share, 255 - share])
            return here
        feature[here] = int(rng.integers(0, N))
        threshold[here] = int(rng.choice(z[:, feature[here]]))
        grow(level + 1)
        right[here] = grow(level + 1)
        return here

    for _ in range(trees):
        roots.append(grow(0))
    return Forest(np.array(feature, np.int16), np.array(threshold, np.int16),
                  np.array(right, np.uint16), np.array(roots, np.uint16),
                  np.array(table, np.uint8), 0)


def models():
    """name -> integer model; every part and head occurs, and a vote with smoothing."""
    rng = np.random.default_rng(20)
    features = _features(rng, 400)
    mean, sigma = quantize.fit_scaler(features)
    scaler = quantize.quantize_scaler(mean, sigma)
    z = score_twin.scale(features, scaler)
    unit = z / 128
    covariance = np.cov(unit.T)
    values, vectors = np.linalg.eigh(covariance)
    whitening = vectors @ np.diag(values ** -0.5) @ vectors.T
    centroids = unit[rng.choice(len(unit), 8, replace=False)]
    radii = rng.uniform(1.5, 4.0, 8)
    clusters = quantize.quantize_clusters(centroids, radii, 1.2)
    base = Model(
        conf={"window": N, "hop": N, "domain": "vector", "features": []},
        feature_names=["f%d" % i for i in range(N)], scaler=scaler,
        provenance={"made_by": "host_tests/vectors/make_models.py"})
    classifier = quantize.quantize_network(_network(rng, (N, 32, 16, 2), "classifier"), z)
    return {
        "kmeans": base.changed(clusters=clusters, decision={
            "smoothing": {"kind": "median", "n": 5}, "vote": {"m": 3, "n": 5}}),
        "mahalanobis": base.changed(
            projection=quantize.quantize_projection(whitening),
            clusters=quantize.quantize_clusters(np.zeros((1, N)), [1.0], 5.5, unit=64)),
        "kmeans_mlp": base.changed(clusters=clusters, network=classifier, classes=CLASSES),
        "weighted": base.changed(
            clusters=clusters, network=classifier, classes=CLASSES, decision={
                "combine": "weighted", "weights": {"kmeans": 100, "network": 60},
                "thresholds": {"kmeans": 300, "network": 200},
                "smoothing": {"kind": "ewma", "shift": 2}}),
        "two_scalers": base.changed(
            clusters=clusters, network=classifier, classes=CLASSES,
            network_scaler=quantize.quantize_scaler(mean + 40, 1.5 * sigma)),
        "regressor": base.changed(
            network=quantize.quantize_network(_network(rng, (N, 10, 1), "regressor"), z)),
        "autoencoder": base.changed(network=quantize.quantize_network(
            _network(rng, (N, 6, N), "autoencoder", 4.0), z)),
        "forest": base.changed(forest=_forest(rng, z), classes=CLASSES),
    }


def probes():
    """Feature vectors: usual ones, single features far off, and the extremes of int16."""
    rng = np.random.default_rng(21)
    usual = _features(rng, 10)
    odd = _features(rng, 8)
    odd[np.arange(8), 2 * np.arange(8)] += 900
    extremes = np.array([[32767] * N, [-32768] * N, [0] * N, [-32768, 32767] * (N // 2)])
    return np.vstack([usual, odd, extremes]).astype(np.int16)


def build():
    """The content of models.json."""
    features = probes()
    cases = {}
    for name, model in models().items():
        data = encode(model)
        scores = score_twin.score(model, features)
        smoothed = score_twin.smooth(model.decision, scores.score)
        scorer = Scorer(parse(data))
        reasons = []
        for row in features.tolist():
            scorer.score(row)
            reasons.append([list(pair) for pair in scorer.reasons(3)])
        cases[name] = {
            "bundle": data.hex(),
            "score": scores.score.tolist(),
            "label": scores.label.tolist(),
            "smoothed": smoothed.tolist(),
            "alarm": score_twin.vote(model.decision, smoothed).astype(int).tolist(),
            "reasons": reasons,
        }
    return {"features": features.tolist(), "cases": cases}


def text():
    """The file's exact text."""
    return json.dumps(build(), separators=(",", ":")) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
    print("%s: %d bytes" % (TARGET.name, TARGET.stat().st_size))
