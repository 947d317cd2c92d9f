# SPDX-License-Identifier: Apache-2.0
"""A data set and a template become models: one pooled, or one per group where the set says so.

Only `train` recordings are used, for the fit, for every choice and for the thresholds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tocsin import __version__
from tocsin.dsp.table import outputs
from tools.datasets import POOLED, DataSet, DataSetError, Recording
from tools.train import (
    classifier,
    detector,
    pack,
    quantize,
    quantize_cost,
    thresholds,
    twin,
    watch,
)
from tools.train import template as templates
from tools.train.bundle_format import Model
from tools.train.classifier import Choice
from tools.train.describe import feature_names
from tools.train.detector import Detector
from tools.train.score_twin import FloatModel, scale
from tools.train.template import Template
from tools.train.windows import Windows, compute

_MIN_WINDOWS = 8
_MIN_NORMALS = 16
_VECTORS = 4
_COST_WINDOWS = 2000

Progress = Callable[[str], None]


class TrainError(ValueError):
    """Training data that cannot give a model; the message says what to change."""


@dataclass(frozen=True)
class Trained:
    """One model: its integers, the float model behind them and how it came about."""

    key: str
    config: dict[str, Any]
    model: Model
    exact: FloatModel
    cost: dict[str, float]
    trials: list[dict[str, Any]] = field(default_factory=list)
    choice: Mapping[str, Any] | None = None

    def bundle(self, recordings: Sequence[Recording]) -> bytes:
        """The bytes of the bundle, with self-test vectors cut from the recordings."""
        return pack.pack(self.model, self_test_frames(self.config, recordings))


def train(
    data: DataSet,
    template: Template,
    keys: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> list[Trained]:
    """Fit every model that the data set's test recordings need (or the given keys)."""
    if not data.of_split("train"):
        raise TrainError(f"{data.name} has no train recordings; mark some in dataset.json")
    wanted = list(keys) if keys is not None else model_keys(data)
    result = []
    for key in wanted:
        if progress:
            progress(f"{data.name} {key}" if len(wanted) > 1 else data.name)
        result.append(_train_one(data, template, key, progress))
    return result


def _too_little(data: DataSet, recordings: Sequence[Recording], windows: Windows) -> bool:
    """Whether a group cannot have a model of its own, so that the pooled one must serve."""
    one_class = data.task == "classification" and len({r.label for r in recordings}) < 2
    return one_class or len(windows.vectors) < _MIN_WINDOWS


def refuse_constant(data: DataSet, recordings: Sequence[Recording]) -> None:
    """Raise TrainError for a channel that never changes: a dead sensor, not a normal machine."""
    for index, channel in enumerate(data.channels):
        seen: set[int] = set()
        for recording in recordings:
            seen.update(np.unique(recording.samples[:, index]).tolist())
            if len(seen - {data.missing}) > 1:
                break
        else:
            raise TrainError(
                f"channel {channel.name} of {data.name} never changes in the training data: check "
                f"the sensor, or leave it out with --leave-out {channel.name}"
            )


def model_keys(data: DataSet) -> list[str]:
    """The keys of the models a set needs: those of its test recordings, else of all."""
    judged = data.of_split("test") or list(data.recordings)
    return sorted({data.model_key(r) for r in judged})


def _train_one(data: DataSet, template: Template, key: str, progress: Progress | None) -> Trained:
    recordings = data.training(key)
    if not recordings:
        raise TrainError(
            f"{data.name} has no train recordings of group {key!r}; choose another group"
        )
    facts = data.facts(recordings)
    owner, _ = template.view(data.domain, facts["length"] is not None)
    shortest = min(len(r.samples) for r in data.recordings)
    config = templates.configure(template, facts, shortest)
    windows = compute(config, recordings)
    if key != POOLED and _too_little(data, recordings, windows):
        return replace(_train_one(data, template, POOLED, progress), key=key)
    if len(windows.vectors) < _MIN_WINDOWS:
        raise TrainError(
            f"{data.name}: {len(windows.vectors)} training windows of {config['window']} samples; "
            f"record at least {_MIN_WINDOWS}"
        )
    used = normal_windows(data, recordings, windows, owner.detector)
    found: Detector | None = None
    if used.sum() >= (_MIN_NORMALS if data.task == "classification" else 1):
        found = _detector(data, recordings, windows, used, (owner, config))
    choice = None
    if data.task == "classification":
        candidates = template.candidates(owner)
        choice = _choose(data, recordings, windows, (config, candidates), progress)
    if found is None and choice is None:
        raise TrainError(f"{data.name}: no normal training windows; label some recordings normal")
    return _assemble(data, template, owner, key, config, windows, found, choice)


def normal_windows(
    data: DataSet, recordings: Sequence[Recording], windows: Windows, settings: Mapping[str, Any]
) -> npt.NDArray[np.bool_]:
    """Which training windows [n] show normal behaviour."""
    used = windows.complete.copy()
    warm_up = settings["edge"]["logs"].get("warm_up", 0)
    for index, recording in enumerate(recordings):
        here = windows.of(index)
        if data.task == "classification":
            used[here] &= data.normal_label is not None and recording.label == data.normal_label
        elif recording.label not in (None, "normal"):
            used[here] = False
        if data.task == "events":
            used[here] &= windows.ends[here] >= warm_up
            for event in recording.events:
                if data.role(event) in ("anomaly", "ignore"):
                    ends = windows.ends[here]
                    used[here] &= (ends < event.start) | (ends >= event.end)
    return used


def least_sigma(config: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    """For each feature a quarter of a stored step of its channel, and at least one unit.

    A channel that stood still in training must not alarm when it moves by a fraction of a step.
    Infinite for features that are only watched.
    """
    least = np.concatenate(
        [np.full(outputs(f), max(1.0, 2.0 ** f.get("q", 0) / 4)) for f in config["features"]]
    )
    return np.where(watch.scored(config), least, np.inf)


def _scaling(
    config: Mapping[str, Any], windows: Windows
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and sigma of every feature over all training windows."""
    mean, sigma = quantize.fit_scaler(windows.vectors)
    return mean, np.where(watch.scored(config), sigma, np.inf)


def _detector(
    data: DataSet,
    recordings: Sequence[Recording],
    windows: Windows,
    used: npt.NDArray[np.bool_],
    behind: tuple[Template, dict[str, Any]],
) -> Detector:
    owner, config = behind
    normal = windows.vectors[used]
    settings = {**owner.detector, "least_sigma": least_sigma(config)}
    fitted = detector.fit(normal, settings)
    if data.task == "events":
        spans = [windows.of(i) for i in range(len(recordings))]
        edge = thresholds.of_logs(
            fitted,
            [windows.vectors[s] for s in spans],
            [used[s] for s in spans],
            _benign(data, recordings, windows),
            settings,
            owner.decision["smoothing"],
        )
    else:
        edge = thresholds.of_windows(normal, settings)
    return fitted.with_edge(edge)


def _benign(
    data: DataSet, recordings: Sequence[Recording], windows: Windows
) -> npt.NDArray[np.bool_]:
    """Windows [n] that touch a benign event."""
    found = np.zeros(len(windows.ends), bool)
    reach = int(np.diff(windows.ends[:2])[0]) if len(windows.ends) > 1 else 1
    for index, recording in enumerate(recordings):
        here = windows.of(index)
        ends = windows.ends[here]
        for event in recording.events:
            if data.role(event) == "benign":
                found[here] |= (ends >= event.start) & (ends < event.end + 60 * reach)
    return found


def _choose(
    data: DataSet,
    recordings: Sequence[Recording],
    windows: Windows,
    plan: tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]],
    progress: Progress | None,
) -> Choice:
    config, candidates = plan
    labels = [recordings[i].label for i in windows.owner]
    if any(label is None for label in labels):
        raise DataSetError(
            f"{data.name}: a train recording has no label; every one needs its class"
        )
    whole = scale(windows.vectors, quantize.quantize_scaler(*_scaling(config, windows)))
    z = np.ascontiguousarray(whole[:, watch.scored(config)]) / quantize.Z_ONE
    groups = [recordings[i].group for i in windows.owner]
    if not data.stacked and len(set(groups)) < 3:
        groups = [recordings[i].name for i in windows.owner]
    return classifier.choose(candidates, z, [str(v) for v in labels], groups, progress)


def _assemble(
    data: DataSet,
    template: Template,
    owner: Template,
    key: str,
    config: dict[str, Any],
    windows: Windows,
    found: Detector | None,
    choice: Choice | None,
) -> Trained:
    """Put the fitted parts into integers, and the same into a float model."""
    mean, sigma = _scaling(config, windows)
    mask = watch.scored(config)
    scaler = everything = quantize.quantize_scaler(mean, sigma)
    projection = clusters = None
    if found is not None:
        scaler, projection, clusters = found.integers()
    classes: list[str] = choice.classes if choice else []
    normal = classes.index(data.normal_label) if data.normal_label in classes else -1
    network = forest = float_network = None
    if choice is not None and choice.is_forest:
        forest = watch.widen_forest(quantize.quantize_forest(choice.estimator, normal), mask)
    elif choice is not None:
        narrow = classifier.network(choice, normal)
        z = scale(windows.vectors, everything)[:, mask]
        network = watch.widen_network(quantize.quantize_network(narrow, z), mask)
        float_network = watch.widen_float(narrow, mask)
    both = found is not None and choice is not None
    model = Model(
        conf=config,
        feature_names=[name for name, _ in feature_names(config)],
        scaler=scaler,
        clusters=clusters,
        projection=projection,
        network=network,
        forest=forest,
        network_scaler=everything if both else None,
        classes=classes,
        decision=owner.decision,
    )
    exact = FloatModel(
        mean=found.mean if found else mean,
        sigma=found.sigma if found else sigma,
        centroids=found.centroids if found else None,
        radii=np.ones(len(found.centroids)) if found else None,
        edge=found.edge if found else 1.0,
        projection=found.projection if found else None,
        network=float_network,
        forest=watch.Estimator(choice.estimator, mask) if choice and forest else None,
        network_mean=mean if both else None,
        network_sigma=sigma if both else None,
        normal=normal,
    )
    step = max(1, len(windows.vectors) // _COST_WINDOWS)
    cost = quantize_cost.cost(model, exact, windows.vectors[::step])
    trials = choice.trials if choice else []
    model = model.changed(provenance=provenance(data, template, key, windows, cost, trials))
    return Trained(key, config, model, exact, cost, trials, choice.settings if choice else None)


def provenance(
    data: DataSet,
    template: Template,
    key: str,
    windows: Windows,
    cost: Mapping[str, float],
    trials: list[dict[str, Any]],
) -> dict[str, Any]:
    digest = hashlib.sha256()
    recordings = data.training(key)
    for recording in recordings:
        digest.update(np.ascontiguousarray(recording.samples).tobytes())
    return {
        "data_set": data.name,
        "group": key,
        "kind": data.kind,
        "task": data.task,
        "template": template.name,
        "recordings": len(recordings),
        "windows": len(windows.vectors),
        "sha256": digest.hexdigest(),
        "tocsin": __version__,
        "quantisation": {k: round(float(v), 6) for k, v in cost.items()},
        "trials": [{**t, "balanced_accuracy": round(t["balanced_accuracy"], 4)} for t in trials],
    }


def self_test_frames(
    config: dict[str, Any], recordings: Sequence[Recording]
) -> npt.NDArray[np.int16]:
    """A few raw frames int16 [n, window, channels] spread over the recordings."""
    chosen = [recordings[i * len(recordings) // _VECTORS] for i in range(_VECTORS)]
    frames = []
    for index, recording in enumerate(chosen):
        if len(recording.samples) == config["window"]:
            views = twin.fill_missing(config, recording.samples[None])
        else:
            views = twin.frames_of(config, recording.samples)
        if len(views):
            frames.append(views[(index + 1) * len(views) // (_VECTORS + 1)])
    return np.stack(frames).astype(np.int16)
