# SPDX-License-Identifier: Apache-2.0
"""The FFT's precision against numpy's float64, and that of the features made from it."""

import math
from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.board import snr
from tocsin.kernels import fixed, plan, reference


@pytest.mark.parametrize("n", snr.SIZES)
def test_snr_of_sines_and_noise_from_40_lsb_to_full_scale(n):
    for amplitude in (*snr.AMPLITUDES, 64.5, 91, 8373, 11777, 16564):
        for figure in snr.worst(n, amplitude, count=40):
            assert figure >= 65.0


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_any_amplitude_keeps_58_db(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.choice(snr.SIZES))
    amplitude = float(np.exp(rng.uniform(math.log(40), math.log(32767))))
    assert min(snr.worst(n, amplitude, 8, seed)) >= 58.0


def test_small_vibration_on_gravity():
    """40 LSB of vibration on 1 g: the mean comes off before anything is rounded."""
    x = snr.sines(256, 40, 50, np.random.default_rng(3)) + 16384
    assert snr.snr_db(x).min() >= 65.0


@pytest.mark.parametrize("amplitude", (3, 40, 5000, 32000))
def test_moments_formulas(amplitude):
    rng = np.random.default_rng(7)
    out = array("i", bytes(64))
    for _ in range(20):
        n = int(rng.integers(64, 2048))
        x = np.clip(np.round(amplitude / 4 * rng.standard_normal(n)) - 500, -32768, 32767)
        reference.moments(array("h", x.astype(int).tolist()), n, out)
        d = x - x.mean()
        square = d @ d
        total, cubes, fourths = (out[i] * 32768 + out[i + 1] for i in (7, 9, 11))
        assert total * 2.0 ** (-2 * out[5]) == pytest.approx(square, rel=1e-3)
        assert math.sqrt(n) * 2**13 * cubes / total**1.5 == pytest.approx(
            math.sqrt(n) * (d**3).sum() / square**1.5, abs=2e-3
        )
        assert n * 2.0**26 * fourths / total**2 == pytest.approx(
            n * (d**4).sum() / square**2, rel=2e-3
        )
        assert out[13] ** 2 * n / total == pytest.approx((np.abs(d) ** 2).max() * n / square, 1e-3)


def test_teager_of_a_modulated_tone_shows_the_modulation():
    n, decimation = 2048, 8
    t = np.arange(n)
    envelope = 1 + 0.8 * np.sin(2 * np.pi * 16 * t / n)
    x = np.round(6000 * envelope * np.sin(2 * np.pi * 0.21 * t)) + 900
    out = array("h", bytes(2 * n // decimation))
    exponent = reference.teager(array("h", x.astype(int).tolist()), decimation, out, n)
    psi = np.zeros(n)
    d = x - x.mean()
    psi[1:-1] = d[1:-1] ** 2 - d[:-2] * d[2:]
    exact = psi.reshape(-1, decimation).mean(axis=1)
    ours = np.array(out) * 2.0**exponent
    assert np.abs(ours - exact).max() < 2e-4 * exact.max()
    assert np.argmax(np.abs(np.fft.rfft(ours - ours.mean()))) == 16


class TestFixed:
    @given(st.integers(0, 2**30 - 1))
    def test_bit_length_and_isqrt(self, x):
        assert fixed.bit_length(x) == x.bit_length()
        assert fixed.isqrt(x) == math.isqrt(x)

    @given(st.integers(1, 2**30 - 1), st.integers(0, 2**15 - 1))
    def test_log2(self, x, low):
        assert abs(fixed.log2_q8(x) - 256 * math.log2(x)) <= 0.6
        wide = x * 2**15 + low
        assert abs(fixed.log2_q8_wide(x, low) - 256 * math.log2(wide)) <= 0.6

    @given(st.integers(-20000, 7679))
    def test_exp2(self, x):
        exact = 2 ** (x / 256)
        assert abs(fixed.exp2_q8(x) - exact) <= 0.5 + 1e-4 * exact

    @given(st.integers(0, 2**45 - 1), st.integers(1, 2**45 - 1), st.integers(0, 16))
    def test_ratio(self, a, b, q):
        ours = fixed.ratio(a >> 15, a & 32767, b >> 15, b & 32767, q)
        exact = min(a / b * 2**q, 2**30 - 1)
        assert abs(ours - exact) <= 0.51 + exact * 2**-13

    @given(st.integers(0, 2**22 - 1), st.integers(2**12, 2**20))
    def test_fit(self, top, limit):
        s = fixed.fit(top, limit)
        assert s >= -8
        assert top / 2**s < limit
        assert s == -8 or top / 2 ** (s - 1) >= limit

    @given(st.integers(-5000, 5000), st.integers(1, 2048))
    def test_cosine(self, k, n):
        assert abs(plan.cos_q15(k, n) - 32768 * math.cos(2 * math.pi * k / n)) <= 0.5 + 1e-6

    def test_tables_are_what_their_comment_says(self):
        exact = [round(2**14 * math.log2(1 + i / 32)) for i in range(33)]
        assert fixed.LOG2_TABLE.tolist() == exact

    def test_rounding_and_saturation(self):
        assert [fixed.shift_round(x, 1) for x in (-3, -1, 1, 3)] == [-1, 0, 1, 2]
        assert fixed.shift_round(3, -2) == 12
        assert [fixed.sat16(x) for x in (-40000, 5, 40000)] == [-32768, 5, 32767]
        assert [fixed.sat8(x) for x in (-400, 5, 400)] == [-128, 5, 127]
