# SPDX-License-Identifier: Apache-2.0
"""What generated code does for one model: stages, the table they read, the words they use.

Independent of any processor; `thumb.py` and `viper.py` turn a plan into code. The table is one row
of 32-bit words in exactly the order in which the code reads it, so that one pointer walks
through it once per vector.

Two int8 inputs share a word, X = x0 + x1 2**16, and so do their weights, W = w1 + w0 2**16: the
upper half of X W, rounded, is x0 w0 + x1 w1 as long as |w0| + |w1| < 256. So one multiplication
serves two.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tools.codegen.requantise import NotSpecialised, Scale, clips, low_bits, solve
from tools.train.bundle_format import Clusters, Layer, Model, Network, Projection, Scaler

BEST, RAW, NEAR, SCORE, LABEL = range(5)
HEADER = 8
"""First words of the state: nearest cluster, its distance, both parts' scores, label."""
UNROLLED = 32
"""Pairs of values that a row takes without a loop; longer rows go by BLOCK pairs."""
BLOCK = 8
_FAR = 1 << 30
_MASK = 0xFFFFFFFF
_MOST_CLASSES = 64
_MOST_INPUTS = 240


@dataclass(frozen=True)
class Vector:
    """z = clip((f * mult + c) >> shift, +-4095); table: mult, c, shift for each of n."""

    n: int
    out: int


@dataclass(frozen=True)
class Rows:
    """Rows of 16-bit weights, two at a time; table: for each pair of values a word of each row.

    kind: "project" (u = clip((sum + half) >> shift)), "dot" or "square" (clusters: the distance
    from products or from squared differences >> shift; table: constant, weight, index of
    each of the two rows).
    """

    kind: str
    n: int
    rows: int
    source: int
    out: int
    shift: int
    weighted: bool = False
    score_shift: int = 0

    @property
    def pairs(self) -> int:
        return pairs(self.n)


@dataclass(frozen=True)
class Quantise:
    """int8 inputs, two in a word, out of z; table: mult, half, zero point."""

    n: int
    source: int
    shift: int


@dataclass(frozen=True)
class Dense:
    """One int8 layer, two outputs at a time; table: weights, then `requantise.Output` of both.

    `words`: words of two inputs. The last layer leaves its outputs in words of their own.
    """

    words: int
    n_out: int
    low_bits: int
    last: bool


@dataclass(frozen=True)
class Head:
    """The score out of the last layer's outputs; table: mult, half, then what the kind needs.

    classifier: label, score. regressor: zero point, offset. autoencoder: zero point, edge.
    """

    kind: str
    n: int
    shift: int
    normal: int = -1
    source: int = 0
    distance_shift: int = 0
    edge_shift: int = 0


Stage = Vector | Rows | Quantise | Dense | Head


@dataclass
class Plan:
    """The stages of a model, their table, and where vectors lie in the state.

    z, network_z: first word of the scaled vectors; used: words of the state; inputs: words that
    the largest layer input takes; outputs: where the last layer's lie, a word each.
    """

    n: int
    stages: list[Stage] = field(default_factory=list)
    table: list[int] = field(default_factory=list)
    z: int = HEADER
    network_z: int = HEADER
    used: int = HEADER
    inputs: int = 0
    outputs: int = 0
    head: str | None = None

    def room(self, n: int) -> int:
        """Reserve n words; returns the first one's place."""
        at = self.used
        self.used += n
        return at


def pairs(n: int) -> int:
    """Pairs of values in a row of n, whole blocks if it takes a loop."""
    count = (n + 1) // 2
    return count if count <= UNROLLED else (count + BLOCK - 1) // BLOCK * BLOCK


def make_plan(model: Model) -> Plan:
    """Plan a model with clusters, a network, or both. Raises NotSpecialised."""
    if model.forest is not None:
        raise NotSpecialised("trees are nothing but comparisons")
    plan = Plan(model.n_features)
    plan.z = plan.network_z = _scale(plan, model.scaler)
    if model.clusters is not None:
        _clusters(plan, model.clusters, model.projection)
    if model.network is not None:
        if model.network_scaler is not None:
            plan.network_z = _scale(plan, model.network_scaler)
        _network(plan, model.network)
    return plan


def _scale(plan: Plan, scaler: Scaler) -> int:
    at = plan.room(2 * pairs(plan.n))
    plan.stages.append(Vector(plan.n, at))
    for offset, mult, shift in scaler.params.tolist():
        half = (1 << shift) >> 1
        plan.table += [mult, half - offset * mult, shift]
    return at


def _clusters(plan: Plan, clusters: Clusters, projection: Projection | None) -> None:
    source = plan.z
    k, n = clusters.centroids.shape
    if projection is not None:
        rows, columns = projection.matrix.shape
        source = plan.room(2 * pairs(rows + rows % 2))
        plan.stages.append(Rows("project", columns, rows, plan.z, source, projection.shift))
        plan.table.append((1 << projection.shift) >> 1)
        for a in range(0, rows, 2):
            plan.table += _row_words(projection.matrix[a : a + 2], columns)
    weighted = bool((clusters.inverse != 16384).any())
    kind = "square" if clusters.shift else "dot"
    plan.stages.append(
        Rows(kind, n, k, source, 0, clusters.shift, weighted, clusters.score_shift)
    )
    centroids = clusters.centroids.astype(np.int64)
    weights = centroids if clusters.shift else -2 * centroids
    for a in range(0, k, 2):
        plan.table += _row_words(weights[a : a + 2], n)
        for row in (a, a + 1):
            if row < k:
                constant = 0 if clusters.shift else int((centroids[row] ** 2).sum())
                plan.table += [constant, int(clusters.inverse[row]), row]
            else:
                plan.table += [_FAR, 16384, row]
    plan.table.append(clusters.mult)


def _row_words(rows: np.ndarray, n: int) -> list[int]:
    """Two rows (or one and zeros), two values to a word, the rows' words in turn."""
    padded = np.zeros((2, 2 * pairs(n)), np.int64)
    padded[: len(rows), :n] = rows
    words = []
    for i in range(0, padded.shape[1], 2):
        words += [_halves(int(low), int(high)) for low, high in padded[:, i : i + 2]]
    return words


def _halves(low: int, high: int) -> int:
    return (low & 0xFFFF) | (high & 0xFFFF) << 16


def _network(plan: Plan, network: Network) -> None:
    n_in = network.layers[0].weights.shape[1]
    if max(layer.weights.shape[1] for layer in network.layers) > _MOST_INPUTS:
        raise NotSpecialised(f"a layer of more than {_MOST_INPUTS} inputs is long enough")
    half = 1 << (network.input_shift - 1)
    plan.stages.append(Quantise(n_in, plan.network_z, network.input_shift))
    plan.table += [network.input_mult, half, network.input_zero_point]
    low, high = -128, 127
    for number, layer in enumerate(network.layers):
        _dense(plan, layer, low, high, number == len(network.layers) - 1)
        low, high = layer.low, layer.high
    _head(plan, network)


def _dense(plan: Plan, layer: Layer, low: int, high: int, last: bool) -> None:
    n_out, n_in = layer.weights.shape
    weights = np.zeros((n_out + n_out % 2, n_in + n_in % 2), np.int64)
    weights[:n_out, :n_in] = layer.weights
    if (np.abs(weights).reshape(len(weights), -1, 2).sum(2) > 255).any():
        raise NotSpecialised("two weights of -128 side by side don't fit into one product")
    outputs, bits = _outputs(layer, low, high)
    outputs += [[0] * 5] * (n_out % 2)
    words = weights.shape[1] // 2
    packed = (weights[:, 1::2] + (weights[:, ::2] << 16)) & _MASK
    for a in range(0, n_out, 2):
        rows = packed[a : a + 2]
        plan.table += [int(rows[r, i]) for i in range(words) for r in (0, 1)]
        plan.table += outputs[a] + outputs[a + 1]
    plan.stages.append(Dense(words, n_out, bits, last))
    plan.inputs = max(plan.inputs, words)
    if last:
        plan.outputs = plan.room(n_out + n_out % 2)


def _outputs(layer: Layer, low: int, high: int) -> tuple[list[list[int]], int]:
    """Table words of a layer's outputs for inputs low..high, and bits of their low limbs."""
    if (layer.exponent > 0).any():
        raise NotSpecialised("a layer's output scale is 1 or more")
    weights = layer.weights.astype(np.int64)
    positive = np.maximum(weights, 0).sum(axis=1)
    negative = np.minimum(weights, 0).sum(axis=1)
    least = (positive * low + negative * high).tolist()
    most = (positive * high + negative * low).tolist()
    scales = [
        Scale(bias, multiplier, exponent, layer.zero_point, layer.low, layer.high)
        for bias, multiplier, exponent in zip(
            layer.bias.tolist(), layer.multiplier.tolist(), layer.exponent.tolist()
        )
    ]
    limits = [clips(s, a, b) for s, a, b in zip(scales, least, most)]
    bits = low_bits(limits)
    return [solve(s, c, bits).words() for s, c in zip(scales, limits)], bits


def _head(plan: Plan, network: Network) -> None:
    n_out = network.layers[-1].weights.shape[0]
    plan.head = network.head
    shift = network.score_shift
    plan.table += [network.score_mult, 1 << (shift - 1)]
    if network.head == "classifier":
        if n_out > _MOST_CLASSES:
            raise NotSpecialised(f"more than {_MOST_CLASSES} classes")
        plan.stages.append(Head("classifier", n_out, shift, network.normal))
        return
    zero = network.layers[-1].zero_point
    if network.head == "regressor":
        plan.table += [zero, network.score_offset]
        plan.stages.append(Head("regressor", 1, shift))
    else:
        plan.table += [zero, network.edge_mult]
        plan.stages.append(Head("autoencoder", n_out, shift, source=plan.network_z,
                                distance_shift=network.distance_shift,
                                edge_shift=network.edge_shift))  # fmt: skip


def words_of(table: Sequence[int]) -> list[int]:
    """The table as unsigned 32-bit words."""
    return [word & _MASK for word in table]
