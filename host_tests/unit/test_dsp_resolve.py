# SPDX-License-Identifier: Apache-2.0
"""Templates in people's units become integer configurations, or one line that says what to do."""

import pytest

from tools.train.resolve import ResolveError, check_match, describe, feature_names, resolve


def facts(**changes):
    channels = [
        {"name": "x", "unit": "g", "scale": 0.001, "offset": 0.0},
        {"name": "t", "unit": "degC", "scale": 0.01, "offset": 20.0},
    ]
    return {"channels": channels, "rate_hz": 1000.0, "domain": "waveform", **changes}


def template(*features, **changes):
    return {"window": {"samples": 256}, "features": list(features), **changes}


def test_wildcard_covers_every_channel_and_names_tell_the_band():
    config = resolve(template({"kind": "band_log2", "bands": 4}), facts())
    assert [f["channel"] for f in config["features"]] == [0, 1]
    names = [name for name, _ in feature_names(config)]
    assert names[0] == "x 3.906-125 Hz"
    assert names[7] == "t 375-500 Hz"
    assert config["features"][0]["edges"] == [1, 32, 32, 64, 64, 96, 96, 128]


def test_named_channels_and_several_kinds():
    config = resolve(template({"kinds": ["rms", "kurtosis"], "channels": ["t"]}), facts())
    assert feature_names(config) == [("t rms", "degC"), ("t kurtosis", "")]


@pytest.mark.parametrize(
    ("spec", "edges"),
    [
        ({"bands": {"n": 3, "spacing": "octave"}}, [1, 32, 32, 64, 64, 128]),
        ({"bands": 3, "scale": "octave", "high": 250}, [1, 16, 16, 32, 32, 65]),
        ({"bands": 7, "scale": "log"}, [1, 2, 2, 4, 4, 8, 8, 16, 16, 32, 32, 64, 64, 128]),
        ({"bands": [[100, 200], [0.5, 499]]}, [26, 52, 1, 128]),
        ({"bands": 2, "low": 100, "high": 200}, [26, 39, 39, 52]),
    ],
)
def test_band_scales(spec, edges):
    config = resolve(template(dict(spec, kind="band_log2", channels="x")), facts())
    assert config["features"][0]["edges"] == edges


def test_seconds_become_samples():
    slow = facts(rate_hz=None, interval_s=60.0, domain="slow")
    spec = {"kind": "level", "channels": "t", "n": {"seconds": 600}}
    config = resolve(template(spec, window={"seconds": 3600}, hop={"seconds": 60}), slow)
    assert (config["window"], config["hop"], config["features"][0]["n"]) == (60, 1, 10)
    assert feature_names(config) == [("t level 10 min", "degC")]
    assert config["interval_ms"] == 60000


def test_unknown_rate_counts_in_cycles_per_sample():
    unknown = facts(rate_hz=None)
    spec = {"kind": "band_log2", "channels": "x", "bands": 1, "low": 0.1, "high": 0.2}
    config = resolve(template(spec), unknown)
    assert config["features"][0]["edges"] == [26, 52]
    assert feature_names(config)[0][0].endswith("cycles/sample")
    with pytest.raises(ResolveError, match="cycles/sample"):
        resolve(template(dict(spec, low=10, high=100)), unknown)


def test_physical_values_of_outputs():
    spec = [{"kind": "mean"}, {"kind": "peak_frequency"}, {"kind": "rms_log2"}]
    config = resolve(template(*[dict(s, channels="t") for s in spec]), facts())
    mean, peak, rms = describe(config)
    assert (mean["scale"], mean["offset"]) == (0.01, 20.0)
    assert peak["scale"] * 16 == pytest.approx(1000 / 256)
    assert 2048 * rms["scale"] + rms["offset"] == pytest.approx(-40)
    assert rms["unit"] == "dB re 1 degC"
    assert mean["text"] == "mean"


def test_thresholds_become_stored_samples():
    spec = {"kind": "duty_cycle", "channels": "t", "on": 25.0, "off": 22.5}
    config = resolve(template(spec), facts())
    assert (config["features"][0]["on"], config["features"][0]["off"]) == (500, 250)
    part = {"channel": "t", "start": 21, "stop": 20.5, "hold": 3}
    config = resolve(template({"kind": "max"}, part=part), facts())
    assert config["part"] == {"channel": 1, "start": 100, "stop": 50, "hold": 3}


def test_parts_take_the_length_of_the_data():
    config = resolve({"features": [{"kind": "block_means", "points": 5}]}, facts(length=77))
    assert config["window"] == 77
    assert len(feature_names(config)) == 10


def test_features_that_a_channel_cannot_give_are_skipped_if_the_template_says_so():
    spec = {"kind": "velocity_rms", "low": 10, "high": 400, "if_possible": True}
    config = resolve(template(spec), facts())
    assert feature_names(config) == [("x velocity rms", "mm/s")]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"kind": "velocity_rms"}, "acceleration unit"),
        ({"kind": "velocity_rms", "channels": "x", "low": 1}, "1000 samples"),
        ({"kind": "band_log2", "low": 300, "high": 200}, "below high"),
        ({"kind": "band_log2", "low": 600}, "highest frequency"),
        ({"kind": "band_log2", "bands": 200}, "longer window or fewer bands"),
        ({"kind": "band_log2", "low": 100, "high": 101}, "longer window"),
        ({"kind": "band_log2", "bands": 0}, "bands must be"),
        ({"kind": "band_log2", "scale": "mel"}, "linear, octave, log"),
        ({"kind": "band_log2", "n": 100}, "power of two"),
        ({"kind": "band_log2", "window_fn": "kaiser"}, "none, hann or flattop"),
        ({"kind": "wobble"}, "wobble"),
        ({"kind": "rms", "channels": ["z"]}, "x, t"),
        ({"kind": "level", "n": 300}, "256"),
        ({"kind": "duty_cycle"}, '"on" and "off"'),
        ({"kind": "ewma"}, "time_constant"),
        ({"kind": "image_means"}, "image_shape"),
        ({"kind": "envelope_lines", "lines_hz": {"gear": 900}}, "gear at 900 Hz"),
        ({"kind": "envelope_lines"}, "bearing"),
        ({"kind": "envelope_lines", "bearing": {"balls": 9}, "shaft_hz": 1}, "ball_diameter"),
    ],
)
def test_what_does_not_fit_is_refused_with_one_line(spec, words):
    with pytest.raises(ResolveError) as caught:
        resolve(template(spec), facts())
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "about", "words"),
    [
        ({"rate_hz": 2000}, {}, "2000 Hz"),
        ({"window": {"seconds": 1}}, {"rate_hz": None}, "rate is unknown"),
        ({"window": "part"}, {}, "no parts"),
        ({}, {"length": 100}, "longer than a part"),
        ({"window": {"samples": 2.5}}, {}, "window"),
        ({"hop": {"overlap": 1}}, {}, "overlap"),
        ({"features": []}, {}, "no feature"),
    ],
)
def test_windows_and_rates_that_do_not_fit_are_refused(changes, about, words):
    with pytest.raises(ResolveError, match=words):
        resolve(template({"kind": "max"}, **changes), facts(**about))


def test_data_of_another_rate_or_shape_does_not_match_a_model():
    config = resolve(template({"kind": "max"}), facts())
    check_match(config, facts())
    for about, words in (
        ({"rate_hz": 500.0}, "500 Hz"),
        ({"rate_hz": None}, "unknown"),
        ({"channels": facts()["channels"][:1]}, "1 channels"),
        ({"domain": "slow"}, "slow"),
    ):
        with pytest.raises(ResolveError, match=words):
            check_match(config, facts(**about))
