# SPDX-License-Identifier: Apache-2.0
"""Training and evaluation on small synthetic sets: every task, integers against floats."""

import json

import numpy as np
import pytest

from host_tests.unit import tools_sets
from tocsin.config.schema import validate
from tocsin.models.bundle import parse
from tocsin.models.selftest import verify
from tools import datasets
from tools.train import (
    classifier,
    describe,
    detector,
    evaluate,
    fit,
    report,
    template,
    thresholds,
    watch,
    windows,
)
from tools.train.bundle_format import decode
from tools.train.template import TemplateError

SETTINGS = template.load("vibration").detector
QUICK = [{"forest": "random", "trees": 8, "depth": 6}, {"mlp": [8], "alpha": 0.1, "epochs": 60}]


def quick(name):
    return template.load(name).with_classifiers(QUICK)


def test_anomaly_set_is_learnt_and_integers_follow_the_floats(tmp_path):
    data = datasets.load(tools_sets.motor(tmp_path / "motor"))
    result = evaluate.evaluate(data, template.load("vibration"))
    assert result["integer"]["recording_auc"] == 1.0
    assert result["integer"]["window_auc"] > 0.99
    assert result["integer"]["alarm_rate_normal"] <= 0.1
    assert result["integer"]["false_alarms_per_hour"] == 0
    assert result["integer"]["detection_delay_s"] < 3
    for figure in ("recording_auc", "window_auc", "alarm_rate_normal", "alarm_rate_anomalous"):
        assert result["integer"][figure] == pytest.approx(result["float"][figure], abs=0.01)
    assert result["baseline"]["detector"] == "mahalanobis"
    assert report.verdict(result) == "reached"


def test_classification_leaves_leaky_channels_out_and_reports_both(tmp_path):
    data = datasets.load(tools_sets.curves(tmp_path / "curves"))
    result = evaluate.evaluate(data, quick("quality"))
    assert result["integer"]["balanced_accuracy"] > 0.95
    assert result["integer"]["normal_only_auc"] > 0.95
    assert result["integer"]["auc"] == pytest.approx(result["float"]["auc"], abs=0.01)
    assert result["with_leaky_channels"]["integer"]["balanced_accuracy"] > 0.95
    assert result["targets"]["size"]["integer"]["balanced_accuracy"] > 0.5
    assert result["models"][0]["features"] == 48 + 7
    assert len(result["models"][0]["trials"]) == 2


def test_event_log_is_judged_as_a_stream(tmp_path):
    data = datasets.load(tools_sets.room(tmp_path / "room"))
    result = evaluate.evaluate(data, template.load("cold_chain"))
    found = result["integer"]
    assert (found["events"], found["events_found"], found["false_alarms"]) == (2, 2, 0)
    assert found["detection_delay_s"] <= 300
    assert found["test_days"] == pytest.approx((2398 * 60 + 600) / 86400)
    assert result["float"]["point_f1"] == pytest.approx(found["point_f1"], abs=0.01)


def test_groups_get_models_of_their_own(tmp_path):
    folder = tools_sets.motor(tmp_path / "motor")
    description = json.loads((folder / "dataset.json").read_text())
    for i, recording in enumerate(description["recordings"]):
        recording["group"] = "slow" if i in (0, 3) else "fast"
    description["fit"] = "per_group"
    (folder / "dataset.json").write_text(json.dumps(description))
    data = datasets.load(folder)
    assert [t.key for t in fit.train(data, template.load("vibration"))] == ["fast", "slow"]


def test_bundle_is_reproducible_and_passes_its_self_test(tmp_path):
    data = datasets.load(tools_sets.room(tmp_path / "room"))
    train = data.of_split("train")
    one, two = (fit.train(data, template.load("cold_chain"))[0].bundle(train) for _ in range(2))
    assert one == two
    assert verify(parse(one)) == 4
    model = decode(one)
    assert model.provenance["data_set"] == "room"
    assert model.provenance["windows"] == 2400
    assert model.conf["prime"] and model.conf["restart_after"] == 10


def test_a_given_bundle_scores_like_the_model_it_came_from(tmp_path):
    data = datasets.load(tools_sets.motor(tmp_path / "motor"))
    trained = fit.train(data, template.load("vibration"))[0]
    model = decode(trained.bundle(data.of_split("train")))
    found = evaluate.evaluate_model(data, model)
    again = evaluate.evaluate(data, template.load("vibration"))
    assert found["integer"] == again["integer"]


def test_test_recordings_never_change_the_model(tmp_path):
    folder = tools_sets.motor(tmp_path / "motor")
    data = datasets.load(folder)
    one = fit.train(data, template.load("vibration"))[0]
    np.save(folder / "r5.npy", np.zeros((8192, 2), np.int16))
    two = fit.train(datasets.load(folder), template.load("vibration"))[0]
    assert one.bundle(data.of_split("train")) == two.bundle(data.of_split("train"))


def test_whitening_gives_unit_covariance():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(4000, 3)) @ np.array([[2, 0, 0], [1, 1, 0], [0, 0.5, 0.3]])
    white = (x - x.mean(axis=0)) @ detector.whitening(x - x.mean(axis=0)).T
    assert np.cov(white.T) == pytest.approx(np.eye(3), abs=0.1)


def test_edge_of_windows_carries_over_to_unseen_normals():
    rng = np.random.default_rng(6)
    edge = thresholds.of_windows(rng.normal(0, 500, (1500, 12)), SETTINGS)
    fitted = detector.fit(rng.normal(0, 500, (1500, 12)), SETTINGS)
    fresh = fitted.distance(rng.normal(0, 500, (4000, 12)))
    assert 0.001 < (fresh > edge).mean() < 0.012


def test_cluster_count_follows_the_training_data():
    assert detector.cluster_count(SETTINGS, 100, 20) == 1
    assert detector.cluster_count(SETTINGS, 1000, 20) == 5
    assert detector.cluster_count(SETTINGS, 100000, 20) == 8


def test_median_smoothing_is_causal():
    smoothed = thresholds.smooth([0, 9, 0, 0, 9, 9, 9], {"kind": "median", "n": 3})
    assert smoothed.tolist() == [0, 0, 0, 0, 0, 9, 9]


def test_folds_never_split_a_group():
    groups = np.repeat(np.arange(10), 6)
    labels = (groups % 2).astype(int)
    for train, test in classifier.folds(labels, groups):
        assert not set(groups[train]) & set(groups[test])


def test_every_template_takes_every_domain():
    for name in template.NAMES:
        chosen = template.load(name)
        for domain in datasets.DOMAINS:
            for parts in (True, False) if domain == "waveform" else (domain != "slow",):
                owner, view = chosen.view(domain, parts)
                assert owner.name in template.NAMES and view["features"]


def facts(domain, channels, length=None, **more):
    return {
        "channels": tools_sets.channels(*(f"c{i}" for i in range(channels))), "rate_hz": 100.0,
        "interval_s": None, "domain": domain, "length": length, "missing": None,
        "ranges": [[-1000, 1000]] * channels, "fill": None, "image_shape": None, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    "channels, length, shortest, window, features",
    [
        (1, None, 100000, 512, 36),
        (3, None, 100000, 512, 108),
        (16, None, 100000, 512, 128),
        (1, None, 300, 256, 36),
        (2, 200, 200, 200, 72),
        (1, 5000, 5000, 512, 36),
    ],
)
def test_vibration_adapts_window_and_bands(channels, length, shortest, window, features):
    chosen = template.load("vibration")
    config = template.configure(chosen, facts("waveform", channels, length), shortest)
    assert config["window"] == window
    assert watch.scored(config).sum() == features


def test_a_recording_below_the_least_window_is_refused():
    with pytest.raises(TemplateError, match="has 63 samples, shorter than the least window of 64"):
        template.configure(template.load("vibration"), facts("waveform", 1), 63)


def test_unknown_templates_are_refused(tmp_path):
    with pytest.raises(TemplateError, match="no template 'engine': use vibration"):
        template.load("engine")
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(TemplateError, match="not valid JSON"):
        template.load(str(tmp_path / "x.json"))


def test_verdicts_are_honest():
    result = {
        "task": "anomaly",
        "integer": {"recording_auc": 0.9},
        "baseline": {"recording_auc": 0.95},
    }
    assert report.verdict(result) == "below baseline by 0.050"
    events = {"events": 10, "events_found": 6, "false_alarms": 9, "false_alarms_per_day": 0.9}
    base = {"events": 10, "events_found": 8, "false_alarms": 1, "false_alarms_per_day": 0.1}
    result = {"task": "events", "integer": events, "baseline": base}
    assert report.verdict(result).startswith("below baseline: found 6 against 8")
    result = {"task": "events", "integer": base, "baseline": events}
    assert report.verdict(result) == "better"


def test_a_group_with_one_class_only_uses_the_pooled_model(tmp_path):
    folder = tools_sets.curves(tmp_path / "curves")
    labels = json.loads((folder / "train_labels.json").read_text())
    groups = ["odd" if i < 20 and labels[i] == "good" else "main" for i in range(120)]
    (folder / "train_groups.json").write_text(json.dumps(groups))
    (folder / "test_groups.json").write_text(json.dumps(["odd"] * 30 + ["main"] * 30))
    description = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**description, "fit": "per_group"}))
    data = datasets.load(folder)
    models = fit.train(data, quick("quality"))
    assert [t.key for t in models] == ["main", "odd"]
    assert models[1].model.classes == ["bad", "good"]


@pytest.mark.parametrize("name", template.NAMES)
def test_template_rules_are_valid_device_configuration(name):
    text = template.load(name).text
    alarms = {}
    for key, rule in text["alarms"].items():
        kept = {k: v for k, v in rule.items() if k != "value"}
        alarms[key] = {"source": f"main.{rule['value']}", **kept}
    pipeline = {k: text[k] for k in ("schedule", "placement")}
    config = {
        "version": 1,
        "device": {"id": "d"},
        "pipelines": {"main": {"sensor": {"driver": "replay"}, "model": "m.tcb", **pipeline}},
        "alarms": alarms,
    }
    assert validate(config) == []


def test_windows_do_not_reach_across_a_gap_in_time(tmp_path):
    data = datasets.load(tools_sets.room(tmp_path / "room"))
    log = data.of_split("test")[0]
    config = fit.train(data, template.load("cold_chain"))[0].config
    assert windows.segments(config, log) == [(0, 2000), (2000, 2400)]
    found = windows.compute(config, [log])
    assert found.ends.tolist() == list(range(2400))
    names = [name for name, _ in describe.feature_names(config)]
    change = found.vectors[:, next(i for i, n in enumerate(names) if "change" in n)]
    assert change[2000] == 0
