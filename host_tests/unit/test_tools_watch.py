# SPDX-License-Identifier: Apache-2.0
"""Watched features are there for alarms and change no score; velocity where the data allow it."""

from array import array

import numpy as np
import pytest

from host_tests.unit import tools_sets
from tocsin.models.bundle import parse
from tocsin.models.scorer import Scorer
from tools import datasets
from tools.train import describe, fit, quantize, score_twin, template, watch
from tools.train.evaluate import evaluate

WATCHED = {"kind": "velocity_rms", "watch": True}


def quick(name="vibration", watched=True, **changes):
    """A template with a small classifier, with or without what it only watches."""
    text = template.load(name).text
    views = [dict(view) for view in text["views"]]
    if "features" in views[0] and not watched:
        views[0]["features"] = [f for f in views[0]["features"] if not f.get("watch")]
    return template.Template(name, {**text, "views": views, **changes})


def same_scores(data, **changes):
    """Train with and without watched features; both models and their scores of the windows."""
    result = []
    for watched in (True, False):
        trained = fit.train(data, quick(watched=watched, **changes))[0]
        recordings = data.training(trained.key)
        found = fit.compute(trained.config, recordings, exact=True)
        result.append((trained, found, score_twin.score(trained.model, found.vectors)))
    (more, windows, a), (less, fewer, b) = result
    assert more.model.n_features > less.model.n_features
    assert a.score.tolist() == b.score.tolist()
    assert a.label.tolist() == b.label.tolist()
    exact = [
        score_twin.score_float(t.exact, w.exact, t.model.decision)[0]
        for t, w in ((more, windows), (less, fewer))
    ]
    np.testing.assert_allclose(exact[0], exact[1], atol=1e-9)
    return more, windows, a


@pytest.mark.parametrize("changes", [{}, {"budget": 8}])
def test_a_watched_feature_changes_no_score_of_the_detector(tmp_path, changes):
    data = datasets.load(tools_sets.motor(tmp_path / "motor"))
    trained, windows, scores = same_scores(data, **changes)
    mask = watch.scored(trained.config)
    assert (~mask).sum() == 2
    assert (scores.z[:, ~mask] == 0).all() and (scores.z[:, mask] != 0).any()
    assert windows.vectors[:, ~mask].min() > 0


def test_a_watched_feature_changes_no_score_without_whitening(tmp_path):
    data = datasets.load(tools_sets.motor(tmp_path / "motor"))
    detector = {**template.load("vibration").detector, "whiten_up_to": 10}
    trained, _, _ = same_scores(data, detector=detector)
    assert trained.model.projection is None


@pytest.mark.parametrize("candidate", [
    {"forest": "random", "trees": 12, "depth": 4, "leaves": 8},
    {"mlp": [8], "alpha": 0.1, "epochs": 60},
])  # fmt: skip
def test_a_watched_feature_changes_no_class(tmp_path, candidate):
    data = datasets.load(classes(tmp_path / "set"))
    trained, windows, _ = same_scores(data, classifier=[candidate])
    network = trained.model.network or trained.model.forest
    assert network is not None
    sections = trained.bundle(data.training(trained.key))
    assert parse(sections).n_features == windows.vectors.shape[1]


def classes(folder):
    """Streams of a healthy and a faulty machine, labelled by class."""
    rng = np.random.default_rng(5)
    arrays, recordings = {}, []
    for i in range(6):
        label = "worn" if i % 2 else "good"
        arrays[f"r{i}.npy"] = tools_sets.vibration(rng, 8192, 600 if i % 2 else 0)
        recordings.append(
            {"file": f"r{i}.npy", "label": label, "split": "train", "group": f"g{i // 2}"}
        )
    return tools_sets.write(folder, {
        "kind": "vibration", "task": "classification", "rate_hz": 1000.0, "normal_label": "good",
        "channels": tools_sets.channels("x", "y"), "recordings": recordings}, arrays)  # fmt: skip


def test_a_watched_feature_is_no_reason(tmp_path):
    data = datasets.load(tools_sets.motor(tmp_path / "motor"))
    trained = fit.train(data, quick())[0]
    scorer = Scorer(parse(trained.bundle(data.training(trained.key))))
    names = trained.model.feature_names
    watched = [names.index("x velocity rms to 500 Hz"), names.index("y velocity rms to 500 Hz")]
    vector = array("h", [32767 if i in watched else 0 for i in range(len(names))])
    scorer.score(vector)
    reasons = [index for index, _ in scorer.reasons(len(vector))]
    assert reasons and not set(reasons) & set(watched)


def test_figures_are_those_without_watched_features(tmp_path):
    data = datasets.load(tools_sets.motor(tmp_path / "motor"))
    with_, without = (evaluate(data, quick(watched=w)) for w in (True, False))
    assert with_["integer"] == without["integer"]
    assert with_["float"] == without["float"]


def velocity_names(rate_hz, unit="g", shortest=100_000, length=None):
    facts = {
        "channels": tools_sets.channels("x", unit=unit), "rate_hz": rate_hz, "interval_s": None,
        "domain": "waveform", "length": length, "missing": None, "ranges": None, "fill": None,
        "image_shape": None,
    }  # fmt: skip
    config = template.configure(template.load("vibration"), facts, shortest)
    return [d["name"] for d in describe.describe(config) if d["kind"] == "velocity_rms"]


def test_the_vibration_template_gives_velocity_where_rate_window_and_unit_allow_it():
    assert velocity_names(3200.0) == ["x velocity rms"]
    assert velocity_names(5120.0) == ["x velocity rms"]
    assert velocity_names(5200.0) == []
    assert velocity_names(3200.0, shortest=256) == []
    assert velocity_names(3200.0, unit="V") == []
    assert velocity_names(None) == []
    assert velocity_names(15.0) == []


def test_a_narrower_velocity_band_is_in_the_name():
    assert velocity_names(2000.0) == ["x velocity rms"]
    assert velocity_names(1000.0) == ["x velocity rms to 500 Hz"]


def test_velocity_is_in_mm_per_s():
    t = np.arange(512 * 20) / 3200
    wave = np.round(np.sin(2 * np.pi * 100 * t) / 0.001).astype(np.int16)[:, None]
    recording = datasets.Recording("r", wave)
    data = datasets.DataSet(
        "s", "vibration", "anomaly", (datasets.Channel("x", "g", 0.001),), (recording,),
        rate_hz=3200.0,
    )  # fmt: skip
    config = template.configure(template.load("vibration"), data.facts([recording]), len(wave))
    at = [d["name"] for d in describe.describe(config)].index("x velocity rms")
    found = fit.compute(config, [recording]).vectors[:, at] / 256
    expected = 9806.65 / (2 * np.pi * 100) / np.sqrt(2)
    assert np.abs(found / expected - 1).max() < 0.02


def test_an_infinite_sigma_gives_a_multiplier_of_zero():
    scaler = quantize.quantize_scaler([100.0, 5.0], [2.0, np.inf])
    assert scaler.params[1].tolist() == [5, 0, 1]
    z = score_twin.scale(np.array([[300, 32767], [0, -32768]], np.int16), scaler)
    assert (z[:, 1] == 0).all() and (z[:, 0] != 0).all()
