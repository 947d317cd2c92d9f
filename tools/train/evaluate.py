# SPDX-License-Identifier: Apache-2.0
"""Scores a data set exactly as a device would, and the same model in float64 beside it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tools import metrics
from tools.datasets import DataSet, DataSetError, Recording
from tools.train import score_twin, thresholds
from tools.train.bundle_format import Model
from tools.train.fit import Progress, Trained, train
from tools.train.quantize import Z_ONE
from tools.train.resolve import check_match
from tools.train.template import Template
from tools.train.windows import Windows, compute

Floats = npt.NDArray[np.float64]
Figures = dict[str, Any]
EDGE = 256


@dataclass
class Judged:
    """Scores of the windows of one test recording; 256 = edge of normal.

    outputs [n, n_classes]: what the label is taken from; near: the normal-only score.
    """

    recording: Recording
    scores: Floats
    smoothed: Floats
    alarms: npt.NDArray[np.bool_]
    ends: npt.NDArray[np.int64]
    outputs: Floats | None = None
    classes: Sequence[str] = ()
    near: Floats | None = None


def evaluate(
    data: DataSet, template: Template, progress: Progress | None = None
) -> dict[str, Any]:
    """Train on train, score test; returns what `build/evaluate.json` holds for one set."""
    started = time.monotonic()
    judged_set = data.without_channels(data.leaky_channels) if data.leaky_channels else data
    result = _evaluate(judged_set, template, progress)
    if data.leaky_channels:
        leaky = _evaluate(data, template, progress)
        result["with_leaky_channels"] = {k: leaky[k] for k in ("integer", "float")}
    targets = data.targets() if data.task == "classification" else []
    if targets:
        result["targets"] = {}
        family = _narrowed(template, result["models"])
        for target in targets:
            found = _evaluate(judged_set.with_target(target), family, progress)
            result["targets"][target] = {
                **{k: found[k] for k in ("integer", "float")},
                "baseline": _better(
                    tables(data).get("other_targets", {}).get(target, {}), "classification"
                ),
            }
    result["baseline"] = baseline(data)
    result["seconds"] = round(time.monotonic() - started, 2)
    return result


def _narrowed(template: Template, models: Sequence[Mapping[str, Any]]) -> Template:
    """For further labels: a forest, and the candidate that most models chose."""
    chosen = [m["choice"] for m in models if m["choice"]]
    best = max(chosen, key=chosen.count)
    quick = [c for c in template.text["classifier"] if "forest" in c and c != best]
    return template.with_classifiers([*quick[:1], best])


def _evaluate(data: DataSet, template: Template, progress: Progress | None) -> dict[str, Any]:
    test = data.of_split("test")
    if not test:
        raise DataSetError(f"{data.name} has no test recordings; mark some in dataset.json")
    models = {t.key: t for t in train(data, template, progress=progress)}
    integer: list[Judged] = []
    floats: list[Judged] = []
    for key, trained in models.items():
        recordings = [r for r in test if data.model_key(r) == key]
        windows = compute(trained.config, recordings, exact=True)
        _require_windows(data, recordings, windows, trained.config["window"])
        integer += judge(trained.model, recordings, windows)
        floats += judge_float(trained, recordings, windows)
    some = next(iter(models.values()))
    return {
        "kind": data.kind,
        "task": data.task,
        "template": template.name,
        "integer": figures(data, integer, some.config),
        "float": figures(data, floats, some.config),
        "models": [_summary(t) for t in models.values()],
    }


def evaluate_model(data: DataSet, model: Model) -> dict[str, Any]:
    """Score the test recordings (all, where none is marked test) with a given bundle."""
    recordings = data.of_split("test") or list(data.recordings)
    check_match(model.conf, data.facts(recordings))
    windows = compute(model.conf, recordings)
    _require_windows(data, recordings, windows, model.conf["window"])
    found = judge(model, recordings, windows)
    return {
        "kind": data.kind,
        "task": data.task,
        "template": str(model.provenance.get("template", "")),
        "integer": figures(data, found, model.conf),
        "baseline": baseline(data),
    }


def _require_windows(
    data: DataSet, recordings: Sequence[Recording], windows: Windows, window: int
) -> None:
    lacking = sorted(set(range(len(recordings))) - set(windows.owner.tolist()))
    if lacking:
        short = recordings[lacking[0]]
        raise DataSetError(
            f"{data.name}: recording {short.name} has {len(short.samples)} samples, shorter than "
            f"the window of {window}: leave it out or record longer"
        )


def judge(model: Model, recordings: Sequence[Recording], windows: Windows) -> list[Judged]:
    """Score recordings with the device's integers."""
    scored = score_twin.score(model, windows.vectors)
    found = []
    for index, recording in enumerate(recordings):
        here = windows.of(index)
        smoothed = score_twin.smooth(model.decision, scored.score[here])
        found.append(
            Judged(
                recording,
                scored.score[here].astype(np.float64),
                smoothed.astype(np.float64),
                score_twin.vote(model.decision, smoothed),
                windows.ends[here],
                None if scored.logits is None else scored.logits[here].astype(np.float64),
                model.classes,
                None if scored.kmeans_score is None else scored.kmeans_score[here].astype(float),
            )
        )
    return found


def judge_float(
    trained: Trained, recordings: Sequence[Recording], windows: Windows
) -> list[Judged]:
    """Score recordings with the same features and model in float64."""
    exact, decision = trained.exact, trained.model.decision
    scores, _ = score_twin.score_float(exact, windows.exact, decision)
    scores = scores * EDGE
    outputs = near = None
    x = (np.asarray(windows.exact) - exact.mean) / exact.sigma
    own = x
    if exact.network_mean is not None and exact.network_sigma is not None:
        own = (np.asarray(windows.exact) - exact.network_mean) / exact.network_sigma
    if exact.network is not None:
        outputs = score_twin.float_outputs(exact.network, own)
    elif exact.forest is not None:
        outputs = np.asarray(exact.forest.predict_proba(own * Z_ONE))
    if exact.centroids is not None and outputs is not None:
        u = x if exact.projection is None else x @ exact.projection.T
        away = [np.sqrt(((u - c) ** 2).sum(axis=1)) for c in exact.centroids]
        near = np.min(away, axis=0) / exact.edge * EDGE
    vote = decision.get("vote") or {"m": 1, "n": 1}
    found = []
    for index, recording in enumerate(recordings):
        here = windows.of(index)
        smoothed = thresholds.smooth(scores[here], decision.get("smoothing", {}))
        over = np.concatenate([[0], np.cumsum(smoothed >= EDGE)])
        first = np.maximum(np.arange(len(smoothed)) + 1 - vote["n"], 0)
        alarms = over[1:] - over[first] >= vote["m"]
        found.append(
            Judged(
                recording,
                scores[here],
                smoothed,
                alarms,
                windows.ends[here],
                None if outputs is None else outputs[here],
                trained.model.classes,
                None if near is None else near[here],
            )
        )
    return found


def figures(data: DataSet, judged: Sequence[Judged], config: Mapping[str, Any]) -> Figures:
    """The figures of a task."""
    if data.task == "classification":
        return _classification(data, judged)
    if data.task == "events":
        return _events(data, judged)
    labels = [j.recording.label or "normal" for j in judged]
    found = metrics.anomaly_figures(labels, [j.scores for j in judged], EDGE)
    if not data.stacked:
        found.update(_alarms(data, judged, config))
    return found


def _alarms(data: DataSet, judged: Sequence[Judged], config: Mapping[str, Any]) -> Figures:
    """What the voted alarm does on recordings: false alarms and how soon a fault is seen."""
    normal = [j for j in judged if j.recording.label in (None, "normal")]
    false = sum(len(metrics.runs(j.alarms, 0)) for j in normal)
    samples = sum(len(j.recording.samples) for j in normal)
    delays = [int(np.argmax(j.alarms)) for j in judged if j not in normal and j.alarms.any()]
    found: Figures = {"false_alarms_per_recording": false / len(normal) if normal else None}
    period = data.seconds_per_sample
    if period and samples:
        found["false_alarms_per_hour"] = false / (samples * period / 3600)
    missed = len(judged) - len(normal) - len(delays)
    found["missed_recordings"] = missed
    if delays:
        delay = float(np.median(delays)) * config["hop"] + config["window"]
        found["detection_delay_samples"] = delay
        if period:
            found["detection_delay_s"] = delay * period
    return found


def _events(data: DataSet, judged: Sequence[Judged]) -> Figures:
    count = metrics.EventCount()
    for j in judged:
        length = len(j.recording.samples)
        newest = np.searchsorted(j.ends, np.arange(length), side="right") - 1
        known = newest >= 0
        alarms = np.where(known, j.alarms[np.maximum(newest, 0)], False)
        scores = np.where(known, j.smoothed[np.maximum(newest, 0)], 0.0)
        spans: dict[str, list[tuple[int, int]]] = {}
        for event in j.recording.events:
            spans.setdefault(data.role(event), []).append((event.start, event.end))
        seconds = metrics.observed_seconds(length, data.seconds_per_sample, j.recording.times)
        count.add(
            metrics.Stream(
                alarms,
                scores,
                spans.get("anomaly", ()),
                spans.get("ignore", ()),
                spans.get("benign", ()),
                seconds,
            )
        )
    found = count.figures()
    period = data.seconds_per_sample
    if period and found.get("detection_delay_samples") is not None:
        found["detection_delay_s"] = found["detection_delay_samples"] * period
    return found


def _classification(data: DataSet, judged: Sequence[Judged]) -> Figures:
    truth: list[str] = []
    predicted: list[str] = []
    recording_hits = 0
    margins: list[Floats] = []
    for j in judged:
        assert j.outputs is not None
        labels = [j.classes[i] for i in j.outputs.argmax(axis=1)]
        truth += [str(j.recording.label)] * len(labels)
        predicted += labels
        recording_hits += j.classes[int(j.outputs.mean(axis=0).argmax())] == j.recording.label
        if len(j.classes) == 2:
            margins.append(j.outputs[:, 1] - j.outputs[:, 0])
    found = metrics.classification_figures(truth, predicted)
    if not data.stacked:
        found["recording_accuracy"] = recording_hits / len(judged)
    classes = judged[0].classes
    if len(classes) == 2 and len(margins) == len(judged):
        found["auc"] = metrics.auc([t == classes[1] for t in truth], np.concatenate(margins))
    if data.normal_label is not None and all(j.near is not None for j in judged):
        bad = [t != data.normal_label for t in truth]
        near = np.concatenate([j.near for j in judged if j.near is not None])
        found["normal_only_auc"] = metrics.auc(bad, near)
    return found


def _summary(trained: Trained) -> dict[str, Any]:
    model = trained.model
    return {
        "key": trained.key,
        "features": model.n_features,
        "window": trained.config["window"],
        "clusters": 0 if model.clusters is None else len(model.clusters.centroids),
        "classifier": "forest" if model.forest is not None else "mlp" if model.network else None,
        "choice": trained.choice,
        "trials": trained.trials,
        "quantisation": {k: round(float(v), 5) for k, v in trained.cost.items()},
    }


def tables(data: DataSet) -> Mapping[str, Any]:
    """The figures of the set's float_baseline, by detector."""
    found = data.float_baseline.get("figures") or {}
    if data.leaky_channels and "without_leaky_channels" in found:
        return dict(found["without_leaky_channels"])
    return dict(found)


def baseline(data: DataSet) -> Figures:
    """The better of the two detectors in the set's float_baseline, numbers only."""
    return _better(tables(data), data.task)


def _better(found: Mapping[str, Any], task: str) -> Figures:
    rows = {
        name: row
        for name, row in found.items()
        if isinstance(row, dict) and _merit(task, row) is not None
    }
    if not rows:
        return {}
    name = max(rows, key=lambda n: _merit(task, rows[n]) or ())
    numbers = {k: v for k, v in rows[name].items() if isinstance(v, (int, float))}
    return {"detector": name, **numbers}


def _merit(task: str, row: Mapping[str, Any]) -> tuple[float, ...] | None:
    """What makes one detector of a baseline better than the other; None: not such a row.

    Logs of less than a day have no false alarms per day; their points are compared.
    """
    if task == "classification" and "balanced_accuracy" in row:
        return (row["balanced_accuracy"],)
    if task == "events" and "events_found" in row:
        if row.get("false_alarms_per_day") is None:
            return (row.get("point_f1") or 0.0, row.get("mean_auc") or 0.0)
        return (metrics.event_f1(dict(row)), row.get("mean_auc") or 0.0)
    if task == "anomaly" and "recording_auc" in row:
        gap = (row.get("alarm_rate_anomalous") or 0.0) - (row.get("alarm_rate_normal") or 0.0)
        return (row["recording_auc"] or 0.0, row.get("window_auc") or 0.0, gap)
    return None
