# SPDX-License-Identifier: Apache-2.0
"""The integer model as plain arrays, and its exact bytes.

One dataclass for each binary section of a bundle, `encode_*` to write it and `decode` to read a
whole bundle back (after the device's own parser has accepted it). The format itself is described
in lib/tocsin/models/README.md.
"""
import json
import struct
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tocsin.models.bundle import parse

FORMAT = 1
HEADS = ("classifier", "regressor", "autoencoder")
Ints = npt.NDArray[Any]


@dataclass(frozen=True)
class Scaler:
    """z = clamp(((f - offset) * mult + round) >> shift, +-4095), Q7. params int16 [n, 3]."""

    params: Ints


@dataclass(frozen=True)
class Projection:
    """u = clamp((matrix @ z + round) >> shift, +-4095). matrix int16 [p, n]."""

    matrix: Ints
    shift: int


@dataclass(frozen=True)
class Clusters:
    """centroids int16 [k, p], inverse int16 [k] = (smallest radius / radius)**2 in Q14.

    distance = isqrt(min over clusters of (sum((u - c)**2 >> shift) * inverse) >> 14),
    score = distance * mult >> score_shift (Q8).
    """

    centroids: Ints
    inverse: Ints
    shift: int
    mult: int
    score_shift: int


@dataclass(frozen=True)
class Layer:
    """One int8 fully connected layer.

    weights int8 [n_out, n_in]; bias int32 [n_out] with the input zero point folded in;
    multiplier [n_out] in 2**30 .. 2**31-1 or 0 and exponent [n_out]:
    y = clamp(zero_point + round(acc * multiplier * 2**(exponent - 31)), low, high).
    """

    weights: Ints
    bias: Ints
    multiplier: Ints
    exponent: Ints
    zero_point: int
    low: int
    high: int


@dataclass(frozen=True)
class Network:
    """int8 network: input scale (q = (z * mult + round >> shift) + zero point), layers, head.

    out_scale: real value of one output step, for reports; not part of the bundle.
    """

    head: str
    input_mult: int
    input_shift: int
    input_zero_point: int
    layers: tuple[Layer, ...]
    normal: int = -1
    score_mult: int = 16384
    score_shift: int = 14
    score_offset: int = 0
    distance_shift: int = 0
    edge_mult: int = 8192
    edge_shift: int = 13
    out_scale: float = 0.0


@dataclass(frozen=True)
class Forest:
    """Decision trees on z (Q7).

    feature int16 [nodes] (-1 = leaf), threshold int16 [nodes] (left when z <= threshold; left is
    the next node), right uint16 [nodes] (right child, or a leaf's row in the table), roots uint16
    [trees], table uint8 [leaves, classes] (class shares, 255 = all).
    """

    feature: Ints
    threshold: Ints
    right: Ints
    roots: Ints
    table: Ints
    normal: int = -1


@dataclass(frozen=True)
class Model:
    """Everything a bundle says, in integers.

    `network_scaler` is the network's or forest's own; without it they share `scaler`.
    """

    conf: dict[str, Any]
    feature_names: list[str]
    scaler: Scaler
    clusters: Clusters | None = None
    projection: Projection | None = None
    network: Network | None = None
    forest: Forest | None = None
    classes: list[str] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)
    decision: dict[str, Any] = field(default_factory=dict)
    network_scaler: Scaler | None = None

    @property
    def n_features(self) -> int:
        return len(self.scaler.params)

    def changed(self, **parts: Any) -> "Model":
        """A copy with some parts replaced."""
        return replace(self, **parts)


def _padded(data: bytes, size: int = 4) -> bytes:
    return data + bytes(-len(data) % size)


def _array(values: Ints, kind: str) -> bytes:
    return np.ascontiguousarray(values, dtype=kind).tobytes()


def encode_json(value: dict[str, Any]) -> bytes:
    """Compact JSON in the given key order; NaN and infinity are refused."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False,
                      ensure_ascii=False).encode("utf-8")


def encode_clusters(part: Clusters) -> bytes:
    k, n = part.centroids.shape
    return struct.pack("<6H", n, k, part.shift, part.mult, part.score_shift, 0) + _array(
        part.inverse, "<i2") + _array(part.centroids, "<i2")


def encode_projection(part: Projection) -> bytes:
    rows, columns = part.matrix.shape
    return struct.pack("<4H", rows, columns, part.shift, 0) + _array(part.matrix, "<i2")


def encode_network(part: Network) -> bytes:
    data = struct.pack(
        "<BBHHHhhHHhHHH", len(part.layers), HEADS.index(part.head),
        part.layers[0].weights.shape[1], part.input_mult, part.input_shift,
        part.input_zero_point, part.normal, part.score_mult, part.score_shift, part.score_offset,
        part.distance_shift, part.edge_mult, part.edge_shift)
    for layer in part.layers:
        n_out, n_in = layer.weights.shape
        data += struct.pack("<HHhhhh", n_in, n_out, layer.zero_point, layer.low, layer.high, 0)
        data += _array(layer.bias, "<i4") + _array(layer.multiplier, "<i4")
        data = _padded(data + _array(layer.exponent, "i1"))
        padded = np.zeros((n_out, n_in + -n_in % 4), np.int8)
        padded[:, :n_in] = layer.weights
        data += _array(padded, "i1")
    return data


def encode_forest(part: Forest) -> bytes:
    data = struct.pack("<HHHHhH", part.table.shape[1], len(part.roots), len(part.feature),
                       len(part.table), part.normal, 0)
    for values, kind in ((part.feature, "<i2"), (part.threshold, "<i2"), (part.right, "<u2"),
                         (part.roots, "<u2"), (part.table, "u1")):
        data += _array(values, kind)
    return data


def encode(model: Model, vectors: bytes = b"", extra: dict[str, bytes] | None = None) -> bytes:
    """The bytes of a bundle; the same model always gives the same bytes.

    `extra` adds sections by tag, for instance a signature.
    """
    sections = {
        "CONF": encode_json(model.conf),
        "NAME": encode_json({"features": model.feature_names, "classes": model.classes}),
        "PROV": encode_json(model.provenance),
        "SCAL": _array(model.scaler.params, "<i2"),
    }
    if model.network_scaler is not None:
        sections["SCAN"] = _array(model.network_scaler.params, "<i2")
    if model.projection is not None:
        sections["PROJ"] = encode_projection(model.projection)
    if model.clusters is not None:
        sections["KMNS"] = encode_clusters(model.clusters)
    if model.network is not None:
        sections["MLPN"] = encode_network(model.network)
    if model.forest is not None:
        sections["FRST"] = encode_forest(model.forest)
    sections["DECI"] = encode_json(model.decision)
    if vectors:
        sections["VECT"] = vectors
    sections.update(extra or {})
    return assemble(sections)


def assemble(sections: dict[str, bytes]) -> bytes:
    """Header, sections in the given order, CRC32."""
    body = b""
    for tag, payload in sections.items():
        body += tag.encode("ascii") + struct.pack("<I", len(payload)) + _padded(payload)
    total = 12 + len(body) + 4
    data = b"TCB1" + struct.pack("<HHI", FORMAT, len(sections), total) + body
    return data + struct.pack("<I", zlib.crc32(data))


def decode(data: bytes, name: str = "model.tcb") -> Model:
    """Read a bundle back. Raises `tocsin.models.bundle.BundleError` as a device would."""
    bundle = parse(data, name)

    def payload(tag: str) -> bytes | None:
        view = bundle.section(tag)
        return None if view is None else bytes(view)

    return Model(
        conf=bundle.conf, feature_names=bundle.feature_names, classes=bundle.classes,
        provenance=bundle.provenance, decision=bundle.decision,
        scaler=Scaler(np.array(bundle.scaler[1:], np.int16).reshape(-1, 3)),
        network_scaler=None if bundle.network_scaler is None else Scaler(
            np.array(bundle.network_scaler[1:], np.int16).reshape(-1, 3)),
        clusters=_decode_clusters(payload("KMNS")),
        projection=_decode_projection(payload("PROJ")),
        network=_decode_network(payload("MLPN")), forest=_decode_forest(payload("FRST")))


def _decode_clusters(data: bytes | None) -> Clusters | None:
    if data is None:
        return None
    n, k, shift, mult, score_shift, _ = struct.unpack_from("<6H", data)
    values = np.frombuffer(data, "<i2", offset=12)
    return Clusters(values[k:].reshape(k, n), values[:k], shift, mult, score_shift)


def _decode_projection(data: bytes | None) -> Projection | None:
    if data is None:
        return None
    rows, columns, shift, _ = struct.unpack_from("<4H", data)
    return Projection(np.frombuffer(data, "<i2", offset=8).reshape(rows, columns), shift)


def _decode_network(data: bytes | None) -> Network | None:
    if data is None:
        return None
    (count, head, _, mult, shift, zero_point, normal, score_mult, score_shift, score_offset,
     distance_shift, edge_mult, edge_shift) = struct.unpack_from("<BBHHHhhHHhHHH", data)
    at = 24
    layers = []
    for _ in range(count):
        n_in, n_out, layer_zero, low, high, _ = struct.unpack_from("<HHhhhh", data, at)
        at += 12
        bias = np.frombuffer(data, "<i4", n_out, at)
        multiplier = np.frombuffer(data, "<i4", n_out, at + 4 * n_out)
        exponent = np.frombuffer(data, "i1", n_out, at + 8 * n_out)
        at += 9 * n_out
        at += -at % 4
        stride = n_in + -n_in % 4
        weights = np.frombuffer(data, "i1", stride * n_out, at).reshape(n_out, stride)
        at += stride * n_out
        layers.append(Layer(weights[:, :n_in], bias, multiplier, exponent, layer_zero, low, high))
    return Network(HEADS[head], mult, shift, zero_point, tuple(layers), normal, score_mult,
                   score_shift, score_offset, distance_shift, edge_mult, edge_shift)


def _decode_forest(data: bytes | None) -> Forest | None:
    if data is None:
        return None
    classes, trees, nodes, leaves, normal, _ = struct.unpack_from("<HHHHhH", data)
    at = 12
    feature = np.frombuffer(data, "<i2", nodes, at)
    threshold = np.frombuffer(data, "<i2", nodes, at + 2 * nodes)
    right = np.frombuffer(data, "<u2", nodes, at + 4 * nodes)
    roots = np.frombuffer(data, "<u2", trees, at + 6 * nodes)
    table = np.frombuffer(data, "u1", leaves * classes, at + 6 * nodes + 2 * trees)
    return Forest(feature, threshold, right, roots, table.reshape(leaves, classes), normal)
