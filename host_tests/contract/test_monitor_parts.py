# SPDX-License-Identifier: Apache-2.0
"""Ticks, sums of time, extremes, run gate, part counters, zones, drift, bearing frequencies."""

import unittest

from noalloc import no_allocation
from tocsin.monitor import ticks
from tocsin.monitor.excursion import Excursion, Extremes
from tocsin.monitor.gate import Gate
from tocsin.monitor.quality import Counters
from tocsin.monitor.rolling import RollingTime
from tocsin.monitor.total import TotalTime
from tocsin.monitor.vibration import Drift, bearing_frequencies, zone

LAST = (1 << 30) - 1


class TestTicks(unittest.TestCase):
    def test_differences_over_the_wrap(self):
        for earlier in (0, 5, 1 << 29, LAST - 3, LAST):
            for ms in (0, 1, 1000, (1 << 29) - 1):
                later = ticks.add(earlier, ms)
                self.assertTrue(0 <= later <= LAST)
                self.assertEqual(ticks.diff(later, earlier), ms)
                self.assertEqual(ticks.diff(earlier, later), -ms)

    def test_durations_stop_growing(self):
        self.assertEqual(ticks.add_sat(LAST - 1, 5), LAST)
        self.assertEqual(ticks.add_sat(3, 4), 7)

    def test_allocates_nothing_at_the_edges(self):
        def exercise():
            for i in range(10):
                ticks.diff(i, LAST - i)
                ticks.diff(LAST - i, i)
                ticks.add(LAST - i, LAST)
                ticks.add_sat(LAST, LAST)

        exercise()
        with no_allocation():
            exercise()


class TestTimeSums(unittest.TestCase):
    def test_total_carries_milliseconds(self):
        total = TotalTime()
        for _ in range(1000):
            total.elapse(333, True)
            total.elapse(10000, False)
        self.assertEqual(total.total_s, 333)

    def test_rolling_looks_back_a_window_and_at_most_a_24th_more(self):
        rolling = RollingTime(2400)
        for _ in range(3000):
            rolling.elapse(1000, True)
            self.assertLessEqual(rolling.total_s, 2500)
        self.assertGreaterEqual(rolling.total_s, 2400)
        for _ in range(2399):
            rolling.elapse(1000, False)
        self.assertLessEqual(rolling.total_s, 100)
        rolling.elapse(101000, False)
        self.assertEqual(rolling.total_s, 0)

    def test_one_long_silence_empties_the_window(self):
        rolling = RollingTime(2678400)
        rolling.elapse(86400000, True)
        self.assertEqual(rolling.total_s, 86400)
        for _ in range(4):
            rolling.elapse((1 << 30) - 2000, False)
        self.assertEqual(rolling.total_s, 0)

    def test_reset(self):
        rolling = RollingTime(2400)
        rolling.elapse(5000, True)
        rolling.reset()
        rolling.elapse(1000, True)
        self.assertEqual(rolling.total_s, 1)


class TestExcursion(unittest.TestCase):
    def test_peak_count_and_time(self):
        excursion = Excursion(False, -50, 10, 1000)
        for i, value in enumerate((-49, -50, -70, -45, -39, -60)):
            excursion.elapse(400, True)
            excursion.update(value, i)
        self.assertEqual((excursion.count, excursion.peak, excursion.lasted_ms), (2, -60, 0))
        self.assertEqual((excursion.since_ms, excursion.time.total_s), (5, 0))
        excursion.elapse(1000, True)
        self.assertEqual((excursion.due(), excursion.time.total_s), (True, 1))

    def test_shipping_indicator_counts_ten_hours_in_all(self):
        indicator = Excursion(True, 3000, 0, -1, 36000)
        for _ in range(19):
            indicator.update(3000, 0)
            indicator.elapse(1800000, True)
            indicator.update(2999, 0)
            indicator.elapse(1800000, True)
        self.assertFalse(indicator.due())
        indicator.update(3000, 0)
        indicator.elapse(1800000, True)
        self.assertTrue(indicator.due())

    def test_extremes(self):
        extremes = Extremes()
        for value in (3, -7, 12, 5):
            extremes.update(value)
        self.assertEqual((extremes.low, extremes.high, extremes.count), (-7, 12, 4))


class TestGate(unittest.TestCase):
    def test_hysteresis_and_hold_off(self):
        gate = Gate(100, 60, 2000, 1000)
        seen = [gate.update(level, i * 1000) for i, level in enumerate(
            (50, 100, 120, 110, 61, 59, 70, 59, 10, 10))]
        self.assertEqual(seen, [False] * 3 + [True] * 5 + [False] * 2)
        self.assertEqual(gate.starts, 1)

    def test_a_short_burst_does_not_open_it(self):
        gate = Gate(100, 60, 2000)
        for i in range(20):
            self.assertFalse(gate.update(200 if i % 2 else 0, i * 1000))

    def test_off_above_on_is_refused(self):
        with self.assertRaises(ValueError):
            Gate(10, 11)

    def test_hold_across_the_wrap_allocates_nothing(self):
        gate = Gate(100, 60, 2000, 1000)

        def exercise():
            now = LAST - 5000
            for i in range(20):
                now = ticks.add(now, 1000)
                gate.update(200 if i < 10 else 0, now)

        exercise()
        self.assertEqual((gate.running, gate.starts), (False, 1))
        with no_allocation():
            exercise()


class TestCounters(unittest.TestCase):
    def test_counts_and_yields(self):
        counters = Counters(4)
        self.assertEqual((counters.yield_q8(), counters.recent_yield_q8()), (256, 256))
        for good in (True, True, True, False, True, False, False):
            counters.update(good)
        self.assertEqual((counters.parts, counters.good, counters.bad), (7, 4, 3))
        self.assertEqual(counters.bad_in_a_row, 2)
        self.assertEqual(counters.yield_q8(), 4 * 256 // 7)
        self.assertEqual(counters.recent_yield_q8(), 64)
        counters.reset()
        self.assertEqual((counters.parts, counters.recent_yield_q8()), (0, 256))

    def test_millions_of_parts_allocate_nothing(self):
        counters = Counters(8)
        counters.parts = LAST
        counters.good = LAST - 5

        def exercise():
            for i in range(20):
                counters.update(i % 3 != 0)
                counters.yield_q8()
                counters.recent_yield_q8()

        exercise()
        self.assertTrue(255 <= counters.yield_q8() <= 256)
        with no_allocation():
            exercise()


class TestVibration(unittest.TestCase):
    def test_a_value_on_a_limit_is_in_the_worse_zone(self):
        uppers = (180, 450, 1120)
        self.assertEqual([zone(v, uppers) for v in (0, 179, 180, 449, 450, 1119, 1120, 32767)],
                         [0, 0, 1, 1, 2, 2, 3, 3])

    def test_drift_follows_slow_growth_and_ignores_a_knock(self):
        drift = Drift(100, 5)
        for _ in range(100):
            self.assertEqual(drift.update(1000), 256)
        self.assertEqual((drift.learnt, drift.baseline), (True, 1000))
        drift.update(32767)
        self.assertTrue(drift.q8 <= 256 + 24, drift.q8)
        for _ in range(400):
            drift.update(1500)
        self.assertEqual(drift.q8, 384)

    def test_drift_goes_on_from_what_was_stored(self):
        drift = Drift(100, 5)
        drift.restore(1000, 300)
        self.assertEqual(drift.update(1172), 300)
        for bad in ((0, 256), (1000, -1), (40000, 256)):
            with self.assertRaises(ValueError):
                drift.restore(*bad)

    def test_drift_allocates_nothing_at_full_scale(self):
        drift = Drift(4, 14)

        def exercise():
            for i in range(30):
                drift.update(32767 if i & 1 else 0)

        exercise()
        drift.relearn()
        with no_allocation():
            exercise()

    def test_bearing_frequencies_of_a_6205(self):
        # 9 balls of 7.94 mm on 39.04 mm at 1797 rpm: orders 3.585, 5.415, 2.357, 0.398
        found = bearing_frequencies(29.95, 9, 7.94, 39.04)
        for name, order in (("bpfo", 3.5848), ("bpfi", 5.4152), ("bsf", 2.3567), ("ftf", 0.39831)):
            self.assertTrue(abs(found[name] / 29.95 - order) < 0.001, (name, found[name]))

    def test_impossible_geometry_is_refused(self):
        for speed, balls, ball, pitch in ((0, 9, 8, 39), (30, 1, 8, 39), (30, 9, 40, 39),
                                          (float("nan"), 9, 8, 39)):
            with self.assertRaises(ValueError):
                bearing_frequencies(speed, balls, ball, pitch)


if __name__ == "__main__":
    unittest.main()
