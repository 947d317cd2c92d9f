# SPDX-License-Identifier: Apache-2.0
"""Features against what physics and float64 say they are."""

import math

import numpy as np
import pytest

from tocsin.dsp.table import Q, row
from tools.train import twin
from tools.train.resolve import resolve

RATE = 8192.0


def facts(unit="g", scale=0.001, rate=RATE):
    channel = {"name": "x", "unit": unit, "scale": scale, "offset": 0.0}
    return {"channels": [channel], "rate_hz": rate, "interval_s": None, "domain": "waveform"}


def tone(hertz, amplitude, n=2048, rate=RATE):
    t = np.arange(n) / rate
    x = amplitude * np.sin(2 * math.pi * hertz * t + 0.3)
    return np.round(x).astype(np.int16)[None, :, None]


def values(features, x, **about):
    config = resolve({"window": {"samples": x.shape[1]}, "features": features}, facts(**about))
    q = [row(feature)[Q] for feature in config["features"]]
    return twin.extract(config, x)[0] / 2.0 ** np.array(q)


@pytest.mark.parametrize("window_fn", ["none", "hann", "flattop"])
@pytest.mark.parametrize("amplitude", [40, 1000, 32000])
def test_band_energy_is_the_mean_square_of_a_tone(window_fn, amplitude):
    feature = {"kind": "band_log2", "bands": [[900, 1100]], "window_fn": window_fn}
    [octaves] = values([feature], tone(1000, amplitude))
    assert octaves == pytest.approx(8 + math.log2(amplitude**2 / 2), abs=0.02)


def test_bands_add_up_to_the_mean_square_of_noise():
    x = np.random.default_rng(2).normal(0, 500, (1, 2048, 1)).astype(np.int16)
    features = [{"kind": "band_log2", "bands": 8}, {"kind": "rms_log2"}]
    config = resolve({"window": {"samples": 2048}, "features": features}, facts())
    octaves = twin.extract(config, x)[0] / 256
    assert math.log2(sum(2.0 ** octaves[:8])) == pytest.approx(octaves[8], abs=0.1)


@pytest.mark.parametrize("length", [1500, 2048])
@pytest.mark.parametrize("hertz", [20.0, 160.0, 900.0])
def test_velocity_is_acceleration_over_angular_frequency(hertz, length):
    """1 g of peak acceleration at f hertz is 9806.65 / (2 pi f) mm/s of peak velocity."""
    x = tone(hertz, 4000, length)
    got, log2 = values([{"kinds": ["velocity_rms", "velocity_log2"]}], x)
    want = 4 * 9806.65 / (2 * math.pi * hertz) / math.sqrt(2)
    assert got == pytest.approx(min(want, 127.99), rel=0.03)
    assert log2 - 16 == pytest.approx(2 * math.log2(want), abs=0.15)


def test_velocity_leaves_out_what_is_outside_10_to_1000_hz():
    [got] = values([{"kind": "velocity_rms"}], tone(1500, 20000))
    assert got < 0.02


def test_peak_frequency_finds_a_line_between_two_bins():
    [bin_] = values([{"kind": "peak_frequency"}], tone(1001.3, 5000))
    assert bin_ * RATE / 2048 == pytest.approx(1001.3, abs=0.1 * RATE / 2048)


def test_centroid_of_a_tone_is_its_frequency():
    [bin_] = values([{"kind": "centroid"}], tone(512, 20000))
    assert bin_ * RATE / 2048 == pytest.approx(512, abs=2)


def test_moments_of_a_tone():
    kinds = ["rms", "peak_to_peak", "crest_factor", "skewness", "kurtosis", "zero_crossings"]
    x = tone(64, 1000) + np.int16(12345)
    rms, span, crest, skew, kurtosis, crossings = values([{"kinds": kinds}], x)
    assert rms == pytest.approx(1000 / math.sqrt(2), abs=1)
    assert span == pytest.approx(2000, abs=2)
    assert crest == pytest.approx(math.sqrt(2), abs=0.01)
    assert skew == pytest.approx(0, abs=0.01)
    assert kurtosis == pytest.approx(1.5, abs=0.01)
    assert crossings == pytest.approx(2 * 64 * 2048 / RATE, abs=1)


def test_knocks_show_at_their_rate_whatever_rings():
    """Decaying 3 kHz bursts, 100 a second, in noise: the line at 100 Hz, not at 77 Hz."""
    rng = np.random.default_rng(4)
    t = np.arange(2048)
    since = t % (RATE / 100) / RATE
    x = 3000 * np.exp(-since * 800) * np.sin(2 * math.pi * 3000 * since) + rng.normal(0, 100, 2048)
    frame = np.round(x).astype(np.int16)[None, :, None]
    lines = {"knock": 100.0, "other": 77.0}
    feature = {"kind": "envelope_lines", "lines_hz": lines, "decimation": 8, "harmonics": 3}
    knock, other = values([feature], frame)
    assert knock > other + 5


def test_bearing_lines_come_from_its_geometry():
    bearing = {"balls": 9, "ball_diameter": 7.94, "pitch_diameter": 39.04}
    feature = {"kind": "envelope_lines", "bearing": bearing, "speed_rpm": 1797, "decimation": 8}
    config = resolve({"window": {"samples": 2048}, "features": [feature]}, facts())
    [resolved] = config["features"]
    assert resolved["labels"] == ["bpfo", "bpfi", "bsf", "ftf"]
    width = RATE / (8 * resolved["n"])
    bpfo = resolved["lines"][0]
    assert bpfo[0] * width < 107.36 < bpfo[1] * width


def slow(feature, levels):
    channel = {"name": "t", "unit": "degC", "scale": 0.01, "offset": 0.0}
    about = {"channels": [channel], "interval_s": 60, "domain": "slow"}
    config = resolve({"window": {"samples": len(levels)}, "features": [feature]}, about)
    x = np.array(levels, dtype=np.int16)[None, :, None]
    return int(twin.extract(config, x)[0, 0])


def test_slope_is_the_fitted_change_over_its_samples():
    ramp = [100 + 7 * i for i in range(60)]
    assert slow({"kind": "slope", "n": 10}, ramp) == 70
    assert slow({"kind": "slope", "n": 60}, ramp) == pytest.approx(420, abs=4)
    assert slow({"kind": "slope", "n": {"seconds": 600}}, [5] * 60) == 0


def test_change_and_deviation_look_back():
    step = [0] * 50 + [100] * 10
    assert slow({"kind": "change", "lag": 9}, step) == 0
    assert slow({"kind": "change", "lag": 10}, step) == 100
    assert slow({"kind": "deviation", "long": 20}, step) == 50


def test_duty_cycle_has_hysteresis():
    wave = [0, 300, 150, 150, 0, 300, 150, 0]
    assert slow({"kind": "duty_cycle", "on": 2.5, "off": 0.5}, wave) == 4096 * 5 // 8
    assert slow({"kind": "duty_cycle", "on": 0.5, "off": 2.5}, wave) == 4096 * 3 // 8


def test_linear_features_carry_the_bits_their_channel_leaves_room_for():
    x = np.array([1, 2, 2, 2], dtype=np.int16)[None, :, None]
    about = dict(facts(), ranges=[[-2, 2]])
    config = resolve({"window": "part", "features": [{"kind": "mean"}]}, dict(about, length=4))
    assert config["features"][0]["q"] == 8
    assert twin.extract(config, x)[0, 0] == 7 * 256 // 4
    wide = dict(about, length=4, ranges=[[-30000, 30000]])
    config = resolve({"window": "part", "features": [{"kind": "range", "n": 4}]}, wide)
    assert config["features"][0]["q"] == -1
    x = np.array([-32768, 0, 0, 32767], dtype=np.int16)[None, :, None]
    assert twin.extract(config, x)[0, 0] == 32767


@pytest.mark.parametrize("amplitude", [40, 3000])
def test_float_twin_differs_by_rounding_only(amplitude):
    """Bands of noise within 1/64 octave, shapes within 1 %, over 200 windows."""
    x = np.random.default_rng(5).normal(50, amplitude, (200, 256, 1)).astype(np.int16)
    features = [
        {"kind": "band_log2", "bands": 16},
        {"kinds": ["rms_log2", "std_log2", "rms", "crest_factor", "kurtosis"]},
        {"kind": "velocity_log2", "low": 100, "high": 1000},
        {"kind": "envelope_band_log2", "bands": 4, "decimation": 4},
    ]
    config = resolve({"window": {"samples": 256}, "features": features}, facts())
    exact, ideal = twin.extract(config, x), twin.extract_float(config, x)
    assert np.abs(exact - ideal)[:, :18].max() <= 4
    assert np.abs(exact - ideal)[:, 18:21].max() <= 9
    assert np.median(np.abs(exact - ideal)[:, 21:]) <= 2
