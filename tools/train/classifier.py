# SPDX-License-Identifier: Apache-2.0
"""The classifier: a small network or forest, chosen by cross-validation on training data only.

Groups (a load, a bearing, a module of cells, a run of equal condition) are never split between
the folds, because neighbours are nearly identical and a random split would flatter every model.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tools import metrics
from tools.train import quantize

_FOLDS = 5
_MOST_NODES = 6000
_FEW = 400
_REPEATS = 3
_TRIAL_TREES = 32
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """The fitted model and how each candidate did (balanced accuracy out of fold)."""

    settings: Mapping[str, Any]
    estimator: Any
    classes: list[str]
    trials: list[dict[str, Any]]

    @property
    def is_forest(self) -> bool:
        return "forest" in self.settings


def describe(settings: Mapping[str, Any]) -> str:
    """A candidate in a few characters."""
    if "forest" in settings:
        balanced = ", balanced" if settings.get("balanced", True) else ""
        return f"{settings['forest']} forest of {settings['trees']}{balanced}"
    return f"mlp {'-'.join(str(n) for n in settings['mlp'])} alpha {settings['alpha']:g}"


def build(settings: Mapping[str, Any], seed: int = 0) -> Any:
    """An unfitted scikit-learn estimator for a candidate."""
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
    from sklearn.neural_network import MLPClassifier

    if "forest" in settings:
        family = {"random": RandomForestClassifier, "extra": ExtraTreesClassifier}
        return family[settings["forest"]](
            settings["trees"],
            max_depth=settings["depth"],
            min_samples_leaf=settings.get("leaf", 1),
            max_leaf_nodes=settings.get("leaves"),
            class_weight="balanced" if settings.get("balanced", True) else None,
            random_state=seed,
            n_jobs=1,
        )
    return MLPClassifier(
        tuple(settings["mlp"]),
        alpha=settings["alpha"],
        max_iter=settings.get("epochs", 300),
        random_state=seed,
    )


def fit_one(
    settings: Mapping[str, Any], z: Floats, labels: npt.NDArray[Any], seed: int = 0
) -> Any:
    """Fit a candidate on z in sigma [n, d] (forests see z in Q7); classes weigh the same."""
    estimator = build(settings, seed)
    if "forest" in settings:
        return _pruned(estimator.fit(np.round(z * quantize.Z_ONE), labels))
    _, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
    weight = len(labels) / (len(counts) * counts[index])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(z, labels, sample_weight=weight)


def _pruned(forest: Any) -> Any:
    """The forest with as many of its trees as a device has room for."""
    nodes = np.cumsum([tree.tree_.node_count for tree in forest.estimators_])
    fitting = max(1, int(np.searchsorted(nodes, _MOST_NODES, side="right")))
    forest.estimators_ = forest.estimators_[:fitting]
    forest.n_estimators = len(forest.estimators_)
    return forest


def predict(settings: Mapping[str, Any], estimator: Any, z: Floats) -> npt.NDArray[Any]:
    """Labels [n] of z in sigma."""
    return np.asarray(
        estimator.predict(np.round(z * quantize.Z_ONE) if "forest" in settings else z)
    )


def folds(labels: npt.NDArray[Any], groups: npt.NDArray[Any]) -> list[tuple[Any, Any]]:
    """Train and test indices; whole groups where there are enough, else contiguous blocks.

    A few parts without groups are shuffled and split again, for a steadier choice.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    _, counts = np.unique(labels, return_counts=True)
    if len(np.unique(groups)) >= 3:
        count = min(_FOLDS, len(np.unique(groups)))
        splitter: Any = StratifiedGroupKFold(count)
    else:
        count = int(max(2, min(_FOLDS, counts.min())))
        splitter = StratifiedKFold(count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = list(splitter.split(np.zeros((len(labels), 1)), labels, groups))
        if len(labels) < _FEW and isinstance(splitter, StratifiedKFold):
            for seed in range(1, _REPEATS):
                again = StratifiedKFold(count, shuffle=True, random_state=seed)
                found += again.split(np.zeros((len(labels), 1)), labels)
    return [(a, b) for a, b in found if len(np.unique(labels[a])) > 1 and len(b)]


def choose(
    candidates: Sequence[Mapping[str, Any]],
    z: Floats,
    labels: Sequence[str],
    groups: Sequence[str],
    progress: Callable[[str], None] | None = None,
) -> Choice:
    """Pick a candidate by cross-validation and fit it on all z in sigma [n, d].

    Raises ValueError with fewer than two classes.
    """
    classes = sorted(set(labels))
    truth = np.array([classes.index(label) for label in labels])
    if len(classes) < 2:
        raise ValueError(f"only one class, {classes[0]!r}: a classifier needs two or more")
    trials: list[dict[str, Any]] = []
    if len(candidates) > 1:
        splits = folds(truth, np.asarray(groups, str))
        for settings in candidates:
            if progress:
                progress(describe(settings))
            trials.append(
                {
                    "candidate": describe(settings),
                    "balanced_accuracy": _trial(settings, z, truth, splits),
                }
            )
    best = int(np.argmax([t["balanced_accuracy"] for t in trials])) if trials else 0
    settings = candidates[best]
    return Choice(settings, fit_one(settings, z, truth), classes, trials)


def _trial(
    settings: Mapping[str, Any], z: Floats, truth: npt.NDArray[Any], splits: list[tuple[Any, Any]]
) -> float:
    if "forest" in settings and len(truth) >= _FEW:
        settings = {**settings, "trees": min(settings["trees"], _TRIAL_TREES)}
    wanted: list[str] = []
    predicted: list[str] = []
    for train, test in splits:
        estimator = fit_one(settings, z[train], truth[train])
        wanted += truth[test].astype(str).tolist()
        predicted += predict(settings, estimator, z[test]).astype(str).tolist()
    return metrics.balanced_accuracy(wanted, predicted) if wanted else 0.0


def network(choice: Choice, normal: int) -> quantize.FloatNetwork:
    """The float network of a chosen MLP."""
    return quantize.FloatNetwork(
        tuple(np.asarray(w, np.float64) for w in choice.estimator.coefs_),
        tuple(np.asarray(b, np.float64) for b in choice.estimator.intercepts_),
        "classifier",
        normal,
    )
