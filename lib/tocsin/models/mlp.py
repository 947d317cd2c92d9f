# SPDX-License-Identifier: Apache-2.0
"""int8 multilayer perceptron with TFLite's scale and zero-point semantics.

Weights per output channel, biases with the input zero point folded in, relu by the clamp. Three
heads: classifier, regressor, autoencoder. Format of the MLPN section: README.md.
"""
import struct
from array import array

from tocsin.kernels import fc_s8, isqrt, quantize_s8
from tocsin.kernels.arrays import need
from tocsin.kernels.fixed import shift_round
from tocsin.models.errors import refuse

CLASSIFIER = 0
REGRESSOR = 1
AUTOENCODER = 2
_HEADER = 24
_LAYER_HEADER = 12
_MAX_LAYERS = 16
_MAX_WIDTH = 1024
_SPAN_SQUARED = 8190 * 8190


class Mlp:
    """Runs the network and turns its output into a score.

    score      Q8 of the last vector. Classifier: 256 where the best faulty class equals the
               normal one, 0 when no class is normal. Regressor: output / edge. Autoencoder:
               reconstruction error / edge
    label      classifier: index of the largest output, else -1
    n_classes  outputs of a classifier, else 0
    head       CLASSIFIER, REGRESSOR or AUTOENCODER
    """

    def __init__(self, view, n_features: int):
        """`view` is the payload of MLPN; slices of it are copied here. Raises `BundleError`."""
        if len(view) < _HEADER:
            refuse("MLPN")
        (layers, self.head, n_in, mult, shift, zero_point, self.normal, self._mult, self._shift,
         self._offset, distance_shift, self._edge_mult, self._edge_shift) = struct.unpack(
            "<BBHHHhhHHhHHH", view[:_HEADER])
        if (n_in != n_features or not 1 <= layers <= _MAX_LAYERS or not 1 <= mult < 32768
                or not 1 <= shift <= 29 or not -128 <= zero_point <= 127):
            refuse("MLPN input")
        self._input = array("h", [n_in, mult, shift, zero_point])
        self._values = [array("b", bytes((n_in + 3) & ~3))]
        self._widths = [n_in]
        self._weights = []
        self._params = []
        at = _HEADER
        for _ in range(layers):
            at = self._read_layer(view, at)
        if at != len(view):
            refuse("MLPN length")
        self._prepare_head(n_in, distance_shift)
        self._z = self  # no vector
        self.score = 0
        self.label = -1

    def _read_layer(self, view, at: int) -> int:
        start = at + _LAYER_HEADER
        if start > len(view):
            refuse("MLPN layer")
        n_in, n_out, zero_point, low, high, _ = struct.unpack("<HHhhhh", view[at:start])
        stride = (n_in + 3) & ~3
        end = start + 9 * n_out
        end += (-end) & 3
        stop = end + stride * n_out
        if (n_in != self._widths[-1] or not 1 <= n_out <= _MAX_WIDTH or stop > len(view)
                or not -128 <= low <= zero_point <= high <= 127):
            refuse("MLPN layer")
        self._values.append(array("b", bytes((n_out + 3) & ~3)))
        self._widths.append(n_out)
        self._zero_point = zero_point
        params = array("i", bytes(32 + 16 * n_out))  # at once: growing would scatter the heap
        params[0], params[1], params[2] = stride, n_out, zero_point
        params[3], params[4] = low, high
        _read_outputs(view, start, stride, n_out, params)
        self._add_layer(view, end, stop, params)
        return stop

    def _add_layer(self, view, at: int, end: int, params):
        """Take a layer: its weights are bytes `at` to `end` of MLPN; `params` are fc_s8's."""
        self._params.append(params)
        self._weights.append(array("b", bytes(view[at:end])))

    def _prepare_head(self, n_in: int, distance_shift: int):
        n_out = self._widths[-1]
        if not 1 <= self._mult < 32768 or not 1 <= self._shift <= 22:
            refuse("MLPN score")
        self.n_classes = 0
        if self.head == CLASSIFIER:
            self.n_classes = n_out
            if n_out < 2 or not -1 <= self.normal < n_out:
                refuse("MLPN classes")
        elif self.head == REGRESSOR:
            if n_out != 1:
                refuse("MLPN regressor")
        else:
            if (self.head != AUTOENCODER or n_out != n_in or distance_shift > 15
                    or n_in * (_SPAN_SQUARED >> distance_shift) >= 1 << 30
                    or not 1 <= self._edge_mult < 16384 or self._edge_shift > 29):
                refuse("MLPN head")
            from tocsin.kernels import dequantize_s8, kmeans
            self._rebuild = dequantize_s8
            self._squared_distance = kmeans
            self._rebuilt = array("h", [0] * n_in)
            self._output = array("h", [n_in, self._mult, self._shift, self._zero_point])
            self._distance = array("i", [0])
            self._distance_params = array("i", [1, n_in, distance_shift, 0, 16384])

    def update(self, z) -> int:
        """Score one vector: z array('h') Q7 of n_features. Returns Q8, 0..32767.

        z is checked when it is another one than before. Raises ArrayError.
        """
        if z is not self._z:
            need("a scaled vector", z, "h", self._widths[0])
            self._z = z
        values = self._values
        quantize_s8(z, self._input, values[0])
        self._run()
        out = values[-1]
        if self.head == CLASSIFIER:
            score = self._classify(out)
        elif self.head == REGRESSOR:
            score = self._offset + shift_round((out[0] - self._zero_point) * self._mult,
                                               self._shift)
        else:
            score = self._reconstruct(z, out)
        self.score = 0 if score < 0 else 32767 if score > 32767 else score
        return self.score

    def _run(self):
        """All layers, from the first of `_values` to the last."""
        values = self._values
        for i in range(len(self._params)):
            fc_s8(values[i], self._weights[i], self._params[i], values[i + 1])

    def _classify(self, out) -> int:
        best = self._faulty(out)
        normal = self.normal
        if normal < 0:
            self.label = best
            return 0
        margin = out[best] - out[normal]
        self.label = normal if margin < 0 or (margin == 0 and normal < best) else best
        return 256 + shift_round(margin * self._mult, self._shift)

    def _faulty(self, out) -> int:
        """The best class other than the normal one, the first of equals."""
        best = 1 if self.normal == 0 else 0
        most = out[best]
        for i in range(best + 1, self.n_classes):
            if out[i] > most and i != self.normal:
                best = i
                most = out[i]
        return best

    def _reconstruct(self, z, out) -> int:
        self._rebuild(out, self._output, self._rebuilt)
        self._squared_distance(z, self._rebuilt, self._distance_params, self._distance)
        return (isqrt(self._distance[0]) * self._edge_mult) >> self._edge_shift

    def contributions(self, z) -> list:
        """How much of the last score each feature accounts for (any unit, none negative).

        Autoencoder: its squared reconstruction error. Else input times gradient of the score
        (Baehrens et al. 2010), the share that raised it. Allocates: for an alarm only.
        """
        if self.head == AUTOENCODER:
            return [(z[i] - self._rebuilt[i]) ** 2 for i in range(len(self._rebuilt))]
        out = self._values[-1]
        slope = [0] * self._widths[-1]
        if self.head == REGRESSOR:
            slope[0] = 1
        elif self.normal >= 0:
            slope[self._faulty(out)] = 1
            slope[self.normal] = -1
        else:
            slope[self.label] = 1
        for i in range(len(self._params) - 1, -1, -1):
            slope = self._gradient(i, slope)
        return [max(0, z[i] * slope[i]) for i in range(len(slope))]

    def _gradient(self, layer: int, slope: list) -> list:
        """Gradient at a layer's inputs from the one at its outputs, up to a positive factor."""
        n_in = self._widths[layer]
        params = self._params[layer]
        weights = self._weights[layer]
        out = self._values[layer + 1]
        hidden = layer < len(self._params) - 1
        top = max(params[8 + 4 * o + 3] for o in range(params[1]))
        below = [0] * n_in
        for o in range(params[1]):
            if slope[o] == 0 or (hidden and out[o] <= params[3]):
                continue
            factor = slope[o] * (params[8 + 4 * o + 1] >> (top - params[8 + 4 * o + 3]))
            for i in range(n_in):
                below[i] += factor * weights[o * params[0] + i]
        while max(max(below), -min(below)) >= 1 << 15:
            below = [value >> 1 for value in below]
        return below


def _read_outputs(view, at: int, n_in: int, n_out: int, params):
    """Fill in bias, multiplier limbs and exponent of each output as `fc_s8` wants them."""
    bias = array("i", bytes(view[at:at + 4 * n_out]))
    multiplier = array("i", bytes(view[at + 4 * n_out:at + 8 * n_out]))
    exponent = array("b", bytes(view[at + 8 * n_out:at + 9 * n_out]))
    for o in range(n_out):
        m = multiplier[o]
        if (not (m == 0 or m >= 1 << 30) or not -29 <= exponent[o] <= 7
                or (n_in * 16384 + abs(bias[o])) << max(exponent[o], 0) >= 1 << 28):
            refuse("MLPN scale")
        k = 8 + 4 * o
        params[k], params[k + 1] = bias[o], m >> 16
        params[k + 2], params[k + 3] = m & 0xFFFF, exponent[o]
