# SPDX-License-Identifier: Apache-2.0
"""The numpy twin against the device's extractor, bit by bit, on random and extreme input."""

from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tests.vectors.make_dsp_features import all_kinds
from tocsin.dsp.features import Extractor
from tocsin.dsp.framing import Framer
from tools.train import twin

TWO = [{"name": "x"}, {"name": "y"}]


def device(config, frames, counts=None):
    """What the device gives, window by window, as a stream."""
    extractor = Extractor(config)
    buffers = [array("h", bytes(2 * config["window"])) for _ in config["channels"]]
    rows = []
    for i, frame in enumerate(frames):
        for channel, buffer in enumerate(buffers):
            buffer[:] = array("h", frame[:, channel].tolist())
        count = config["window"] if counts is None else int(counts[i])
        rows.append(list(extractor.extract(buffers, count)))
    return np.array(rows, dtype=np.int16).reshape(len(frames), extractor.n_features)


def signal(rng, shape, window):
    """One window of one of many shapes, any int16."""
    t = np.arange(window)[:, None]
    amplitude = 10 ** rng.uniform(0, 4.6)
    x = {
        "noise": lambda: rng.normal(rng.uniform(-2e4, 2e4), amplitude, (window, 2)),
        "uniform": lambda: rng.integers(-32768, 32768, (window, 2)),
        "square": lambda: rng.choice([-32768, 32767], (window, 2)),
        "constant": lambda: np.full((window, 2), rng.choice([-32768, -1, 0, 1, 32767])),
        "few": lambda: rng.integers(-1, 2, (window, 2)),
        "impulse": lambda: (t == rng.integers(window)) * amplitude * rng.choice([-1, 1], 2),
        "walk": lambda: np.cumsum(rng.normal(0, amplitude / 20, (window, 2)), axis=0),
        "tone": lambda: amplitude * np.sin(rng.uniform(0, np.pi) * t + rng.uniform(0, 6, 2)),
        "step": lambda: np.where(t < rng.integers(window), -amplitude, amplitude) + [0, 1],
    }[shape]()
    return np.clip(np.round(x), -32768, 32767).astype(np.int16)


SHAPES = ("noise", "uniform", "square", "constant", "few", "impulse", "walk", "tone", "step")


@given(
    seed=st.integers(0, 2**32 - 1),
    shapes=st.lists(st.sampled_from(SHAPES), min_size=1, max_size=4),
    window=st.sampled_from((64, 65, 100, 127)),
    parts=st.booleans(),
)
def test_every_kind_is_bit_exact(seed, shapes, window, parts):
    rng = np.random.default_rng(seed)
    frames = np.stack([signal(rng, shape, window) for shape in shapes])
    counts = rng.integers(1, window + 1, len(shapes)) if parts else None
    config = {"window": window, "hop": window, "channels": TWO, "features": all_kinds()}
    assert np.array_equal(twin.extract(config, frames, counts), device(config, frames, counts))


@pytest.mark.parametrize("n", [64, 128, 256, 512, 1024, 2048])
@pytest.mark.parametrize("window_fn", ["none", "hann", "flattop"])
def test_every_fft_size_is_bit_exact(n, window_fn):
    rng = np.random.default_rng(n)
    window = n if window_fn == "hann" else n - 3
    shapes = SHAPES if n <= 256 else ("noise", "tone")
    frames = np.stack([signal(rng, shape, window) for shape in shapes])
    fft = {"channel": 1, "n": n, "window_fn": window_fn}
    features = [
        dict(fft, kind="band_log2", edges=[0, 1, 1, 9, 9, n // 2 + 1]),
        dict(fft, kind="velocity_rms", lo=2, hi=n // 2, offset=-2500),
        dict(fft, kind="peak_frequency", lo=0, hi=n // 2 + 1),
    ]
    config = {"window": window, "hop": window, "channels": TWO, "features": features}
    assert np.array_equal(twin.extract(config, frames), device(config, frames))


@pytest.mark.parametrize("shape", SHAPES)
def test_given_spectra_are_bit_exact(shape):
    rng = np.random.default_rng(7)
    frames = np.stack([signal(rng, shape, 50) for _ in range(5)])
    features = [
        {"kind": "band_log2", "channel": 0, "edges": [0, 3, 3, 50]},
        {"kind": "centroid", "channel": 1, "lo": 0, "hi": 50},
        {"kind": "peak_frequency", "channel": 0, "lo": 0, "hi": 50},
        {"kind": "peak_log2", "channel": 0, "lo": 0, "hi": 50},
    ]
    config = {"window": 50, "domain": "spectrum", "channels": TWO, "features": features}
    assert np.array_equal(twin.extract(config, frames), device(config, frames))


def test_state_runs_on_over_chunks():
    rng = np.random.default_rng(3)
    features = [
        {"kind": "ewma", "channel": 0, "shift": 6, "q": 2},
        {"kind": "ewma_deviation", "channel": 0, "shift": 6, "q": -1},
        {"kind": "time_since_change", "channel": 1, "delta": 700},
    ]
    config = {"window": 1024, "hop": 1024, "channels": TWO, "features": features}
    frames = np.repeat(rng.integers(-1000, 1000, (150, 1, 2)), 1024, axis=1).astype(np.int16)
    assert len(frames) > 2 * 64
    assert np.array_equal(twin.extract(config, frames), device(config, frames))


@given(
    seed=st.integers(0, 2**32 - 1),
    length=st.integers(0, 60),
    window=st.integers(1, 12),
    hop=st.integers(1, 15),
    prime=st.booleans(),
    gaps=st.booleans(),
)
def test_windows_are_those_of_the_framer(seed, length, window, hop, prime, gaps):
    rng = np.random.default_rng(seed)
    series = rng.integers(-9, 9, (length, 2)).astype(np.int16)
    if gaps:
        series[rng.random((length, 2)) < 0.3] = -32768
    channels = [{"name": "x", "fill": 5}, {"name": "y"}]
    config = {"window": window, "hop": hop, "prime": prime, "channels": channels}
    config["missing"] = -32768 if gaps else None
    framer = Framer(2, window, hop, config["missing"], [5, 0], prime)
    block = array("h", series.reshape(-1).tolist())
    rows, ends, consumed = [], [], 0
    while consumed < length:
        consumed += framer.feed(block, consumed, min(length - consumed, 7))
        if framer.ready:
            rows.append(np.array(framer.frames).T.copy())
            ends.append(consumed - 1)
            framer.release()
    frames = twin.frames_of(config, series)
    assert np.array_equal(frames, np.array(rows).reshape(-1, window, 2))
    assert twin.window_ends(config, length).tolist() == ends


def test_missing_vector_elements_become_their_fill():
    channels = [{"name": "x", "fill": 42}, {"name": "y"}]
    features = [{"kind": "value", "channel": 0}, {"kind": "value", "channel": 1}]
    config = {"window": 1, "channels": channels, "features": features, "missing": -32768}
    frames = np.array([[[-32768, 3]], [[7, -32768]]], dtype=np.int16)
    assert twin.extract(config, frames).tolist() == [[42, 3], [7, 0]]


def test_frames_of_another_shape_are_refused():
    config = {"window": 4, "channels": TWO, "features": [{"kind": "max"}]}
    with pytest.raises(ValueError, match="4, 2"):
        twin.extract(config, np.zeros((3, 5, 2), np.int16))


def test_twin_makes_20000_windows_per_second_of_one_core():
    assert twin.bench(1.0)["windows_per_s"] >= 20_000
