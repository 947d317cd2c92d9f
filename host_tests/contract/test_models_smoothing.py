# SPDX-License-Identifier: Apache-2.0
"""Causal median, exponential mean and m-of-n voting."""
import unittest

from noalloc import no_allocation
from tocsin.models.bundle import complete
from tocsin.models.smoothing import Decision, Ewma, Median


def series(count):
    """A deterministic series of scores with repeats and extremes."""
    values = []
    state = 7
    for i in range(count):
        state = (state * 7621 + 1) % 32768
        values.append(32767 if i % 17 == 0 else 0 if i % 13 == 0 else state % 40)
    return values


class MedianTest(unittest.TestCase):
    def test_equals_sorting_the_newest_n(self):
        for n in (1, 3, 5, 9):
            median = Median(n)
            values = series(200)
            for i in range(len(values)):
                newest = sorted(values[max(0, i + 1 - n):i + 1])
                self.assertEqual(median.update(values[i]), newest[(len(newest) - 1) // 2])

    def test_one_outlier_never_passes(self):
        median = Median(5)
        out = [median.update(v) for v in (10, 10, 10, 9999, 10, 10, 10)]
        self.assertEqual(out, [10] * 7)

    def test_reset_forgets(self):
        median = Median(3)
        for value in (1, 2, 3):
            median.update(value)
        median.reset()
        self.assertEqual(median.update(500), 500)


class EwmaTest(unittest.TestCase):
    def test_starts_at_the_first_score_and_converges(self):
        mean = Ewma(2)
        self.assertEqual(mean.update(100), 100)
        self.assertEqual([mean.update(500) for _ in range(4)], [200, 275, 331, 373])
        for _ in range(80):
            last = mean.update(500)
        self.assertEqual(last, 500)

    def test_extremes_stay_in_range(self):
        mean = Ewma(8)
        for _ in range(3000):
            last = mean.update(32767)
        self.assertEqual(last, 32767)


class DecisionTest(unittest.TestCase):
    def test_three_of_five(self):
        decision = Decision(complete({"vote": {"m": 3, "n": 5}, "threshold": 256}))
        alarms = []
        for score in (300, 100, 256, 255, 999, 0, 0, 0, 300, 300, 300):
            decision.update(score)
            alarms.append(decision.alarm)
        self.assertEqual(alarms, [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1])

    def test_defaults_alarm_at_once(self):
        decision = Decision(complete({}))
        self.assertEqual(decision.update(256), 256)
        self.assertEqual(decision.alarm, 1)
        decision.update(255)
        self.assertEqual(decision.alarm, 0)

    def test_reset_forgets_votes(self):
        decision = Decision(complete({"vote": {"m": 2, "n": 3},
                                      "smoothing": {"kind": "median", "n": 3}}))
        decision.update(900)
        decision.reset()
        decision.update(900)
        self.assertEqual(decision.alarm, 0)

    def test_update_does_not_allocate(self):
        for spec in ({"smoothing": {"kind": "median", "n": 5}, "vote": {"m": 3, "n": 5}},
                     {"smoothing": {"kind": "ewma", "shift": 3}}):
            decision = Decision(complete(spec))
            for value in range(8):
                decision.update(value)
            with no_allocation():
                for value in range(8):
                    decision.update(value * 1000)


if __name__ == "__main__":
    unittest.main()
