# SPDX-License-Identifier: Apache-2.0
"""The vectorised numpy twin equals the device code bit for bit, for any model and any input."""
import json
import time
from array import array
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.models.bundle import complete, parse
from tocsin.models.scorer import Scorer
from tocsin.models.smoothing import Decision
from tools.train import score_twin
from tools.train.bundle_format import (
    Clusters,
    Forest,
    Layer,
    Model,
    Network,
    Projection,
    Scaler,
    decode,
    encode,
)
from tools.train.quantize import distance_shift

GOLDEN = json.loads(Path("host_tests/vectors/models.json").read_text())


def random_layers(rng, sizes):
    layers = []
    for n_in, n_out in zip(sizes, sizes[1:]):
        exponent = rng.integers(-12, 1, n_out)
        zero_point = int(rng.integers(-128, 128))
        low = zero_point if rng.random() < 0.5 else -128
        layers.append(Layer(
            rng.integers(-127, 128, (n_out, n_in)).astype(np.int8),
            rng.integers(-(1 << 20), 1 << 20, n_out).astype(np.int32),
            rng.integers(1 << 30, 1 << 31, n_out).astype(np.int32), exponent.astype(np.int8),
            zero_point, low, 127))
    return tuple(layers)


def random_network(rng, n, head):
    outputs = {"classifier": int(rng.integers(2, 7)), "regressor": 1, "autoencoder": n}[head]
    normal = int(rng.integers(-1, outputs)) if head == "classifier" else -1
    hidden = [int(rng.integers(1, 12)) for _ in range(rng.integers(0, 3))]
    return Network(
        head, int(rng.integers(1, 32768)), int(rng.integers(5, 30)), int(rng.integers(-128, 128)),
        random_layers(rng, [n, *hidden, outputs]), normal, int(rng.integers(1, 32768)),
        int(rng.integers(1, 23)), int(rng.integers(-500, 500)), distance_shift(n),
        int(rng.integers(1, 16384)), int(rng.integers(0, 30)))


def random_forest(rng, n):
    feature, threshold, right, roots, table = [], [], [], [], []
    classes = int(rng.integers(2, 5))

    def grow(level):
        here = len(feature)
        feature.append(-1)
        threshold.append(0)
        right.append(0)
        if level == 0 or rng.random() < 0.2:
            right[here] = len(table)
            table.append(rng.integers(0, 256, classes))
            return here
        feature[here] = int(rng.integers(0, n))
        threshold[here] = int(rng.integers(-4095, 4096))
        grow(level - 1)
        right[here] = grow(level - 1)
        return here

    for _ in range(rng.integers(1, 9)):
        roots.append(grow(5))
    return Forest(np.array(feature, np.int16), np.array(threshold, np.int16),
                  np.array(right, np.uint16), np.array(roots, np.uint16),
                  np.array(table, np.uint8), int(rng.integers(-1, classes)))


def random_scaler(rng, n):
    return Scaler(np.stack([rng.integers(-32768, 32768, n), rng.integers(0, 8192, n),
                            rng.integers(0, 29, n)], axis=1).astype(np.int16))


def random_model(rng):
    """Any model the format allows, parameters spread over their whole range."""
    n = int(rng.integers(1, 40))
    scaler = random_scaler(rng, n)
    kind = rng.integers(0, 6)
    parts = {"network_scaler": random_scaler(rng, n) if rng.random() < 0.5 else None}
    classes = 0
    if kind != 1 and kind != 2:
        width = n
        if rng.random() < 0.5:
            width = int(rng.integers(1, n + 1))
            limit = min(32767, 262143 // n)
            parts["projection"] = Projection(
                rng.integers(-limit, limit + 1, (width, n)).astype(np.int16),
                int(rng.integers(0, 19)))
        k = int(rng.integers(1, 10))
        parts["clusters"] = Clusters(
            rng.integers(-4095, 4096, (k, width)).astype(np.int16),
            rng.integers(1, 16385, k).astype(np.int16), distance_shift(width),
            int(rng.integers(1, 16384)), int(rng.integers(0, 30)))
    if kind == 1 or kind == 3:
        head = str(rng.choice(["classifier", "regressor", "autoencoder"]))
        parts["network"] = random_network(rng, n, head)
        if head == "classifier":
            classes = parts["network"].layers[-1].weights.shape[0]
    if kind == 2 or kind == 4:
        parts["forest"] = random_forest(rng, n)
        classes = parts["forest"].table.shape[1]
    decision = {"combine": str(rng.choice(["max", "weighted"])),
                "weights": {"kmeans": int(rng.integers(0, 257)),
                            "network": int(rng.integers(1, 257))},
                "thresholds": {"kmeans": int(rng.integers(16, 32768)), "network": 256}}
    return Model({"features": []}, ["f%d" % i for i in range(n)], scaler,
                 classes=["c%d" % i for i in range(classes)], decision=decision, **parts)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1 << 32))
def test_twin_equals_device_for_any_model(seed):
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    data = encode(model)
    n = model.n_features
    features = rng.integers(-32768, 32768, (12, n))
    features[:6] = rng.integers(-300, 300, (6, n)) + model.scaler.params[:, 0]
    features[6], features[7] = -32768, 32767
    features = np.clip(features, -32768, 32767).astype(np.int16)
    twin = score_twin.score(decode(data), features)
    scorer = Scorer(parse(data))
    for i, row in enumerate(features):
        assert scorer.score(array("h", row.tobytes())) == twin.score[i]
        assert scorer.label == twin.label[i]
        if scorer.kmeans is not None:
            assert scorer.kmeans.raw == twin.distance[i]
            assert scorer.kmeans.best == twin.nearest[i]
        if scorer.network is not None:
            assert scorer.network.score == twin.network_score[i]
        shares = [share for _, share in scorer.reasons(5)]
        assert all(0 < share <= 256 for share in shares)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 32767), max_size=60), st.sampled_from([
    {"smoothing": {"kind": "median", "n": 5}, "vote": {"m": 3, "n": 5}},
    {"smoothing": {"kind": "median", "n": 1}, "vote": {"m": 2, "n": 2}},
    {"smoothing": {"kind": "median", "n": 9}, "threshold": 9000},
    {"smoothing": {"kind": "ewma", "shift": 1}, "vote": {"m": 2, "n": 7}},
    {"smoothing": {"kind": "ewma", "shift": 8}, "threshold": 300},
    {}]))
def test_smoothing_and_vote_equal_the_device(scores, spec):
    decision = Decision(complete(spec))
    smoothed, alarms = [], []
    for value in scores:
        smoothed.append(decision.update(value))
        alarms.append(bool(decision.alarm))
    twin = score_twin.smooth(spec, np.array(scores, np.int64))
    assert twin.tolist() == smoothed
    assert score_twin.vote(spec, twin).tolist() == alarms


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32))
def test_a_bundle_reads_back_as_the_same_model(seed):
    model = random_model(np.random.default_rng(seed))
    data = encode(model)
    assert encode(decode(data).changed(decision=model.decision)) == data


@pytest.mark.parametrize("name", GOLDEN["cases"])
def test_golden_vectors_hold_for_the_twin(name):
    case = GOLDEN["cases"][name]
    model = decode(bytes.fromhex(case["bundle"]))
    scores = score_twin.score(model, np.array(GOLDEN["features"], np.int16))
    assert scores.score.tolist() == case["score"]
    assert scores.label.tolist() == case["label"]


def test_twin_scores_more_than_20_000_windows_per_second():
    model = decode(bytes.fromhex(GOLDEN["cases"]["kmeans_mlp"]["bundle"]))
    features = np.random.default_rng(0).integers(1500, 2500, (100_000, 16)).astype(np.int16)
    start = time.process_time()
    score_twin.score(model, features)
    rate = len(features) / (time.process_time() - start)
    print(f"score twin: {rate:.0f} windows per second")
    assert rate > 20_000
