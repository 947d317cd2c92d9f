# SPDX-License-Identifier: Apache-2.0
"""Scores many windows at once, bit for bit as the device's `Scorer` and `Decision` do.

Features are int16 [n_windows, n_features]; every result has n_windows rows. `score_float` is the
same model in float64, to see what the integers cost.
"""
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tocsin.models.bundle import complete
from tools.train.bundle_format import Clusters, Forest, Layer, Model, Network, Projection, Scaler
from tools.train.quantize import FloatNetwork

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
SCORE_MAX = 32767
Z_LIMIT = 4095
_BLOCK = 4096  # rows whose differences stay in the cache


@dataclass(frozen=True)
class Scores:
    """score Q8 before smoothing; label (-1 without a classifier); each part's own figures.

    distance: raw integer cluster distance; nearest: cluster index; logits: the network's int8
    outputs, or a forest's votes. None where the bundle has no such part.
    """

    score: Ints
    label: Ints
    z: Ints
    distance: Ints | None = None
    nearest: Ints | None = None
    kmeans_score: Ints | None = None
    network_score: Ints | None = None
    logits: Ints | None = None


def shift_round(values: Ints, shift: int) -> Ints:
    """values / 2**shift rounded to nearest, halves up."""
    return (values + ((1 << shift) >> 1)) >> shift


def isqrt(values: Ints) -> Ints:
    """floor(sqrt(values)), exact below 2**52."""
    return np.sqrt(values.astype(np.float64)).astype(np.int64)


def scale(features: Any, scaler: Scaler) -> Ints:
    """Features int16 [n, d] -> z Q7 [n, d]."""
    params = scaler.params.astype(np.int64)
    wide = (np.asarray(features, np.int64) - params[:, 0]) * params[:, 1]
    half = (np.int64(1) << params[:, 2]) >> 1
    return np.clip((wide + half) >> params[:, 2], -Z_LIMIT, Z_LIMIT)


def project(z: Ints, projection: Projection) -> Ints:
    """z [n, d] -> whitened u [n, p]."""
    wide = z.astype(np.float64) @ projection.matrix.T.astype(np.float64)  # exact: below 2**30
    return np.clip(shift_round(wide.astype(np.int64), projection.shift), -Z_LIMIT, Z_LIMIT)


def cluster_distance(u: Ints, clusters: Clusters) -> tuple[Ints, Ints]:
    """Raw distance in units of the smallest radius [n] and nearest cluster [n]."""
    best = np.full(len(u), 1 << 30, np.int64)
    nearest = np.zeros(len(u), np.int64)
    narrow = u.astype(np.int32)
    for first in range(0, len(u), _BLOCK):
        rows = slice(first, first + _BLOCK)
        for index, centroid in enumerate(clusters.centroids.astype(np.int32)):
            away = narrow[rows] - centroid
            away *= away
            squared = (away >> clusters.shift).sum(axis=1, dtype=np.int64)
            squared = (squared * int(clusters.inverse[index])) >> 14
            closer = squared < best[rows]
            best[rows][closer] = squared[closer]
            nearest[rows][closer] = index
    return isqrt(best), nearest


def fc_s8(x: Ints, layer: Layer) -> Ints:
    """One fully connected layer, int8 values in int64 arrays: [n, n_in] -> [n, n_out]."""
    wide = x.astype(np.float64) @ layer.weights.T.astype(np.float64)  # exact: below 2**28
    acc = wide.astype(np.int64) + layer.bias.astype(np.int64)
    total = 31 - layer.exponent.astype(np.int64)
    acc = (acc * layer.multiplier.astype(np.int64) + (np.int64(1) << (total - 1))) >> total
    return np.clip(acc + layer.zero_point, layer.low, layer.high)


def run_network(z: Ints, network: Network) -> Ints:
    """int8 outputs [n, n_out] for z [n, d]."""
    return run_layers(quantize_input(z, network), network)


def quantize_input(z: Ints, network: Network) -> Ints:
    """The network's int8 inputs [n, d] for z [n, d]."""
    return np.clip(shift_round(z * network.input_mult, network.input_shift)
                   + network.input_zero_point, -128, 127)


def run_layers(x: Ints, network: Network) -> Ints:
    """int8 outputs [n, n_out] for int8 inputs [n, d]."""
    for layer in network.layers:
        x = fc_s8(x, layer)
    return x


def _margin(outputs: Any, normal: int) -> Any:
    others = np.delete(outputs, normal, axis=1)
    return others.max(axis=1) - outputs[:, normal]


def _network_score(z: Ints, outputs: Ints, network: Network) -> Ints:
    zero_point = network.layers[-1].zero_point
    if network.head == "classifier":
        if network.normal < 0:
            return np.zeros(len(z), np.int64)
        wide = 256 + shift_round(_margin(outputs, network.normal) * network.score_mult,
                                 network.score_shift)
    elif network.head == "regressor":
        wide = network.score_offset + shift_round(
            (outputs[:, 0] - zero_point) * network.score_mult, network.score_shift)
    else:
        rebuilt = np.clip(shift_round((outputs - zero_point) * network.score_mult,
                                      network.score_shift), -Z_LIMIT, Z_LIMIT)
        away = z - rebuilt
        squared = ((away * away) >> network.distance_shift).sum(axis=1)
        wide = (isqrt(squared) * network.edge_mult) >> network.edge_shift
    return np.clip(wide, 0, SCORE_MAX)


def run_forest(z: Ints, forest: Forest) -> Ints:
    """Votes [n, n_classes] for z [n, d]: class shares summed over the trees."""
    votes = np.zeros((len(z), forest.table.shape[1]), np.int64)
    rows = np.arange(len(z))
    feature = forest.feature.astype(np.int64)
    right = forest.right.astype(np.int64)
    for root in forest.roots:
        node = np.full(len(z), int(root), np.int64)
        while True:
            inner = feature[node] >= 0
            if not inner.any():
                break
            left = z[rows, np.maximum(feature[node], 0)] <= forest.threshold[node]
            node = np.where(inner, np.where(left, node + 1, right[node]), node)
        votes += forest.table[right[node]]
    return votes


def _forest_score(votes: Ints, forest: Forest) -> Ints:
    if forest.normal < 0:
        return np.zeros(len(votes), np.int64)
    return 256 + _margin(votes, forest.normal) // len(forest.roots)


def score(model: Model, features: Any) -> Scores:
    """Score int16 features [n, d] with an integer model, before smoothing."""
    decision = complete(model.decision)
    z = scale(features, model.scaler)
    label = np.full(len(z), -1, np.int64)
    found: dict[str, Ints] = {}
    edges = decision["thresholds"]
    if model.clusters is not None:
        u = z if model.projection is None else project(z, model.projection)
        found["distance"], found["nearest"] = cluster_distance(u, model.clusters)
        found["kmeans_score"] = np.minimum(
            (found["distance"] * model.clusters.mult) >> model.clusters.score_shift, SCORE_MAX)
    own = z if model.network_scaler is None else scale(features, model.network_scaler)
    if model.network is not None:
        found["logits"] = run_network(own, model.network)
        found["network_score"] = _network_score(own, found["logits"], model.network)
        if model.network.head == "classifier":
            label = found["logits"].argmax(axis=1)
    elif model.forest is not None:
        found["logits"] = run_forest(own, model.forest)
        found["network_score"] = _forest_score(found["logits"], model.forest)
        label = found["logits"].argmax(axis=1)
    parts = {}
    for part in ("kmeans", "network"):
        if part + "_score" in found:
            parts[part] = np.minimum((found[part + "_score"] << 8) // edges[part], SCORE_MAX)
    return Scores(_combine(parts, decision), label, z, **found)


def _combine(parts: dict[str, Ints], decision: dict[str, Any]) -> Ints:
    if len(parts) == 1:
        return next(iter(parts.values()))
    if decision["combine"] == "max":
        return np.maximum(parts["kmeans"], parts["network"])
    weights = decision["weights"]
    return ((parts["kmeans"] * weights["kmeans"] + parts["network"] * weights["network"])
            // (weights["kmeans"] + weights["network"]))


def smooth(decision: dict[str, Any], scores: Any) -> Ints:
    """Causal smoothing of one series of scores [n], as the DECI section says."""
    values = np.asarray(scores, np.int64)
    smoothing = complete(decision)["smoothing"]
    if smoothing["kind"] == "median":
        return _median(values, smoothing["n"])
    if smoothing["kind"] == "ewma":
        return _ewma(values, smoothing["shift"])
    return values


def _median(values: Ints, n: int) -> Ints:
    out = np.empty_like(values)
    for i in range(min(n - 1, len(values))):
        out[i] = np.sort(values[:i + 1])[i >> 1]
    if len(values) >= n:
        windows = np.lib.stride_tricks.sliding_window_view(values, n)
        out[n - 1:] = np.partition(windows, n >> 1, axis=1)[:, n >> 1]
    return out


def _ewma(values: Ints, shift: int) -> Ints:
    out = np.empty_like(values)
    state = -1
    for i, value in enumerate(values.tolist()):
        wide = value << 8
        state = wide if state < 0 else state + ((wide - state) >> shift)
        out[i] = (state + 128) >> 8
    return out


def vote(decision: dict[str, Any], smoothed: Any) -> npt.NDArray[np.bool_]:
    """Which windows alarm: at least m of the newest n smoothed scores reach the threshold."""
    full = complete(decision)
    over = np.asarray(smoothed, np.int64) >= full["threshold"]
    total = np.concatenate([[0], np.cumsum(over)])
    first = np.maximum(np.arange(len(over)) + 1 - full["vote"]["n"], 0)
    return total[1:] - total[first] >= full["vote"]["m"]


@dataclass(frozen=True)
class FloatModel:
    """The float model behind a `Model`: mean and sigma per feature, clusters, network.

    Centroids [k, p] and radii [k] in sigma or, with `projection` [p, d], in whitened units;
    `edge` in radii. `forest` gives predict_proba of z in Q7, as scikit-learn's. `network_mean` and
    `network_sigma`: the scale of network or forest where it is not the same.
    """

    mean: Floats
    sigma: Floats
    centroids: Floats | None = None
    radii: Floats | None = None
    edge: float = 1.0
    projection: Floats | None = None
    network: FloatNetwork | None = None
    forest: Any = None
    normal: int = -1
    network_mean: Floats | None = None
    network_sigma: Floats | None = None


def float_outputs(network: FloatNetwork, x: Floats) -> Floats:
    """Outputs [n, n_out] of the float network for x [n, d] in sigma; binary nets give two."""
    for w, b in zip(network.weights[:-1], network.biases[:-1]):
        x = np.maximum(x @ w + b, 0)
    x = x @ network.weights[-1] + network.biases[-1]
    if network.head == "classifier" and x.shape[1] == 1:
        x = np.hstack([-x / 2, x / 2])
    return x


def score_float(model: FloatModel, features: Any, decision: dict[str, Any],
                slope: float = 1.0) -> tuple[Floats, Ints]:
    """Score (1.0 = edge) and label of features [n, d] in float64; d may be unrounded.

    `slope`: score units per logit difference where the network itself does not say.
    """
    full = complete(decision)
    values = np.asarray(features, np.float64)
    x = (values - model.mean) / model.sigma
    label = np.full(len(x), -1, np.int64)
    parts: dict[str, Floats] = {}
    if model.centroids is not None and model.radii is not None:
        u = x if model.projection is None else x @ model.projection.T
        away = np.stack([np.sqrt(((u - c) ** 2).sum(axis=1)) / r
                         for c, r in zip(model.centroids, model.radii)])
        parts["kmeans"] = away.min(axis=0) / model.edge
    if model.network_mean is not None and model.network_sigma is not None:
        x = (values - model.network_mean) / model.network_sigma
    if model.network is not None:
        outputs = float_outputs(model.network, x)
        parts["network"], label = _float_head(model.network, x, outputs, label, slope)
    elif model.forest is not None:
        shares = np.asarray(model.forest.predict_proba(x * 128), np.float64)
        label = shares.argmax(axis=1)
        parts["network"] = (1 + _margin(shares, model.normal) * 255 / 256 if model.normal >= 0
                            else np.zeros(len(x)))
    for part in parts:
        parts[part] = parts[part] * 256 / full["thresholds"][part]
    if len(parts) == 1:
        return next(iter(parts.values())), label
    if full["combine"] == "max":
        return np.maximum(parts["kmeans"], parts["network"]), label
    weights = full["weights"]
    total = weights["kmeans"] + weights["network"]
    return sum(parts[part] * weights[part] / total for part in parts), label


def _float_head(network: FloatNetwork, x: Floats, outputs: Floats, label: Ints,
                slope: float) -> tuple[Floats, Ints]:
    if network.head == "regressor":
        return np.maximum(outputs[:, 0] / network.edge, 0), label
    if network.head == "autoencoder":
        return np.sqrt(((x - outputs) ** 2).sum(axis=1)) / network.edge, label
    label = outputs.argmax(axis=1)
    if network.normal < 0:
        return np.zeros(len(x)), label
    gain = slope if network.slope is None else network.slope
    return np.maximum(1 + _margin(outputs, network.normal) * gain, 0), label
