# SPDX-License-Identifier: Apache-2.0
"""The int8 network equals the TFLite reference interpreter."""
from array import array

import numpy as np
import pytest

from host_tests.unit import models_tflite
from tocsin.kernels.reference_network import fc_s8
from tools.train import score_twin
from tools.train.importers import ImportRefused
from tools.train.importers_tflite import from_tflite

WINDOWS = 10_000
NETWORKS = [((16, 32, 16, 2), True), ((64, 48, 8, 5), False), ((23, 64, 10, 23), True)]


def kernel_outputs(network, rows):
    """Outputs of the device's reference kernel, row by row."""
    results = []
    for row in rows:
        values = array("b", row.tolist())
        for layer in network.layers:
            n_out, n_in = layer.weights.shape
            padding = -n_in % 4
            weights = array("b", np.pad(layer.weights, ((0, 0), (0, padding))).tobytes())
            params = array("i", [n_in + padding, n_out, layer.zero_point, layer.low, layer.high,
                                 0, 0, 0])
            for o in range(n_out):
                mult = int(layer.multiplier[o])
                params.extend([int(layer.bias[o]), mult >> 16, mult & 0xFFFF,
                               int(layer.exponent[o])])
            values.extend([0] * padding)
            out = array("b", [0] * n_out)
            fc_s8(values, weights, params, out)
            values = out
        results.append(list(values))
    return np.array(results)


@pytest.mark.parametrize(("sizes", "per_channel"), NETWORKS)
def test_outputs_equal_the_reference_interpreter(sizes, per_channel):
    rng = np.random.default_rng(sum(sizes))
    data = models_tflite.build(models_tflite.random_layers(rng, sizes, per_channel))
    inputs = rng.integers(-128, 128, (WINDOWS, sizes[0])).astype(np.int8)
    inputs[0], inputs[1] = -128, 127
    wanted = models_tflite.run_reference(data, inputs).astype(np.int64)
    network = from_tflite(data).network
    got = score_twin.run_layers(inputs.astype(np.int64), network)
    difference = np.abs(got - wanted)
    equal = (difference == 0).mean()
    print(f"{'-'.join(map(str, sizes))}: {100 * equal:.3f} % of {wanted.size} outputs equal, "
          f"largest difference {difference.max()}")
    assert equal >= 0.999
    assert difference.max() <= 1
    assert len(np.unique(wanted)) > 100
    subset = kernel_outputs(network, inputs[:60])
    np.testing.assert_array_equal(subset, got[:60])


@pytest.mark.parametrize("exponent", [-29, -20, -9, -1, 0, 3, 7])
def test_twin_equals_the_kernel_at_the_extremes(exponent):
    rng = np.random.default_rng(exponent + 40)
    limit = (1 << 28 >> max(exponent, 0)) - 8 * 16384 - 1
    bias = rng.integers(-limit, limit, 64) >> rng.integers(0, 24, 64)
    layer = score_twin.Layer(
        rng.integers(-127, 128, (64, 8)).astype(np.int8), bias.astype(np.int32),
        np.concatenate([rng.integers(1 << 30, 1 << 31, 62), [1 << 30, 0]]).astype(np.int32),
        np.full(64, exponent, np.int8), -3, -128, 127)
    network = score_twin.Network("classifier", 1, 1, 0, (layer,))
    rows = rng.integers(-128, 128, (50, 8)).astype(np.int8)
    np.testing.assert_array_equal(kernel_outputs(network, rows),
                                  score_twin.run_layers(rows.astype(np.int64), network))


def test_softmax_at_the_end_makes_a_classifier():
    rng = np.random.default_rng(1)
    layers = models_tflite.random_layers(rng, (6, 8, 6))
    assert from_tflite(models_tflite.build(layers)).network.head == "autoencoder"
    assert from_tflite(models_tflite.build(layers, "softmax")).network.head == "classifier"


def test_lone_logit_becomes_two_outputs_with_the_same_decision():
    rng = np.random.default_rng(2)
    data = models_tflite.build(models_tflite.random_layers(rng, (6, 8, 1)))
    network = from_tflite(data, head="classifier").network
    inputs = rng.integers(-128, 128, (500, 6)).astype(np.int8)
    outputs = score_twin.run_layers(inputs.astype(np.int64), network)
    wanted = models_tflite.run_reference(data, inputs)[:, 0]
    np.testing.assert_array_equal(outputs[:, 1], wanted)
    zero_point = network.layers[-1].zero_point
    np.testing.assert_array_equal(outputs.argmax(axis=1), (wanted > zero_point).astype(int))


def test_unsupported_operator_is_named():
    data = models_tflite.build(models_tflite.random_layers(np.random.default_rng(3), (4, 3)),
                               "tanh")
    with pytest.raises(ImportRefused, match="operator TANH is not supported; convert a network"):
        from_tflite(data, "fan.tflite")


def test_other_bytes_are_refused_with_one_line():
    good = bytearray(models_tflite.build(
        models_tflite.random_layers(np.random.default_rng(4), (4, 6, 3))))
    rng = np.random.default_rng(5)
    refused = 0
    for trial in range(400):
        data = bytearray(good)
        if trial % 4 == 0:
            data = data[:int(rng.integers(0, len(data)))]
        else:
            for _ in range(4):
                data[int(rng.integers(8, len(data)))] = int(rng.integers(0, 256))
        try:
            from_tflite(bytes(data), "x.tflite")
        except ImportRefused as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 100
