# SPDX-License-Identifier: Apache-2.0
"""Make dsp_features.json: what the extractor gives for every kind, on ordinary and extreme frames.

Run from the project root: python host_tests/vectors/make_dsp_features.py
"""

import json
import pathlib
import random
import sys
from array import array

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "lib"))

from tocsin.dsp.features import Extractor  # noqa: E402
from tocsin.dsp.table import MODULE, TABLE, row  # noqa: E402

_SPAN = {"lo": 1, "hi": 33}


def all_kinds() -> list[dict]:
    """One or two configurations of every kind, for windows of 64 samples and more."""
    fft = {"n": 64, "window_fn": "hann"}
    knocks = {"n": 64, "window_fn": "none", "decimation": 2}
    image = {"shape": [7, 9], "grid": [2, 3], "points": 6, "q": 3}
    extra = {
        "band_log2": [
            dict(fft, edges=[0, 3, 3, 9, 9, 33]),
            dict(fft, edges=[2, 20], window_fn="flattop"),
        ],
        "velocity_rms": [dict(fft, lo=2, hi=30, offset=-1500)],
        "velocity_log2": [dict(fft, lo=2, hi=30, offset=-1500)],
        "envelope_band_log2": [dict(knocks, edges=[1, 8, 8, 33])],
        "envelope_lines": [dict(knocks, lines=[[2, 4, 5, 7], [9, 12]])],
        "mean": [{}, {"n": 5, "q": 8}],
        "rms": [{"q": 4}, {"n": 33}],
        "level": [{}, {"n": 5, "q": 3}],
        "change": [{"n": 2, "lag": 40, "q": 1}],
        "deviation": [{"n": 3, "long": 60, "q": 2}],
        "slope": [{"n": 10}, {"n": 64}],
        "range": [{"n": 9}],
        "duty_cycle": [{"n": 50, "on": 300, "off": -300}, {"n": 50, "on": -300, "off": 300}],
        "time_since_change": [{"delta": 500}],
        "ewma": [{"n": 4, "shift": 2, "q": 1}],
        "ewma_deviation": [{"shift": 5}],
        "value": [{}, {"index": -1}],
        "block_means": [{"points": 5, "q": 2}],
        "resample": [{"points": 6}, {"points": 70}],
    }  # fmt: skip
    features = []
    for kind in TABLE:
        module = row({"kind": kind})[MODULE]
        default = {"spectral": dict(fft, **_SPAN), "images": image}.get(module, {})
        for parameters in extra.get(kind, [default]):
            features.append({"kind": kind, "channel": len(features) % 2, **parameters})
    return features


def frames_of(rng: random.Random, window: int) -> list[list[list[int]]]:
    """Two-channel frames: noise, full scale, constants, an impulse, a slope, a tone."""

    def both(make):
        return [[make(i) for i in range(window)] for _ in range(2)]

    return [
        both(lambda i: int(rng.gauss(100, 400))),
        both(lambda i: rng.randint(-32768, 32767)),
        both(lambda i: rng.choice((-32768, 32767))),
        both(lambda i: -32768),
        both(lambda i: 0),
        both(lambda i: 32767 if i == 20 else 0),
        both(lambda i: 500 * i - 16000 + rng.randint(-2, 2)),
        both(lambda i: (20000 if i % 9 < 4 else -20000) + rng.randint(-40, 40)),
        both(lambda i: rng.randint(-1, 1)),
    ]


def case(name: str, config: dict, rng: random.Random, counts: bool) -> dict:
    extractor = Extractor(config)
    channels = len(config["channels"])
    steps = []
    for data in frames_of(rng, config["window"]):
        frames = [array("h", channel) for channel in data[:channels]]
        count = rng.randint(1, config["window"]) if counts else config["window"]
        vector = list(extractor.extract(frames, count))
        steps.append({"frames": data[:channels], "count": count, "vector": vector})
    return {"name": name, "config": config, "steps": steps}


def main() -> None:
    rng = random.Random(20)
    two = [{"name": "x"}, {"name": "y"}]
    spectrum = [
        {"kind": "band_log2", "channel": 0, "edges": [0, 5, 5, 64]},
        {"kind": "centroid", "channel": 0, "lo": 0, "hi": 64},
        {"kind": "peak_frequency", "channel": 0, "lo": 0, "hi": 64},
        {"kind": "peak_log2", "channel": 0, "lo": 0, "hi": 64},
    ]
    cases = [
        case("all kinds", {"window": 64, "channels": two, "features": all_kinds()}, rng, False),
        case("parts", {"window": 70, "channels": two, "features": all_kinds()}, rng, True),
        case(
            "spectra",
            {"window": 64, "domain": "spectrum", "channels": two[:1], "features": spectrum},
            rng,
            False,
        ),
    ]
    path = pathlib.Path(__file__).with_name("dsp_features.json")
    path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
