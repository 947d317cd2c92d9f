# SPDX-License-Identifier: Apache-2.0
"""Where normal ends: the edge of a detector, from training normals alone.

Windows of recordings and parts: a quantile of out-of-fold distances, so that the share of false
alarms carries over to recordings the fit has not seen. Logs: a high quantile of the smoothed
distances with a margin, in the fit and, where the log drifts, half way (in the logarithm) to the
out-of-fold one, because the out-of-fold distances of a short log mostly measure its drift.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.train import detector
from tools.train.detector import Detector

Floats = npt.NDArray[np.float64]


def of_windows(features: npt.ArrayLike, settings: Mapping[str, Any]) -> float:
    """The out-of-fold quantile of the distances of normal windows [n, d]."""
    rule = settings["edge"]["windows"]
    distances = detector.out_of_fold(features, settings, rule.get("folds", 5))
    return float(np.quantile(distances, rule["quantile"]))


def of_logs(
    fitted: Detector,
    series: Sequence[npt.NDArray[Any]],
    used: Sequence[npt.NDArray[np.bool_]],
    keep: npt.NDArray[np.bool_],
    settings: Mapping[str, Any],
    smoothing: Mapping[str, Any],
) -> float:
    """The edge for logs: features [n, d] of each log and which samples count as normal.

    keep: which of all samples belong to a rare benign state (a defrost), which every fold must
    have seen, because what happens once cannot be left out and still be normal.
    """
    rule = settings["edge"]["logs"]
    seen = np.concatenate([smooth(fitted.distance(f), smoothing)[u] for f, u in zip(series, used)])
    normal = np.concatenate([f[u] for f, u in zip(series, used)])
    unseen = smooth(
        detector.out_of_fold(normal, settings, rule["folds"], keep[np.concatenate(list(used))]),
        smoothing,
    )
    inside = float(np.quantile(seen, rule["quantile"]))
    outside = float(np.quantile(unseen, rule["quantile"]))
    return max(rule["margin"] * inside, rule["margin_between"] * float(np.sqrt(inside * outside)))


def smooth(values: npt.ArrayLike, smoothing: Mapping[str, Any]) -> Floats:
    """Causal smoothing of a series in float64, as the device does it in integers."""
    series = np.asarray(values, np.float64)
    kind = smoothing.get("kind", "none")
    if kind == "median":
        return _median(series, smoothing.get("n", 5))
    if kind == "ewma":
        out, weight = series.copy(), 1.0 / (1 << smoothing.get("shift", 3))
        for i in range(1, len(out)):
            out[i] = out[i - 1] + (series[i] - out[i - 1]) * weight
        return out
    return series


def _median(series: Floats, n: int) -> Floats:
    out = np.empty_like(series)
    for i in range(min(n - 1, len(series))):
        out[i] = np.sort(series[: i + 1])[i >> 1]
    if len(series) >= n:
        views = np.lib.stride_tricks.sliding_window_view(series, n)
        out[n - 1 :] = np.partition(views, n >> 1, axis=1)[:, n >> 1]
    return out
