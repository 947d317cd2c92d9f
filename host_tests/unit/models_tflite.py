# SPDX-License-Identifier: Apache-2.0
"""Builds small int8 TFLite files for the tests, without TensorFlow.

`layer(weights, bias, weight_scales, in_q, out_q, relu)` describes one FULLY_CONNECTED operator,
`build(layers)` returns the flatbuffer. `extra` appends operators that Tocsin must refuse.
"""
import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema


def layer(weights, bias, weight_scales, in_q, out_q, relu):
    """weights int8 [n_out, n_in], bias int32 [n_out], weight_scales [n_out] or [1],
    in_q and out_q (scale, zero point) of the activations."""
    return {
        "weights": np.asarray(weights, np.int8), "bias": np.asarray(bias, np.int32),
        "weight_scales": np.asarray(weight_scales, np.float32),
        "in_q": in_q, "out_q": out_q, "relu": relu,
    }


def _quantization(scales, zero_points, dimension=0):
    q = schema.QuantizationParametersT()
    q.scale = np.asarray(scales, np.float32)
    q.zeroPoint = np.asarray(zero_points, np.int64)
    q.quantizedDimension = dimension
    return q


class _Graph:
    def __init__(self):
        self.buffers = [schema.BufferT()]
        self.tensors = []
        self.codes = []
        self.operators = []

    def tensor(self, name, shape, kind, quantization=None, data=None):
        tensor = schema.TensorT()
        tensor.name = name
        tensor.shape = np.asarray(shape, np.int32)
        tensor.type = kind
        tensor.quantization = quantization
        tensor.buffer = 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            tensor.buffer = len(self.buffers)
            self.buffers.append(buffer)
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def operator(self, code, inputs, outputs, options=None, options_type=0, version=1):
        if code not in self.codes:
            self.codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = self.codes.index(code)
        operator.inputs = np.asarray(inputs, np.int32)
        operator.outputs = np.asarray(outputs, np.int32)
        operator.builtinOptionsType = options_type
        operator.builtinOptions = options
        self.operators.append(operator)

    def finish(self, inputs, outputs):
        subgraph = schema.SubGraphT()
        subgraph.tensors = self.tensors
        subgraph.inputs = np.asarray(inputs, np.int32)
        subgraph.outputs = np.asarray(outputs, np.int32)
        subgraph.operators = self.operators
        model = schema.ModelT()
        model.version = 3
        model.subgraphs = [subgraph]
        model.buffers = self.buffers
        model.operatorCodes = []
        for code in self.codes:
            entry = schema.OperatorCodeT()
            entry.builtinCode = code
            entry.deprecatedBuiltinCode = min(code, 127)
            entry.version = 5 if code == schema.BuiltinOperator.FULLY_CONNECTED else 1
            model.operatorCodes.append(entry)
        builder = flatbuffers.Builder(4096)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def build(layers, extra=None):
    """The TFLite file of a chain of fully connected int8 layers, batch 1."""
    graph = _Graph()
    first = layers[0]
    current = graph.tensor(
        "input", [1, first["weights"].shape[1]], schema.TensorType.INT8,
        _quantization([first["in_q"][0]], [first["in_q"][1]]))
    graph_input = current
    for index, entry in enumerate(layers):
        n_out, n_in = entry["weights"].shape
        scales = entry["weight_scales"]
        weights = graph.tensor(
            "w%d" % index, [n_out, n_in], schema.TensorType.INT8,
            _quantization(scales, [0] * len(scales)), entry["weights"])
        bias_scales = scales * np.float32(entry["in_q"][0])
        bias = graph.tensor(
            "b%d" % index, [n_out], schema.TensorType.INT32,
            _quantization(bias_scales, [0] * len(scales)), entry["bias"])
        output = graph.tensor(
            "y%d" % index, [1, n_out], schema.TensorType.INT8,
            _quantization([entry["out_q"][0]], [entry["out_q"][1]]))
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = (
            schema.ActivationFunctionType.RELU if entry["relu"]
            else schema.ActivationFunctionType.NONE)
        graph.operator(
            schema.BuiltinOperator.FULLY_CONNECTED, [current, weights, bias], [output], options,
            schema.BuiltinOptions.FullyConnectedOptions)
        current = output
    if extra == "softmax":
        n_out = layers[-1]["weights"].shape[0]
        output = graph.tensor("probabilities", [1, n_out], schema.TensorType.INT8,
                              _quantization([1 / 256], [-128]))
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
        graph.operator(schema.BuiltinOperator.SOFTMAX, [current], [output], options,
                       schema.BuiltinOptions.SoftmaxOptions)
        current = output
    elif extra == "tanh":
        n_out = layers[-1]["weights"].shape[0]
        output = graph.tensor("squashed", [1, n_out], schema.TensorType.INT8,
                              _quantization([1 / 128], [0]))
        graph.operator(schema.BuiltinOperator.TANH, [current], [output])
        current = output
    return graph.finish([graph_input], [current])


def random_layers(rng, sizes, per_channel=True):
    """Random layers with realistic scales: activations spread over int8, some saturation."""
    layers = []
    in_q = (float(np.float32(rng.uniform(0.01, 0.06))), int(rng.integers(-20, 20)))
    for index in range(len(sizes) - 1):
        n_in, n_out = sizes[index], sizes[index + 1]
        relu = index < len(sizes) - 2
        count = n_out if per_channel else 1
        weight_scales = rng.uniform(0.002, 0.02, count).astype(np.float32)
        weights = rng.integers(-127, 128, (n_out, n_in))
        spread = 60 * 60 * np.sqrt(n_in) * float(weight_scales.mean()) * in_q[0]
        out_scale = float(np.float32(spread * rng.uniform(2.0, 4.0) / 128))
        zero_point = -128 if relu else int(rng.integers(-30, 30))
        bias = rng.integers(-4000, 4000, n_out)
        layers.append(layer(weights, bias, weight_scales, in_q, (out_scale, zero_point), relu))
        in_q = (out_scale, zero_point)
    return layers


def run_reference(data, inputs):
    """Outputs int8 [n, n_out] of the TFLite reference kernels for int8 inputs [n, n_in]."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    source = interpreter.get_input_details()[0]["index"]
    sink = interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(source, inputs.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source, inputs)
    interpreter.invoke()
    return interpreter.get_tensor(sink)
