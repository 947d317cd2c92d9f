# SPDX-License-Identifier: Apache-2.0
"""Makes firmware_app.json: a small vibration bundle and recordings for the app's contract test.

    .venv/bin/python host_tests/vectors/make_firmware_app.py
"""

import json
from pathlib import Path

import numpy as np

from tools.train import twin
from tools.train.bundle_format import Model
from tools.train.describe import feature_names
from tools.train.pack import pack
from tools.train.quantize import fit_scaler, quantize_clusters, quantize_scaler
from tools.train.score_twin import scale

WINDOW = 128
RATE_HZ = 1000
GOOD, WORN = 24, 16                   # windows in the replayed recording
CHANNEL = {"name": "x", "unit": "m/s^2", "scale": 0.01, "offset": 0.0}


def configuration() -> dict:
    return {
        "window": WINDOW, "hop": WINDOW, "rate_mhz": RATE_HZ * 1000, "interval_ms": None,
        "channels": [CHANNEL], "missing": None, "domain": "waveform",
        "features": [
            {"kind": "band_log2", "channel": 0, "n": WINDOW, "window_fn": "hann",
             "edges": [1, 8, 8, 20, 20, 40, 40, 64]},
            {"kind": "rms_log2", "channel": 0}, {"kind": "kurtosis", "channel": 0}]}


def vibration(rng: np.random.Generator, windows: int, worn: bool) -> np.ndarray:
    """int16 [windows * WINDOW]: a 50 Hz hum in noise; worn: bursts near 400 Hz on top."""
    t = np.arange(windows * WINDOW) / RATE_HZ
    signal = 300 * np.sin(2 * np.pi * 50 * t) + rng.normal(0, 40, len(t))
    if worn:
        signal += 500 * np.sin(2 * np.pi * 400 * t) * (np.sin(2 * np.pi * 17 * t) > 0.7)
    return np.rint(signal).astype(np.int16)


def temperature() -> list[int]:
    """61 samples, one a minute, 0.01 degC: 4 degC, above 8 degC from minute 20 to 45."""
    return [400 if not 20 <= minute < 45 else 950 for minute in range(61)]


def main() -> None:
    rng = np.random.default_rng(11)
    config = configuration()
    frames = vibration(rng, 200, False).reshape(-1, WINDOW, 1)
    features = twin.extract(config, frames)
    scaler = quantize_scaler(*fit_scaler(features))
    z = scale(features, scaler) / 128
    model = Model(
        conf=config, feature_names=[name for name, _ in feature_names(config)], scaler=scaler,
        clusters=quantize_clusters(z.mean(0, keepdims=True), np.array([6.0])),
        provenance={"made_by": "make_firmware_app.py"},
        decision={"smoothing": {"kind": "median", "n": 3}, "vote": {"m": 2, "n": 3}})
    recording = np.concatenate([vibration(rng, GOOD, False), vibration(rng, WORN, True),
                                vibration(rng, GOOD, False)])
    content = {"bundle": pack(model, frames[:2]).hex(), "vibration": recording.tolist(),
               "channel": CHANNEL, "rate_mhz": RATE_HZ * 1000, "window": WINDOW,
               "worn": [GOOD, GOOD + WORN], "temperature": temperature()}
    target = Path(__file__).parent / "firmware_app.json"
    target.write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
