# SPDX-License-Identifier: Apache-2.0
"""Two short multiplications give every output of the interpreter, at every threshold."""

import numpy as np
import pytest

from tocsin.kernels.reference_network import requantize
from tools.codegen.plan import make_plan
from tools.codegen.requantise import NotSpecialised, Scale, clips, low_bits, solve
from tools.train.bundle_format import Layer, Model, Network, Scaler


def interpreter(scale, total):
    m = scale.multiplier
    y = scale.zero_point + requantize(total + scale.bias, m >> 16, m & 0xFFFF, scale.exponent)
    return min(max(y, scale.low), scale.high)


def cases(count):
    rng = np.random.default_rng(5)
    for _ in range(count):
        zero = int(rng.integers(-128, 128))
        low = int(rng.integers(-128, zero + 1))
        high = int(rng.integers(zero, 128))
        multiplier = 0 if rng.random() < 0.02 else int(rng.integers(1 << 30, 1 << 31))
        scale = Scale(int(rng.integers(-40000, 40000)), multiplier, int(rng.integers(-12, -2)),
                      zero, low, high)
        limit = int(rng.integers(1, 1 << 18))
        yield scale, -int(rng.integers(0, limit)), int(rng.integers(0, limit))


def test_every_threshold_lies_where_the_interpreter_has_it():
    thresholds = 0
    for scale, least, most in cases(400):
        clip = clips(scale, least, most)
        bits = low_bits([clip])
        output = solve(scale, clip, bits)
        sums = {least, most, 0}
        for y in range(scale.low, scale.high + 2) if scale.multiplier else ():
            sums.update(scale.first(y) + step for step in (-1, 0, 1))
        for total in sums:
            if least <= total <= most:
                assert output.apply(total, bits) == interpreter(scale, total)
                thresholds += 1
    assert thresholds > 30000


def test_low_limbs_stay_within_32_bits():
    """The rest may wrap: the sum of all terms is an int8 and 23 bits of fraction again."""
    for scale, least, most in cases(300):
        clip = clips(scale, least, most)
        bits = low_bits([clip])
        output = solve(scale, clip, bits)
        assert 0 <= output.low < 1 << 16
        assert 0 <= output.high < 1 << 31
        for total in (output.least, output.most):
            assert abs(total * output.low) < 1 << 31


def model(**changes):
    """A regressor of one layer whose parts a test makes unfit for specialising."""
    layer = {"weights": np.array([[5, -7]], np.int8), "bias": np.array([0], np.int32),
             "multiplier": np.array([1 << 30]), "exponent": np.array([-5]), "zero_point": 0,
             "low": -128, "high": 127, **changes}  # fmt: skip
    n = layer["weights"].shape[1]
    network = Network("regressor", 100, 10, 0, (Layer(**layer),))
    scaler = Scaler(np.array([[0, 100, 5]] * n, np.int16))
    return Model({}, [f"f{i}" for i in range(n)], scaler, network=network)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exponent": np.array([1])}, "scale is 1 or more"),
        ({"weights": np.array([[-128, -128]], np.int8)}, "two weights of -128"),
        ({"weights": np.ones((1, 242), np.int8)}, "more than 240 inputs"),
    ],
)
def test_what_generated_code_does_not_do_is_refused(changes, reason):
    assert make_plan(model()).table
    with pytest.raises(NotSpecialised, match=reason):
        make_plan(model(**changes))


def test_a_product_of_packed_words_is_two_products():
    """The rounded upper half, for all signs and the largest weights that are let in."""
    rng = np.random.default_rng(6)
    x = rng.integers(-128, 128, (2000, 2))
    w = rng.integers(-127, 128, (2000, 2))
    x[:4], w[:4] = [[-128, -128], [-128, 127], [127, -128], [127, 127]], [[127, -127]] * 4
    x[4:8], w[4:8] = x[:4], [[-127, -128]] * 4
    packed = (x[:, 0] + (x[:, 1] << 16)) * (w[:, 1] + (w[:, 0] << 16)) & 0xFFFFFFFF
    signed = packed - ((packed & 0x80000000) << 1)
    assert ((signed + 0x8000 >> 16) == (x * w).sum(axis=1)).all()
