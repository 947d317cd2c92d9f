# SPDX-License-Identifier: Apache-2.0
"""What quantisation cost: the float model against its integers on the same windows."""
from typing import Any

import numpy as np
import numpy.typing as npt

from tocsin.models.bundle import complete
from tools.train.bundle_format import Model
from tools.train.score_twin import FloatModel, score, score_float


def cost(model: Model, exact: FloatModel, features: Any) -> dict[str, float]:
    """Compare on features int16 [n, d]; scores in units of the edge (1.0).

    windows; score_error_mean and _max: absolute difference, where the float score is below 4;
    rank_correlation: Spearman's; verdict_agreement: both reach the threshold or neither;
    label_agreement: share of equal labels (1.0 without a classifier).
    """
    integers = score(model, features)
    decision = complete(model.decision)
    floats, labels = score_float(exact, features, decision, slope(model))
    scores = integers.score / 256
    near = floats < 4
    error = np.abs(scores - floats)[near] if near.any() else np.zeros(1)
    edge = decision["threshold"] / 256
    return {
        "windows": float(len(scores)),
        "score_error_mean": float(error.mean()),
        "score_error_max": float(error.max()),
        "rank_correlation": rank_correlation(scores, floats),
        "verdict_agreement": float(((scores >= edge) == (floats >= edge)).mean()),
        "label_agreement": float((integers.label == labels).mean()),
    }


def slope(model: Model) -> float:
    """Score units per unit of logit difference that the integers of a classifier use."""
    network = model.network
    if network is None or network.out_scale <= 0:
        return 1.0
    return network.score_mult / (1 << network.score_shift) / 256 / network.out_scale


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle = last - (counts - 1) / 2
    return np.asarray(middle[index], np.float64)


def rank_correlation(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Spearman's rank correlation; 1.0 when either series is constant."""
    x, y = _ranks(a), _ranks(b)
    if x.std() == 0 or y.std() == 0:
        return 1.0
    return float(np.corrcoef(x, y)[0, 1])
