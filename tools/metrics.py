# SPDX-License-Identifier: Apache-2.0
"""Figures by which detectors are judged, in plain numpy.

Anomaly sets: AUC of recordings (mean window score) and of windows, share of windows that alarm.
Classification: balanced accuracy, macro F1. Event logs: an event is found when any alarm falls in
its window; a false alarm is a run of alarm samples (pauses of up to 10 samples merged) outside
event windows and the 60 samples after them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

MERGE_GAP = 10
GRACE = 60
LONGEST_STEP = 10

Bools = npt.NDArray[np.bool_]
Figures = dict[str, Any]


def auc(positive: npt.ArrayLike, scores: npt.ArrayLike) -> float | None:
    """Area under the ROC curve, ties counted half; None with one class only."""
    wanted = np.asarray(positive, bool)
    values = np.asarray(scores, np.float64)
    n_positive = int(wanted.sum())
    n_negative = len(wanted) - n_positive
    if not n_positive or not n_negative:
        return None
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count - 1) / 2.0
    total = rank[place][wanted].sum()
    return float((total - n_positive * (n_positive + 1) / 2.0) / (n_positive * n_negative))


def recalls(truth: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """Share of each true class that was recognised."""
    t, p = np.asarray(truth, str), np.asarray(predicted, str)
    return {c: float((p[t == c] == c).mean()) for c in np.unique(t).tolist()}


def balanced_accuracy(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Mean of the recalls of the classes that occur."""
    return float(np.mean(list(recalls(truth, predicted).values())))


def macro_f1(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Mean F1 over the classes that occur in either list."""
    t, p = np.asarray(truth, str), np.asarray(predicted, str)
    found = []
    for c in np.unique(np.concatenate([t, p])).tolist():
        hit = int(((t == c) & (p == c)).sum())
        found.append(2 * hit / max(int((t == c).sum()) + int((p == c).sum()), 1))
    return float(np.mean(found))


def rate(flags: Bools) -> float | None:
    """Share of True, None of an empty list."""
    return float(flags.mean()) if len(flags) else None


def anomaly_figures(
    labels: Sequence[str], scores: Sequence[npt.NDArray[Any]], edge: float, normal: str = "normal"
) -> Figures:
    """Figures of an anomaly set: one label and one array of window scores per recording."""
    bad = np.array([label != normal for label in labels])
    windows = np.concatenate(list(scores))
    window_bad = np.repeat(bad, [len(s) for s in scores])
    means = np.array([float(np.mean(s)) for s in scores])
    figures: Figures = {"recording_auc": auc(bad, means)}
    if len(windows) > len(means):
        figures["window_auc"] = auc(window_bad, windows)
    alarms = windows >= edge
    figures["alarm_rate_normal"] = rate(alarms[~window_bad])
    figures["alarm_rate_anomalous"] = rate(alarms[window_bad])
    return figures


def classification_figures(truth: Sequence[str], predicted: Sequence[str]) -> Figures:
    """Accuracy, balanced accuracy and macro F1."""
    same = np.asarray(truth, str) == np.asarray(predicted, str)
    return {
        "accuracy": float(same.mean()),
        "balanced_accuracy": balanced_accuracy(truth, predicted),
        "macro_f1": macro_f1(truth, predicted),
    }


@dataclass
class Stream:
    """One scored log: alarm and score per sample, anomalous [start, end) stretches and others.

    seconds: observed time. benign: stretches where an alarm is a false alarm of its own kind.
    """

    alarms: Bools
    scores: npt.NDArray[Any]
    anomalies: Sequence[tuple[int, int]] = ()
    ignored: Sequence[tuple[int, int]] = ()
    benign: Sequence[tuple[int, int]] = ()
    seconds: float = 0.0


@dataclass
class EventCount:
    """Sums over streams; `figures` turns them into what is reported."""

    events: int = 0
    found: int = 0
    false_alarms: int = 0
    in_benign: int = 0
    true_points: int = 0
    false_points: int = 0
    missed_points: int = 0
    quiet_points: int = 0
    seconds: float = 0.0
    delays: list[int] = field(default_factory=list)
    aucs: list[float] = field(default_factory=list)

    def add(self, stream: Stream) -> None:
        """Count one stream."""
        n = len(stream.alarms)
        anomalous, excused = _mask(stream.anomalies, n), _mask(stream.anomalies, n, GRACE)
        ignored = _mask(stream.ignored, n)
        for start, end in stream.anomalies:
            self.events += 1
            hits = np.flatnonzero(stream.alarms[start:end])
            if len(hits):
                self.found += 1
                self.delays.append(int(hits[0]))
        for first, last in runs(stream.alarms & ~excused & ~ignored):
            self.false_alarms += 1
            self.in_benign += any(first < end and last >= start for start, end in stream.benign)
        normal = ~anomalous & ~ignored
        self.true_points += int((stream.alarms & anomalous).sum())
        self.missed_points += int((~stream.alarms & anomalous).sum())
        self.false_points += int((stream.alarms & normal).sum())
        self.quiet_points += int((~stream.alarms & normal).sum())
        self.seconds += stream.seconds
        area = auc(anomalous[~ignored], stream.scores[~ignored])
        if area is not None:
            self.aucs.append(area)

    def figures(self) -> Figures:
        """The counts and rates of all streams added so far, by name."""
        normal = self.false_points + self.quiet_points
        anomalous = self.true_points + self.missed_points
        days = self.seconds / 86400
        found: Figures = {
            "events": self.events,
            "events_found": self.found,
            "false_alarms": self.false_alarms,
            "false_alarms_in_benign": self.in_benign,
            "test_days": days,
            "false_alarms_per_day": self.false_alarms / days if days else None,
            "far_pct": 100 * self.false_points / normal if normal else None,
        }
        if self.events:
            wrong = self.false_points + self.missed_points
            found["point_f1"] = 2 * self.true_points / max(2 * self.true_points + wrong, 1)
            found["mar_pct"] = 100 * self.missed_points / anomalous
            found["mean_auc"] = float(np.mean(self.aucs)) if self.aucs else None
            found["detection_delay_samples"] = (
                float(np.median(self.delays)) if self.delays else None
            )
        return found


def _mask(stretches: Sequence[tuple[int, int]], n: int, grace: int = 0) -> Bools:
    mask = np.zeros(n, bool)
    for start, end in stretches:
        mask[start : end + grace] = True
    return mask


def runs(alarms: Bools, gap: int = MERGE_GAP) -> list[tuple[int, int]]:
    """First and last sample of each run of alarms; pauses of up to `gap` samples are merged."""
    on = np.flatnonzero(alarms)
    if not len(on):
        return []
    breaks = np.flatnonzero(np.diff(on) > gap + 1)
    firsts = on[np.concatenate([[0], breaks + 1])]
    lasts = on[np.concatenate([breaks, [len(on) - 1]])]
    return list(zip(firsts.tolist(), lasts.tolist()))


def observed_seconds(
    count: int, interval: float | None, times: npt.NDArray[np.int64] | None
) -> float:
    """Time a log covers; a gap in an irregular log counts as at most 10 nominal intervals."""
    if times is None:
        return count * (interval or 0.0)
    steps = np.diff(times)
    if not len(steps):
        return 0.0
    usual = interval or float(np.median(steps))
    return float(np.minimum(steps, LONGEST_STEP * usual).sum())


def event_f1(figures: Figures) -> float:
    """One figure for an alarm log: 2 * found / (events + found + false alarms)."""
    found, false = figures["events_found"], figures["false_alarms"]
    total = figures["events"] + found + false
    return 2 * found / total if total else 1.0
