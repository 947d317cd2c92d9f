# SPDX-License-Identifier: Apache-2.0
"""From float models to the integers a device computes, and what that costs.

Scaled features are z = 128 * (feature - mean) / sigma (Q7, int16, clamped at +-4095). Every
`quantize_*` takes plain numpy and returns a part of `bundle_format`; `cost` compares a float model
with its integers on the same windows.
"""
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.train.bundle_format import (
    HEADS,
    Clusters,
    Forest,
    Layer,
    Network,
    Projection,
    Scaler,
)

Z_ONE = 128
Z_LIMIT = 4095
MAX_WIDTH = 1024
MAX_LAYERS = 16
_SPAN_SQUARED = 8190 * 8190
_ROW_LIMIT = 262143
Floats = npt.NDArray[np.float64]


class QuantizeError(ValueError):
    """The float model cannot be put into integers; the message says what to do."""


@dataclass(frozen=True)
class FloatNetwork:
    """weights [n_in, n_out] and biases per layer, relu between, inputs in units of sigma.

    `edge`: regressor output, or autoencoder root of the summed squared error (in sigma), that
    scores 1.0. `normal`: index of the normal class or -1. `slope`: score units (1.0 = edge) per
    unit of difference between logits; None gives each int8 step of it one Q8 step.
    """

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    head: str = "classifier"
    normal: int = -1
    edge: float = 1.0
    slope: float | None = None


def _require_finite(what: str, *arrays: Any) -> None:
    for values in arrays:
        if not np.all(np.isfinite(np.asarray(values, np.float64))):
            raise QuantizeError(f"{what}: NaN or infinity among its numbers; train it again")


def ratio(value: float, bits: int, max_shift: int) -> tuple[int, int]:
    """mult, shift with mult / 2**shift nearest to value, mult below 2**bits, 1 <= shift."""
    if not value > 0 or not math.isfinite(value):
        raise QuantizeError(f"scale {value} is not a positive number; check the training data")
    top = (1 << bits) - 1
    shift = min(max(math.floor(math.log2(top / value)), 1), max_shift)
    return min(max(round(value * (1 << shift)), 1), top), shift


def quantize_scaler(mean: npt.ArrayLike, sigma: npt.ArrayLike) -> Scaler:
    """Mean and standard deviation of each feature (in feature units) -> `Scaler`.

    A sigma of 0 (a constant feature) must be raised to a floor by the caller; see `fit_scaler`.
    An infinite one gives a multiplier of 0: the feature is watched, its z is always 0.
    """
    mean = np.asarray(mean, np.float64)
    sigma = np.asarray(sigma, np.float64)
    _require_finite("scaler", mean, sigma[sigma != np.inf])
    params = np.empty((len(mean), 3), np.int16)
    for i in range(len(mean)):
        mult, shift = 0, 1
        if sigma[i] != np.inf:
            mult, shift = ratio(Z_ONE / sigma[i] if sigma[i] > 0 else 0.0, 13, 28)
        params[i] = min(max(round(mean[i]), -32768), 32767), mult, shift
    return Scaler(params)


def fit_scaler(features: Any, floor: float = 1.0) -> tuple[Floats, Floats]:
    """Mean and sigma of int16 features [n, d]; no sigma below `floor` feature units."""
    values = np.asarray(features, np.float64)
    return values.mean(axis=0), np.maximum(values.std(axis=0), floor)


def distance_shift(n: int) -> int:
    """Smallest shift that keeps a sum of n squared differences below 2**30."""
    shift = 0
    while n * (_SPAN_SQUARED >> shift) >= 1 << 30:
        shift += 1
    return shift


def quantize_projection(matrix: npt.ArrayLike, unit: int = 64) -> Projection:
    """Whitening matrix [p, n] (sigma -> whitened) -> `Projection` with `unit` steps per 1.0."""
    matrix = np.asarray(matrix, np.float64)
    _require_finite("projection", matrix)
    gain = unit / Z_ONE
    widest = max(float(np.abs(matrix).sum(axis=1).max()) * gain, 1e-9)
    tallest = max(float(np.abs(matrix).max()) * gain, 1e-9)
    slack = matrix.shape[1]
    shift = math.floor(min(math.log2((_ROW_LIMIT - slack) / widest),
                           math.log2(32767 / tallest)))
    if shift < 0:
        raise QuantizeError("whitening matrix is too steep; drop near-constant features")
    shift = min(shift, 18)
    return Projection(np.round(matrix * gain * (1 << shift)).astype(np.int16), shift)


def quantize_clusters(centroids: npt.ArrayLike, radii: npt.ArrayLike, edge: float = 1.0,
                      unit: int = Z_ONE) -> Clusters:
    """Centroids [k, p] and radii [k] in sigma (or whitened units) -> `Clusters`.

    Score 1.0 where the distance is `edge` radii. `unit`: steps per 1.0, 128 without projection,
    else that of the projection.
    """
    centroids = np.atleast_2d(np.asarray(centroids, np.float64))
    radii = np.asarray(radii, np.float64)
    _require_finite("clusters", centroids, radii, edge)
    if radii.min() <= 0:
        raise QuantizeError("a cluster radius is 0; use fewer clusters or more recordings")
    shift = distance_shift(centroids.shape[1])
    inverse = np.clip(np.round(16384 * (radii.min() / radii) ** 2), 1, 16384).astype(np.int16)
    whole = np.clip(np.round(centroids * unit), -Z_LIMIT, Z_LIMIT).astype(np.int16)
    raw_edge = edge * float(radii.min()) * unit / math.sqrt(1 << shift)
    return with_edge(Clusters(whole, inverse, shift, 1, 0), raw_edge)


def with_edge(clusters: Clusters, raw_edge: float) -> Clusters:
    """The same clusters with score 256 at the raw integer distance `raw_edge`."""
    mult, shift = ratio(256 / max(raw_edge, 1.0), 14, 29)
    return replace(clusters, mult=mult, score_shift=shift)


def multiplier(value: float) -> tuple[int, int]:
    """TFLite's QuantizeMultiplier: value = mult * 2**(exponent - 31), mult 2**30..2**31-1."""
    if value == 0:
        return 0, 0
    fraction, exponent = math.frexp(value)
    mult = math.floor(fraction * (1 << 31) + 0.5)
    if mult == 1 << 31:
        mult //= 2
        exponent += 1
    if exponent < -29:
        return 0, 0
    if exponent > 7:
        raise QuantizeError("a layer's output scale is far below its input's; train it again")
    return mult, exponent


def quantize_layer(weights: npt.ArrayLike, bias: npt.ArrayLike, in_q: tuple[float, int],
                   out_q: tuple[float, int], relu: bool) -> Layer:
    """Float weights [n_in, n_out] -> `Layer`, one weight scale per output.

    in_q, out_q: (scale, zero point) of the int8 activations.
    """
    columns = np.asarray(weights, np.float64).T
    scales = np.abs(columns).max(axis=1) / 127
    scales = np.where(scales > 0, scales, 1.0)
    whole = np.clip(np.round(columns / scales[:, None]), -127, 127).astype(np.int8)
    steps = np.clip(np.round(np.asarray(bias, np.float64) / (scales * in_q[0])),
                    -(1 << 26), 1 << 26).astype(np.int64)
    return fold_layer(whole, steps, scales * in_q[0] / out_q[0], in_q[1], out_q[1], relu)


def fold_layer(weights: npt.ArrayLike, bias: npt.ArrayLike, effective: npt.ArrayLike,
               in_zero_point: int, out_zero_point: int, relu: bool, high: int = 127) -> Layer:
    """int8 weights [n_out, n_in] and int32 bias -> `Layer`.

    effective [n_out]: input scale * weight scale / output scale. Refuses sums that could leave
    the 28 bits `fc_s8` works in.
    """
    whole = np.asarray(weights, np.int8)
    folded = np.asarray(bias, np.int64) - in_zero_point * whole.astype(np.int64).sum(axis=1)
    pairs = [multiplier(float(value)) for value in np.asarray(effective, np.float64)]
    exponents = np.array([pair[1] for pair in pairs], np.int64)
    stride = whole.shape[1] + -whole.shape[1] % 4
    if np.any((stride * 16384 + np.abs(folded)) << np.maximum(exponents, 0) >= 1 << 28):
        raise QuantizeError("a bias is too large for its weights; scale the inputs, train again")
    return Layer(whole, folded.astype(np.int32),
                 np.array([pair[0] for pair in pairs], np.int32), exponents.astype(np.int8),
                 out_zero_point, out_zero_point if relu else -128, high)


def affine(low: float, high: float) -> tuple[float, int]:
    """int8 (scale, zero point) of a range, which is widened to hold 0."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = max(high - low, 1e-6) / 255
    return scale, int(min(max(round(-128 - low / scale), -128), 127))


def input_scale(z: Any) -> tuple[float, int]:
    """int8 (scale in sigma, zero point) that holds all but 1 in 1,000 of the training z (Q7)."""
    low, high = np.quantile(np.asarray(z, np.float64) / Z_ONE, [0.0005, 0.9995])
    return affine(float(low), float(high))


def quantize_network(network: FloatNetwork, z: Any) -> Network:
    """Float network -> int8 `Network`; ranges from the training vectors z (int16 Q7 [n, d]).

    A classifier's logits are centred first (their differences are all that counts), and their
    range is the one that keeps most labels.
    """
    _require_finite("network", *network.weights, *network.biases)
    if network.head not in HEADS:
        raise QuantizeError(f"head {network.head!r} is none of {', '.join(HEADS)}")
    _require_size(network, np.asarray(z).shape[1])
    weights = [np.asarray(w, np.float64) for w in network.weights]
    biases = [np.asarray(b, np.float64) for b in network.biases]
    if network.head == "classifier":
        if weights[-1].shape[1] == 1:
            weights[-1] = np.hstack([-weights[-1] / 2, weights[-1] / 2])
            biases[-1] = np.concatenate([-biases[-1] / 2, biases[-1] / 2])
        weights[-1] = weights[-1] - weights[-1].mean(axis=1, keepdims=True)
        biases[-1] = biases[-1] - biases[-1].mean()
    in_q = input_scale(z)
    x = np.clip(np.round(np.asarray(z, np.float64) / Z_ONE / in_q[0]) + in_q[1], -128, 127)
    exact = (x - in_q[1]) * in_q[0]
    first = in_q
    layers = []
    for w, b in zip(weights[:-1], biases[:-1]):
        exact = np.maximum(exact @ w + b, 0)
        scale = max(float(np.quantile(exact, 0.9999)), 1e-6) / 255
        layers.append(quantize_layer(w, b, in_q, (scale, -128), True))
        in_q = (scale, -128)
    exact = exact @ weights[-1] + biases[-1]
    return _with_head(network, first, layers, (weights[-1], biases[-1], in_q), exact, x)


def _require_size(network: FloatNetwork, n_features: int) -> None:
    widths = [w.shape[0] for w in network.weights] + [network.weights[-1].shape[1]]
    if widths[0] != n_features:
        raise QuantizeError(f"the network takes {widths[0]} features, the data have {n_features}; "
                            "use the template it was trained with")
    if max(widths) > MAX_WIDTH or len(network.weights) > MAX_LAYERS:
        raise QuantizeError(f"layers of {widths} are too large; use at most {MAX_LAYERS} layers "
                            f"of {MAX_WIDTH}")


def _with_head(network: FloatNetwork, first: tuple[float, int], layers: list[Layer],
               last: tuple[Floats, Floats, tuple[float, int]], exact: Floats,
               x: Floats) -> Network:
    weights, bias, in_q = last
    mult, shift = ratio(1 / (Z_ONE * first[0]), 15, 29)
    low, high = np.quantile(exact, [0.0002, 0.9998])
    out_q = affine(float(low), float(high))
    output = quantize_layer(weights, bias, in_q, out_q, False)
    if network.head == "classifier":
        output, out_q = _best_output(weights, bias, in_q, layers, exact, x)
    whole = Network(network.head, mult, shift, first[1], (*layers, output),
                    network.normal)
    return finish_head(whole, network, out_q[0])


def _best_output(weights: Floats, bias: Floats, in_q: tuple[float, int], layers: Sequence[Layer],
                 exact: Floats, x: Floats) -> tuple[Layer, tuple[float, int]]:
    from tools.train.score_twin import fc_s8

    hidden = x.astype(np.int64)
    for layer in layers:
        hidden = fc_s8(hidden, layer)
    wanted = exact.argmax(axis=1)
    best: tuple[float, Layer, tuple[float, int]] | None = None
    for share in (1.0, 0.7, 0.5, 0.35, 0.25):
        limit = max(float(np.abs(exact).max()), 1e-6) * share
        out_q = (limit / 127, 0)
        layer = quantize_layer(weights, bias, in_q, out_q, False)
        kept = float((fc_s8(hidden, layer).argmax(axis=1) == wanted).mean())
        if best is None or kept > best[0] + 0.002:
            best = (kept, layer, out_q)
    assert best is not None
    return best[1], best[2]


def finish_head(network: Network, wanted: FloatNetwork, out_scale: float) -> Network:
    """Fill in the score scale of a head from its float meaning; `out_scale` of the last layer."""
    network = replace(network, out_scale=out_scale)
    if network.head == "classifier":
        gain = 1.0 if wanted.slope is None else 256 * wanted.slope * out_scale
        mult, shift = ratio(gain, 15, 22)
        return replace(network, score_mult=mult, score_shift=shift)
    if network.head == "regressor":
        mult, shift = ratio(256 * out_scale / wanted.edge, 15, 22)
        return replace(network, score_mult=mult, score_shift=shift)
    mult, shift = ratio(Z_ONE * out_scale, 15, 22)
    n = network.layers[0].weights.shape[1]
    squeeze = distance_shift(n)
    edge_mult, edge_shift = ratio(256 / max(wanted.edge * Z_ONE / math.sqrt(1 << squeeze), 1.0),
                                  14, 29)
    return replace(network, score_mult=mult, score_shift=shift, distance_shift=squeeze,
                   edge_mult=edge_mult, edge_shift=edge_shift)


def quantize_forest(forest: Any, normal: int = -1) -> Forest:
    """A fitted scikit-learn forest (or list of trees) on z in Q7 -> `Forest`.

    Fit it on the integers of `score_twin.scale`, so that its thresholds cut between integers and
    nothing is lost but the rounding of the leaves' class shares to 1/255.
    """
    trees = [getattr(tree, "tree_", tree) for tree in getattr(forest, "estimators_", forest)]
    feature: list[int] = []
    threshold: list[int] = []
    right: list[int] = []
    roots: list[int] = []
    rows: list[npt.NDArray[np.uint8]] = []
    leaves: dict[bytes, int] = {}

    def add(tree: Any, node: int) -> int:
        here = len(feature)
        feature.append(int(tree.feature[node]))
        threshold.append(0)
        right.append(0)
        if tree.children_left[node] < 0:
            share = np.asarray(tree.value[node][0], np.float64)
            row = np.round(255 * share / share.sum()).astype(np.uint8)
            feature[here] = -1
            right[here] = leaves.setdefault(row.tobytes(), len(leaves))
            if right[here] == len(rows):
                rows.append(row)
            return here
        cut = math.floor(float(tree.threshold[node]))
        threshold[here] = min(max(cut, -32768), 32767)
        add(tree, int(tree.children_left[node]))
        right[here] = add(tree, int(tree.children_right[node]))
        return here

    for tree in trees:
        roots.append(add(tree, 0))
    if len(feature) > 16384 or len(trees) > 256:
        raise QuantizeError(f"forest of {len(trees)} trees and {len(feature)} nodes is too large; "
                            "use at most 256 trees and 16384 nodes")
    return Forest(np.array(feature, np.int16), np.array(threshold, np.int16),
                  np.array(right, np.uint16), np.array(roots, np.uint16), np.stack(rows), normal)
