# SPDX-License-Identifier: Apache-2.0
"""Reads ONNX files: multilayer perceptrons and k-means, optionally behind a scaler.

Understood: Gemm, MatMul + Add, Relu, an ending in Softmax, Sigmoid or ArgMax, Scaler or constant
Sub/Div/Mul before the first layer, Cast, Identity, Flatten, Reshape, Dropout, QuantizeLinear and
DequantizeLinear (fake-quantised weights are taken at their quantised values), and what skl2onnx
writes for MLPClassifier, MLPRegressor, KMeans and StandardScaler. Anything else is refused.
"""
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from tools.train.importers import Imported, ImportRefused, choose_head
from tools.train.quantize import FloatNetwork

Floats = npt.NDArray[np.float64]
_SAME = {"Cast", "Identity", "Flatten", "Reshape", "Dropout", "QuantizeLinear",
         "DequantizeLinear", "Squeeze"}
_ENDINGS = {"Softmax", "LogSoftmax", "Sigmoid", "ArgMax"}
_AFTER_END = _SAME | _ENDINGS | {"Sub", "Concat", "ZipMap", "ArrayFeatureExtractor", "ArgMin",
                                 "Sqrt", "Mul", "Add", "TopK", "ReduceMax", "Gather"}
_USE = ("use Gemm or MatMul + Add with Relu between, and one Softmax, Sigmoid or ArgMax "
        "at the end")


class _Walk:
    """Follows the activations from the input to the output."""

    def __init__(self, name: str, graph: Any):
        self.name = name
        if any(item.data_location == onnx.TensorProto.EXTERNAL for item in graph.initializer):
            raise ImportRefused(f"{name}: its weights are in another file; save it as one file")
        self.constants: dict[str, Any] = {
            item.name: numpy_helper.to_array(item) for item in graph.initializer}
        inputs = [item.name for item in graph.input if item.name not in self.constants]
        if len(inputs) != 1:
            raise ImportRefused(f"{name}: {len(inputs)} inputs; export a model with one")
        self.flow = {inputs[0]}
        self.mean: Floats | None = None
        self.sigma: Floats | None = None
        self.weights: list[Floats] = []
        self.biases: list[Floats] = []
        self.relu: list[bool] = []
        self.centroids: Floats | None = None
        self.ending = ""
        self.classes: list[str] = []

    def refuse(self, op: str, why: str) -> ImportRefused:
        return ImportRefused(f"{self.name}: operator {op} {why}")

    def step(self, node: Any) -> None:
        op = node.op_type
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        known = [self.constants.get(item) for item in node.input]
        self._note_classes(op, known, attributes)
        if not any(item in self.flow for item in node.input):
            self._fold(node, op, known, attributes)
            return
        self.flow.update(node.output)
        if self.ending or self.centroids is not None:
            if op not in _AFTER_END and op not in ("Gemm", "ReduceSumSquare"):
                raise self.refuse(op, f"after the end is not supported; {_USE}")
        elif op in ("Gemm", "MatMul"):
            self._linear(op, known, attributes)
        elif op in _ENDINGS:
            self.ending = op
        elif op == "Relu":
            if not self.weights or self.relu[-1]:
                raise self.refuse(op, f"before the first layer is not supported; {_USE}")
            self.relu[-1] = True
        elif op == "Scaler" or (op in ("Sub", "Div", "Mul", "Add") and not self.weights):
            self._scaler(op, node, known, attributes)
        elif op == "Add":
            self._bias(known)
        elif op == "ReduceSumSquare" and not self.weights:
            self.flow.difference_update(node.output)
            self.constants[node.output[0]] = None
        elif op not in _SAME:
            raise self.refuse(op, f"is not supported; {_USE}")

    def _note_classes(self, op: str, known: list[Any], attributes: dict[str, Any]) -> None:
        if op == "ArrayFeatureExtractor" and known[0] is not None:
            self.classes = [v.decode() if isinstance(v, bytes) else str(v)
                            for v in np.ravel(known[0])]
        if op == "ZipMap" and not self.classes:
            labels = attributes.get("classlabels_strings") or attributes.get(
                "classlabels_int64s", [])
            self.classes = [v.decode() if isinstance(v, bytes) else str(v) for v in labels]

    def _fold(self, node: Any, op: str, known: list[Any], attributes: dict[str, Any]) -> None:
        """Operators on constants alone."""
        value: Any = None
        if op == "Constant":
            value = numpy_helper.to_array(attributes["value"]) if "value" in attributes else None
        elif known and known[0] is not None:
            if op in ("Identity", "Cast", "QuantizeLinear"):
                value = known[0]
            elif op == "Transpose":
                value = np.transpose(known[0], attributes.get("perm"))
            elif op == "DequantizeLinear" and known[1] is not None:
                value = _dequantize(known, attributes)
            else:
                raise self.refuse(op, f"on constants is not supported; {_USE}")
            if op == "QuantizeLinear":
                raise self.refuse(op, "of constants is not supported; store quantised weights")
        self.constants[node.output[0]] = value

    def _linear(self, op: str, known: list[Any], attributes: dict[str, Any]) -> None:
        if len(known) < 2 or known[1] is None:
            raise self.refuse(op, "has weights that are not constant; freeze the model")
        weights = np.asarray(known[1], np.float64)
        bias: Any = None
        if op == "Gemm":
            if attributes.get("transA", 0):
                raise self.refuse(op, "transposes its input; export with batches in rows")
            if attributes.get("transB", 0):
                weights = weights.T
            if attributes.get("alpha", 1.0) == -2.0 and not self.weights:
                self.centroids = weights.T
                return
            weights = weights * float(attributes.get("alpha", 1.0))
            if len(known) > 2:
                if known[2] is None:
                    raise self.refuse(op, "has a bias that is not constant; freeze the model")
                bias = np.asarray(known[2], np.float64) * float(attributes.get("beta", 1.0))
        if weights.ndim != 2:
            raise self.refuse(op, f"has weights of shape {list(weights.shape)}; use layers of "
                                  "inputs x outputs")
        if self.weights and weights.shape[0] != self.weights[-1].shape[1]:
            raise self.refuse(op, f"takes {weights.shape[0]} values after a layer of "
                                  f"{self.weights[-1].shape[1]}; export the model again")
        self.weights.append(weights)
        self.biases.append(np.zeros(weights.shape[1]) if bias is None
                           else np.broadcast_to(bias.ravel(), weights.shape[1]).copy())
        self.relu.append(False)

    def _bias(self, known: list[Any]) -> None:
        value = next((item for item in known if item is not None), None)
        if value is None or self.relu[-1]:
            raise self.refuse("Add", f"joins two branches or follows a Relu; {_USE}")
        self.biases[-1] = self.biases[-1] + np.ravel(np.asarray(value, np.float64))

    def _scaler(self, op: str, node: Any, known: list[Any], attributes: dict[str, Any]) -> None:
        mean = np.zeros(1) if self.mean is None else self.mean
        sigma = np.ones(1) if self.sigma is None else self.sigma
        if op == "Scaler":
            mean = mean + sigma * np.asarray(attributes["offset"], np.float64)
            sigma = sigma / np.asarray(attributes["scale"], np.float64)
        else:
            second = known[1] if node.input[0] in self.flow else None
            if second is None:
                raise self.refuse(op, "before the first layer needs a constant second operand; "
                                      f"{_USE}")
            value = np.ravel(np.asarray(second, np.float64))
            if op == "Sub":
                mean = mean + sigma * value
            elif op == "Add":
                mean = mean - sigma * value
            else:
                sigma = sigma * value if op == "Div" else sigma / value
        self.mean, self.sigma = mean, sigma

    def layers(self) -> tuple[list[Floats], list[Floats]]:
        """Weights and biases with neighbours that have no Relu between multiplied out."""
        weights, biases = [self.weights[0]], [self.biases[0]]
        for index in range(1, len(self.weights)):
            w, b = self.weights[index], self.biases[index]
            if self.relu[index - 1]:
                weights.append(w)
                biases.append(b)
            else:
                biases[-1] = biases[-1] @ w + b
                weights[-1] = weights[-1] @ w
        return weights, biases


def _dequantize(known: list[Any], attributes: dict[str, Any]) -> Floats:
    values = np.asarray(known[0], np.float64)
    scale = np.asarray(known[1], np.float64)
    zero = np.asarray(known[2], np.float64) if len(known) > 2 else np.zeros(1)
    if scale.size > 1:
        shape = [1] * values.ndim
        shape[attributes.get("axis", 1)] = scale.size
        scale = scale.reshape(shape)
        zero = zero.reshape(shape) if zero.size > 1 else zero
    return np.asarray((values - zero) * scale, np.float64)


def from_onnx(data: bytes, name: str = "model.onnx", head: str | None = None) -> Imported:
    """ONNX bytes -> `Imported`. Raises ImportRefused with one line."""
    try:
        model = onnx.load_model_from_string(data)
    except Exception:  # protobuf's DecodeError lives in another package from version to version
        raise ImportRefused(f"{name}: not an ONNX file; export the model again") from None
    try:
        with np.errstate(all="ignore"):
            walk = _Walk(name, model.graph)
            for node in model.graph.node:
                walk.step(node)
            return _result(walk, name, head)
    except (IndexError, KeyError, ValueError, TypeError, AttributeError, OverflowError,
            MemoryError) as error:
        if isinstance(error, ImportRefused):
            raise
        detail = (str(error) or type(error).__name__).splitlines()[0]
        raise ImportRefused(f"{name}: damaged ({detail}); export the model again") from None


def _result(walk: _Walk, name: str, head: str | None) -> Imported:
    if walk.centroids is not None:
        mean, sigma = _spread(walk, walk.centroids.shape[1])
        return Imported(name, mean, sigma, centroids=walk.centroids)
    if not walk.weights:
        raise ImportRefused(f"{name}: no layer found; {_USE}")
    if walk.relu[-1]:
        raise ImportRefused(f"{name}: operator Relu after the last layer is not supported; "
                            "end with a plain layer")
    weights, biases = walk.layers()
    n_in, n_out = weights[0].shape[0], weights[-1].shape[1]
    if walk.ending == "Sigmoid" and n_out > 1:
        raise ImportRefused(f"{name}: operator Sigmoid over {n_out} outputs is not supported; "
                            "use Softmax with one label per row")
    head = choose_head(name, head, n_in, n_out, bool(walk.ending))
    mean, sigma = _spread(walk, n_in)
    network = FloatNetwork(tuple(weights), tuple(biases), head)
    scaling = () if mean is None or sigma is None else (mean, 1 / sigma)
    for values in (*weights, *biases, *scaling):
        if not np.all(np.isfinite(values)):
            raise ImportRefused(f"{name}: NaN or infinity among the weights; train it again")
    return Imported(name, mean, sigma, network, classes=walk.classes)


def _spread(walk: _Walk, n: int) -> tuple[Floats | None, Floats | None]:
    if walk.mean is None or walk.sigma is None:
        return None, None
    return np.broadcast_to(walk.mean, n).copy(), np.broadcast_to(walk.sigma, n).copy()
