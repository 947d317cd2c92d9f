# SPDX-License-Identifier: Apache-2.0
"""The figures, against hand-counted cases and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from tools import metrics


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40))
def test_auc_counts_ties_half_like_scikit_learn(pairs):
    truth = [t for t, _ in pairs]
    scores = [s for _, s in pairs]
    found = metrics.auc(truth, scores)
    if len(set(truth)) < 2:
        assert found is None
    else:
        assert found == pytest.approx(roc_auc_score(truth, scores))


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=40)
)
def test_class_figures_equal_scikit_learn(pairs):
    truth, predicted = [t for t, _ in pairs], [p for _, p in pairs]
    wanted = f1_score(truth, predicted, average="macro", zero_division=0)
    assert metrics.macro_f1(truth, predicted) == pytest.approx(wanted)
    if set(predicted) <= set(truth):
        wanted = balanced_accuracy_score(truth, predicted)
        assert metrics.balanced_accuracy(truth, predicted) == pytest.approx(wanted)


def test_anomaly_figures_use_recording_means_and_window_alarms():
    found = metrics.anomaly_figures(
        ["normal", "anomalous"], [np.array([100, 300]), np.array([280, 200, 400])], 256
    )
    assert found["recording_auc"] == 1.0
    assert found["window_auc"] == pytest.approx(4 / 6)
    assert found["alarm_rate_normal"] == 0.5
    assert found["alarm_rate_anomalous"] == pytest.approx(2 / 3)


def alarms(n, *stretches):
    flags = np.zeros(n, bool)
    for start, end in stretches:
        flags[start:end] = True
    return flags


def test_pauses_of_up_to_ten_samples_are_one_run():
    assert metrics.runs(alarms(60, (5, 6), (16, 17), (28, 30))) == [(5, 16), (28, 29)]
    assert metrics.runs(alarms(5)) == []


def test_events_false_alarms_and_points_are_counted():
    count = metrics.EventCount()
    flags = alarms(1000, (104, 110), (250, 260), (265, 270), (420, 425), (700, 705))
    count.add(
        metrics.Stream(
            flags, flags.astype(float), anomalies=[(100, 120), (400, 410)],
            benign=[(690, 720)], seconds=86400.0,
        )
    )  # fmt: skip
    found = count.figures()
    assert (found["events"], found["events_found"]) == (2, 1)
    assert found["false_alarms"] == 2  # 420 lies within 60 samples of the second event
    assert found["false_alarms_in_benign"] == 1
    assert found["false_alarms_per_day"] == 2.0
    assert found["detection_delay_samples"] == 4
    assert found["point_f1"] == pytest.approx(2 * 6 / (2 * 6 + 25 + 24))
    assert found["far_pct"] == pytest.approx(100 * 25 / 970)
    assert found["mar_pct"] == pytest.approx(100 * 24 / 30)


def test_ignored_stretches_are_not_scored():
    count = metrics.EventCount()
    flags = alarms(100, (50, 60))
    count.add(metrics.Stream(flags, flags.astype(float), ignored=[(40, 70)], seconds=60))
    found = count.figures()
    assert found["false_alarms"] == 0
    assert found["far_pct"] == 0.0
    assert "point_f1" not in found


def test_observed_time_caps_gaps_at_ten_intervals():
    times = np.array([0, 60, 120, 120 + 86400], np.int64)
    assert metrics.observed_seconds(4, 60.0, times) == 120 + 600
    assert metrics.observed_seconds(4, 60.0, None) == 240


def test_event_f1_weighs_found_missed_and_false():
    assert metrics.event_f1({"events": 4, "events_found": 2, "false_alarms": 2}) == 0.5
    assert metrics.event_f1({"events": 0, "events_found": 0, "false_alarms": 0}) == 1.0
