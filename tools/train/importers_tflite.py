# SPDX-License-Identifier: Apache-2.0
"""Reads int8 TFLite files of fully connected layers with their exact scales and zero points.

Understood: FULLY_CONNECTED (int8 activations and weights, per tensor or per channel, int32 bias,
fused NONE, RELU or RELU6), RESHAPE, QUANTIZE before and DEQUANTIZE after, one SOFTMAX, LOGISTIC or
ARG_MAX at the end. Anything else is refused. The inputs are taken as standardised features.
"""
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

from tools.train.bundle_format import Layer, Network
from tools.train.importers import Imported, ImportRefused, choose_head
from tools.train.quantize import (
    MAX_LAYERS,
    MAX_WIDTH,
    Z_ONE,
    FloatNetwork,
    QuantizeError,
    finish_head,
    fold_layer,
    ratio,
)

_USE = "convert a network of Dense layers with ReLU, with full int8 quantisation"
_NAMES = {value: name for name, value in vars(tflite.BuiltinOperator).items()
          if isinstance(value, int)}
_FUSED = {tflite.ActivationFunctionType.NONE: "NONE", tflite.ActivationFunctionType.RELU: "RELU",
          tflite.ActivationFunctionType.RELU6: "RELU6"}
_ENDINGS = ("SOFTMAX", "LOGISTIC", "ARG_MAX")


class _Tensor:
    """Shape, type, quantisation and constant data of one tensor."""

    def __init__(self, model: Any, graph: Any, index: int):
        tensor = graph.Tensors(index)
        self.shape = [int(tensor.Shape(i)) for i in range(tensor.ShapeLength())]
        self.type = tensor.Type()
        self.name = (tensor.Name() or b"").decode("utf-8", "replace")
        self.scales: npt.NDArray[np.float32] = np.zeros(0, np.float32)
        self.zero_points: list[int] = []
        quantization = tensor.Quantization()
        if quantization is not None and quantization.ScaleLength():
            self.scales = np.array([quantization.Scale(i)
                                    for i in range(quantization.ScaleLength())], np.float32)
            self.zero_points = [int(quantization.ZeroPoint(i))
                                for i in range(quantization.ZeroPointLength())]
        buffer = model.Buffers(tensor.Buffer())
        self.data = b"" if buffer.DataLength() == 0 else buffer.DataAsNumpy().tobytes()

    def int8_q(self, name: str) -> tuple[np.float32, int]:
        """(scale, zero point) of an int8 activation."""
        if self.type != tflite.TensorType.INT8 or len(self.scales) != 1:
            raise ImportRefused(f"{name}: tensor {self.name} is not int8 with one scale; {_USE}")
        if not (np.isfinite(self.scales[0]) and self.scales[0] > 0
                and len(self.zero_points) == 1 and -128 <= self.zero_points[0] <= 127):
            raise ImportRefused(f"{name}: tensor {self.name} has a broken scale; convert again")
        return self.scales[0], self.zero_points[0]


class _Reader:
    def __init__(self, name: str, data: bytes):
        self.name = name
        if data[4:8] != b"TFL3":
            raise ImportRefused(f"{name}: not a TFLite file; convert the model again")
        self.model = tflite.Model.GetRootAsModel(data, 0)
        if self.model.SubgraphsLength() != 1:
            raise ImportRefused(f"{name}: {self.model.SubgraphsLength()} subgraphs; {_USE}")
        self.graph = self.model.Subgraphs(0)
        if self.graph.InputsLength() != 1:
            raise ImportRefused(f"{name}: {self.graph.InputsLength()} inputs; {_USE}")
        self.layers: list[Layer] = []
        self.first: tuple[np.float32, int] | None = None
        self.last: tuple[np.float32, int] | None = None
        self.ending = ""

    def tensor(self, index: int) -> _Tensor:
        return _Tensor(self.model, self.graph, index)

    def operator(self, operator: Any) -> str:
        code = self.model.OperatorCodes(operator.OpcodeIndex())
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        return _NAMES.get(number, str(number))

    def walk(self) -> None:
        current = self.graph.Inputs(0)
        for index in range(self.graph.OperatorsLength()):
            operator = self.graph.Operators(index)
            op = self.operator(operator)
            if operator.InputsLength() < 1 or operator.Inputs(0) != current:
                raise ImportRefused(f"{self.name}: operator {op} branches off; {_USE}")
            current = operator.Outputs(0)
            if op == "FULLY_CONNECTED" and not self.ending:
                self.layer(operator)
            elif op in _ENDINGS and self.layers and not self.ending:
                self.ending = op
            elif op == "QUANTIZE" and not self.layers or op in ("RESHAPE", "DEQUANTIZE"):
                continue
            else:
                raise ImportRefused(f"{self.name}: operator {op} is not supported; {_USE}")
        if not self.layers:
            raise ImportRefused(f"{self.name}: no FULLY_CONNECTED layer; {_USE}")

    def layer(self, operator: Any) -> None:
        source = self.tensor(operator.Inputs(0)).int8_q(self.name)
        weights = self.tensor(operator.Inputs(1))
        target = self.tensor(operator.Outputs(0)).int8_q(self.name)
        whole = self.weights(weights)
        n_out, n_in = whole.shape
        bias = np.zeros(n_out, np.int64)
        if operator.InputsLength() > 2 and operator.Inputs(2) >= 0:
            held = self.tensor(operator.Inputs(2))
            if held.type != tflite.TensorType.INT32 or len(held.data) != 4 * n_out:
                raise ImportRefused(f"{self.name}: bias {held.name} is not int32; {_USE}")
            bias = np.frombuffer(held.data, "<i4").astype(np.int64)
        if self.last is not None and self.last != source:
            raise ImportRefused(f"{self.name}: tensor scales differ between layers; convert again")
        fused = self.fused(operator)
        low_high = 127
        if fused == "RELU6":
            low_high = min(127, target[1] + round(6 / float(target[0])))
        # TFLite multiplies per-tensor scales in float32, per-channel ones in float64.
        product = (np.float64(source[0] * weights.scales[0]) if len(weights.scales) == 1
                   else np.float64(source[0]) * weights.scales.astype(np.float64))
        effective = np.broadcast_to(product / np.float64(target[0]), n_out)
        try:
            self.layers.append(fold_layer(whole, bias, effective, source[1], target[1],
                                          fused != "NONE", low_high))
        except QuantizeError as error:
            raise ImportRefused(f"{self.name}: {error}") from None
        if len(self.layers) > 1 and n_in != self.layers[-2].weights.shape[0]:
            raise ImportRefused(f"{self.name}: layer sizes do not follow on; convert again")
        self.first = self.first or source
        self.last = target

    def weights(self, tensor: _Tensor) -> npt.NDArray[np.int8]:
        if tensor.type != tflite.TensorType.INT8 or len(tensor.shape) != 2 or not tensor.data:
            raise ImportRefused(f"{self.name}: weights {tensor.name} are not constant int8 "
                                f"[outputs, inputs]; {_USE}")
        n_out, n_in = tensor.shape
        if not (1 <= n_out <= MAX_WIDTH and 1 <= n_in <= MAX_WIDTH):
            raise ImportRefused(f"{self.name}: a layer of {n_in} x {n_out} is too large (at most "
                                f"{MAX_WIDTH} each way); use a smaller network")
        if len(tensor.data) != n_out * n_in or len(tensor.scales) not in (1, n_out) or any(
                tensor.zero_points) or not np.all(tensor.scales > 0) or not np.all(
                np.isfinite(tensor.scales)):
            raise ImportRefused(f"{self.name}: weights {tensor.name} have no symmetric int8 "
                                f"scales; {_USE}")
        return np.frombuffer(tensor.data, np.int8).reshape(n_out, n_in)

    def fused(self, operator: Any) -> str:
        options = tflite.FullyConnectedOptions()
        table = operator.BuiltinOptions()
        if table is None:
            return "NONE"
        options.Init(table.Bytes, table.Pos)
        if options.WeightsFormat() != 0:
            raise ImportRefused(f"{self.name}: shuffled weights are not supported; {_USE}")
        fused = options.FusedActivationFunction()
        if fused not in _FUSED:
            raise ImportRefused(f"{self.name}: fused activation {fused} is not supported; {_USE}")
        return _FUSED[fused]


def _two_outputs(layer: Layer) -> Layer:
    """A lone logit becomes the second of two; the first is always zero."""
    def before(values: Any) -> Any:
        return np.concatenate([np.zeros_like(values[:1]), values])
    return Layer(before(layer.weights), before(layer.bias), before(layer.multiplier),
                 before(layer.exponent), layer.zero_point, layer.low, layer.high)


def from_tflite(data: bytes, name: str = "model.tflite", head: str | None = None) -> Imported:
    """TFLite bytes -> `Imported` with an exact int8 `Network`. Raises ImportRefused."""
    try:
        reader = _Reader(name, data)
        reader.walk()
    except (struct.error, IndexError, ValueError, TypeError, AttributeError,
            OverflowError, UnicodeDecodeError, MemoryError) as error:
        if isinstance(error, ImportRefused):
            raise
        detail = (str(error) or type(error).__name__).splitlines()[0]
        raise ImportRefused(f"{name}: damaged ({detail}); convert the model again") from None
    assert reader.first is not None and reader.last is not None
    if len(reader.layers) > MAX_LAYERS:
        raise ImportRefused(f"{name}: {len(reader.layers)} layers, at most {MAX_LAYERS}; "
                            "use a smaller network")
    n_in, n_out = reader.layers[0].weights.shape[1], reader.layers[-1].weights.shape[0]
    if reader.ending == "LOGISTIC" and n_out > 1:
        raise ImportRefused(f"{name}: operator LOGISTIC over {n_out} outputs is not supported; "
                            "use SOFTMAX with one label per row")
    head = choose_head(name, head, n_in, n_out, bool(reader.ending))
    layers = reader.layers
    if head == "classifier" and n_out == 1:
        layers = [*layers[:-1], _two_outputs(layers[-1])]
    mult, shift = ratio(1 / (Z_ONE * float(reader.first[0])), 15, 29)
    network = Network(head, mult, shift, reader.first[1], tuple(layers))
    wanted = FloatNetwork((), (), head)
    return Imported(name, network=finish_head(network, wanted, float(reader.last[0])))
