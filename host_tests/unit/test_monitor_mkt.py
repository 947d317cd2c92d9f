# SPDX-License-Identifier: Apache-2.0
"""Mean kinetic temperature in integers against the formula in float64."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.monitor.mkt import MeanKineticTemperature


def formula(centi):
    kelvin = np.asarray(centi, dtype=float) / 100 + 273.15
    return 10000 / -np.log(np.mean(np.exp(-10000 / kelvin))) - 273.15


@settings(max_examples=150)
@given(st.integers(-9000, 8500), st.integers(0, 4000), st.integers(1, 1400), st.integers(0, 9999))
def test_within_two_hundredths_of_a_kelvin(base, spread, count, seed):
    rng = np.random.default_rng(seed)
    centi = np.clip(base + rng.integers(-spread, spread + 1, count), -9000, 8500)
    mkt = MeanKineticTemperature(24)
    for minute, value in enumerate(centi):
        mkt.update(int(value), minute * 60000)
    assert abs(mkt.centi() / 100 - formula(centi)) <= 0.02


def test_full_buckets_and_all_extremes_stay_small_integers():
    mkt = MeanKineticTemperature(720, 30)
    for step in range(40000):
        mkt.update(-9000 if step % 3 else 8500, step)
    assert max(mkt._mantissa) < 1 << 30
    assert abs(mkt.centi() / 100 - formula([-9000, -9000, 8500])) <= 0.02
