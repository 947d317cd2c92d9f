# SPDX-License-Identifier: Apache-2.0
"""The alarm machine: limits, timers, latch, suppression, faults, silence, wrapping ticks."""

import unittest

from noalloc import no_allocation
from tocsin.config.defaults import complete
from tocsin.monitor import alarm as a
from tocsin.monitor.alarm import Alarm, AlarmError, event_names
from tocsin.monitor.ticks import add

MINUTE = 60000
LAST_TICK = (1 << 30) - 1


def rule(**keys):
    keys.setdefault("source", "fridge.temperature")
    keys.setdefault("side", "high")
    keys.setdefault("limit", 8.0)
    config = {"version": 1, "device": {"id": "d"}, "pipelines": {
        "fridge": {"sensor": {"driver": "sim"}}}, "alarms": {"x": keys}}
    return complete(config)["alarms"]["x"]


def build(**keys):
    return Alarm("temp", rule(**keys), 0.01)


class Feed:
    """Feeds an alarm one value a minute and keeps what it said."""

    def __init__(self, alarm, start=0):
        self.alarm = alarm
        self.now = start

    def run(self, value, minutes=1):
        events = 0
        for _ in range(minutes):
            self.now = (self.now + MINUTE) & LAST_TICK
            events |= self.alarm.update(value, self.now)
        return events


class TestLimit(unittest.TestCase):
    def test_the_limit_itself_is_outside(self):
        for side, good, edge in (("high", 799, 800), ("low", 801, 800)):
            alarm = build(side=side)
            self.assertEqual(alarm.update(good, 0), 0)
            self.assertEqual(alarm.update(edge, MINUTE), a.ALARM_ON)
            self.assertEqual(alarm.state, a.ALARM)
            self.assertEqual(alarm.update(good, 2 * MINUTE), a.RETURNED)

    def test_limit_between_two_integers_moves_outwards(self):
        alarm = Alarm("t", rule(limit=8.0), 0.3)
        self.assertEqual(alarm.update(26, 0), 0)
        self.assertEqual(alarm.update(27, 1), a.ALARM_ON)
        alarm = Alarm("t", rule(limit=8.0, side="low"), 0.3)
        self.assertEqual(alarm.update(27, 0), 0)
        self.assertEqual(alarm.update(26, 1), a.ALARM_ON)

    def test_offset_shifts_the_limit(self):
        alarm = Alarm("t", rule(limit=8.0), 0.01, -273.15)
        self.assertEqual(alarm.update(28114, 0), 0)
        self.assertEqual(alarm.update(28115, 1), a.ALARM_ON)
        self.assertEqual(alarm.record(a.ALARM_ON)["value"], 8.0)

    def test_dead_band_must_be_left(self):
        alarm = build(dead_band=0.5)
        alarm.update(810, 0)
        self.assertEqual(alarm.update(799, 1), 0)
        self.assertEqual(alarm.update(750, 2), 0)
        self.assertEqual(alarm.update(749, 3), a.RETURNED)

    def test_warning_then_alarm_then_warning_then_normal(self):
        alarm = build(warning=7.0)
        self.assertEqual(alarm.update(700, 0), a.WARNING_ON)
        self.assertEqual(alarm.update(800, 1), a.ALARM_ON)
        self.assertEqual(alarm.update(799, 2), a.WARNING_ON)
        self.assertEqual(alarm.update(699, 3), a.RETURNED)

    def test_without_limit_only_the_sensor_is_watched(self):
        alarm = build(limit=None)
        self.assertEqual(alarm.update(32767, 0), 0)
        self.assertEqual(alarm.tick(900000), a.MISSING_ON)

    def test_limits_out_of_reach_are_refused(self):
        for scale, offset, keys in (
                (0.0, 0.0, {}), (-0.01, 0.0, {}), (float("nan"), 0.0, {}),
                (0.01, float("inf"), {}), (1e-6, 0.0, {"limit": 1e6}),
                (0.01, 0.0, {"limit": float("nan")}), (1e-8, 0.0, {"limit": 0, "dead_band": 9})):
            with self.assertRaises(AlarmError):
                Alarm("t", rule(**keys), scale, offset)


class TestTimers(unittest.TestCase):
    def test_alarm_waits_for_delay(self):
        feed = Feed(build(delay_s=600))
        self.assertEqual(feed.run(810, 10), 0)
        self.assertEqual(feed.run(810), a.ALARM_ON)

    def test_a_return_restarts_the_delay(self):
        feed = Feed(build(delay_s=600))
        feed.run(810, 10)
        feed.run(799)
        self.assertEqual(feed.run(810, 10), 0)
        self.assertEqual(feed.run(810), a.ALARM_ON)

    def test_time_in_the_dead_band_neither_counts_nor_ends(self):
        feed = Feed(build(delay_s=600, dead_band=0.5))
        feed.run(810, 5)
        feed.run(780, 60)
        self.assertEqual(feed.run(810, 5), 0)
        self.assertEqual(feed.run(810), a.ALARM_ON)

    def test_warning_has_its_own_delay(self):
        feed = Feed(build(warning=7.0, warning_delay_s=0, delay_s=600))
        self.assertEqual(feed.run(810), a.WARNING_ON)
        self.assertEqual(feed.run(810, 9), 0)
        self.assertEqual(feed.run(810), a.ALARM_ON)

    def test_fridge_warm_20_minutes_every_hour_alarms_by_the_cumulative_timer(self):
        plain = Feed(build(delay_s=1800))
        both = Feed(build(delay_s=1800, cumulative_s=3600, cumulative_window_s=86400))
        hours = 0
        events = 0
        while not events:
            self.assertLess(hours, 24)
            self.assertEqual(plain.run(900, 20) | plain.run(500, 40), 0)
            events = both.run(900, 20) | both.run(500, 40)
            hours += 1
        self.assertEqual(events, a.ALARM_ON)
        self.assertEqual(hours, 3)

    def test_cumulative_time_slides_out_of_its_window(self):
        feed = Feed(build(delay_s=None, cumulative_s=3600, cumulative_window_s=7200))
        feed.run(900, 61)
        self.assertEqual(feed.alarm.state, a.ALARM)
        self.assertEqual(feed.run(500, 55), 0)
        events = feed.run(500, 75)
        self.assertEqual(events, a.RETURNED)

    def test_cumulative_time_since_reset_stays_until_reset(self):
        feed = Feed(build(delay_s=None, cumulative_s=3600))
        feed.run(900, 61)
        self.assertEqual(feed.run(500, 5000), 0)
        self.assertEqual(feed.alarm.state, a.ALARM)
        self.assertEqual(feed.alarm.reset(feed.now), a.RETURNED)
        self.assertEqual(feed.run(900, 60), 0)
        self.assertEqual(feed.run(900), a.ALARM_ON)

    def test_delay_across_the_wrap_of_the_ticks(self):
        feed = Feed(build(delay_s=600), LAST_TICK - 5 * MINUTE)
        self.assertEqual(feed.run(810, 10), 0)
        self.assertEqual(feed.run(810), a.ALARM_ON)
        self.assertLess(feed.alarm.record(a.ALARM_ON)["time_ms"], 10 * MINUTE)


class TestSilence(unittest.TestCase):
    def test_a_gap_counts_neither_as_outside_nor_as_inside(self):
        feed = Feed(build(delay_s=600))
        feed.run(810, 6)
        feed.now += 3600000
        self.assertEqual(feed.run(810, 5), a.MISSING_ON | a.MISSING_OFF)
        self.assertEqual(feed.run(810), a.ALARM_ON)

    def test_data_missing_is_told_once_and_ends_with_a_reading(self):
        alarm = build(data_missing_s=900)
        alarm.update(500, 0)
        self.assertEqual(alarm.tick(899999), 0)
        self.assertEqual(alarm.tick(900000), a.MISSING_ON)
        self.assertEqual(alarm.tick(2000000), 0)
        self.assertTrue(alarm.data_missing)
        self.assertEqual(alarm.update(0, 2000001, False), a.MISSING_OFF)

    def test_silence_from_the_start_is_missing_data(self):
        alarm = build(data_missing_s=900)
        self.assertEqual(alarm.tick(5), 0)
        self.assertEqual(alarm.tick(900005), a.MISSING_ON)

    def test_silence_does_not_end_an_alarm(self):
        alarm = build()
        alarm.update(900, 0)
        alarm.tick(10000000)
        self.assertEqual(alarm.state, a.ALARM)

    def test_longest_counted_gap_can_be_set(self):
        alarm = build(delay_s=600, max_gap_s=30)
        for minute in range(60):
            self.assertEqual(alarm.update(900, minute * MINUTE), 0)
        self.assertEqual(alarm.state, a.NORMAL)


class TestFault(unittest.TestCase):
    def test_sensor_fault_waits_and_ends_with_a_valid_reading(self):
        alarm = build(sensor_fault_s=60)
        alarm.update(500, 0)
        self.assertEqual(alarm.update(0, 1000, False), 0)
        self.assertEqual(alarm.update(0, 60999, False), 0)
        self.assertEqual(alarm.update(0, 61000, False), a.FAULT_ON)
        self.assertEqual(alarm.update(0, 62000, False), 0)
        self.assertEqual(alarm.state, a.NORMAL)
        self.assertEqual(alarm.update(500, 63000), a.FAULT_OFF)

    def test_one_failed_reading_among_good_ones_is_no_fault(self):
        alarm = build(sensor_fault_s=60)
        for i in range(0, 600000, 50000):
            self.assertEqual(alarm.update(0, i, False), 0)
            self.assertEqual(alarm.update(500, i + 25000), 0)

    def test_failed_readings_neither_count_nor_end_an_excursion(self):
        feed = Feed(build(delay_s=600, sensor_fault_s=None, data_missing_s=None))
        feed.run(810, 6)
        for _ in range(30):
            feed.now += MINUTE
            self.assertEqual(feed.alarm.update(0, feed.now, False), 0)
        self.assertEqual(feed.run(810, 4), 0)
        self.assertEqual(feed.run(810), a.ALARM_ON)

    def test_readings_that_only_fail_are_told_like_missing_data(self):
        alarm = build(sensor_fault_s=None, data_missing_s=900)
        for minute in range(15):
            self.assertEqual(alarm.update(0, minute * MINUTE, False), 0)
        self.assertEqual(alarm.update(0, 15 * MINUTE, False), a.FAULT_ON)

    def test_fault_value_is_not_judged(self):
        alarm = build()
        self.assertEqual(alarm.update(32767, 0, False), 0)
        self.assertEqual(alarm.state, a.NORMAL)


class TestLatch(unittest.TestCase):
    def test_latched_alarm_stays_until_acknowledged(self):
        alarm = build(latch=True)
        alarm.update(900, 0)
        self.assertEqual(alarm.update(500, 1), a.LATCHED)
        self.assertEqual(alarm.update(500, 2), 0)
        self.assertEqual((alarm.state, alarm.latched), (a.ALARM, True))
        self.assertEqual(alarm.acknowledge(3), a.ACKNOWLEDGED | a.RETURNED)
        self.assertEqual((alarm.state, alarm.latched), (a.NORMAL, False))

    def test_acknowledged_while_outside_returns_by_itself(self):
        alarm = build(latch=True)
        alarm.update(900, 0)
        self.assertEqual(alarm.acknowledge(1), a.ACKNOWLEDGED)
        self.assertEqual(alarm.acknowledge(2), 0)
        self.assertEqual(alarm.state, a.ALARM)
        self.assertEqual(alarm.update(500, 3), a.RETURNED)

    def test_a_new_alarm_needs_a_new_acknowledgement(self):
        alarm = build(latch=True)
        alarm.update(900, 0)
        alarm.acknowledge(1)
        alarm.update(500, 2)
        alarm.update(900, 3)
        self.assertFalse(alarm.acknowledged)
        self.assertEqual(alarm.update(500, 4), a.LATCHED)

    def test_an_acknowledged_warning_that_grows_needs_a_new_one(self):
        alarm = build(warning=7.0, latch=True)
        alarm.update(750, 0)
        self.assertEqual(alarm.acknowledge(1), a.ACKNOWLEDGED)
        alarm.update(900, 2)
        self.assertFalse(alarm.acknowledged)
        self.assertEqual(alarm.update(500, 3), a.LATCHED)

    def test_nothing_to_acknowledge(self):
        self.assertEqual(build().acknowledge(0), 0)


class TestSuppression(unittest.TestCase):
    def test_defrost_does_not_alarm_and_its_time_does_not_count(self):
        feed = Feed(build(delay_s=600, suppress=["defrost"]))
        feed.run(500)
        self.assertEqual(feed.alarm.suppress(a.DEFROST, feed.now), a.SUPPRESS_ON)
        self.assertEqual(feed.run(1200, 60), 0)
        self.assertEqual(feed.alarm.release(a.DEFROST, feed.now), a.SUPPRESS_OFF)
        self.assertEqual(feed.run(900, 10), 0)
        self.assertEqual(feed.run(900), a.ALARM_ON)

    def test_a_defrost_that_never_ends_alarms(self):
        feed = Feed(build(suppress=["defrost"], suppress_max_s=3600))
        feed.run(500)
        feed.alarm.suppress(a.DEFROST, feed.now)
        self.assertEqual(feed.run(1200, 59), 0)
        self.assertEqual(feed.run(1200), a.SUPPRESS_EXPIRED | a.ALARM_ON)
        self.assertEqual(feed.alarm.suppress(a.DEFROST, feed.now), 0)
        self.assertFalse(feed.alarm.suppressed)
        feed.alarm.release(a.DEFROST, feed.now)
        self.assertEqual(feed.alarm.suppress(a.DEFROST, feed.now), a.SUPPRESS_ON)

    def test_a_reason_not_listed_is_ignored(self):
        alarm = build(suppress=["maintenance"])
        self.assertEqual(alarm.suppress(a.DEFROST, 0), 0)
        self.assertEqual(alarm.update(900, 1), a.ALARM_ON)

    def test_two_reasons_end_with_the_later_one(self):
        alarm = build(suppress=["defrost", "maintenance"])
        alarm.suppress(a.DEFROST, 0)
        self.assertEqual(alarm.suppress(a.MAINTENANCE, 1), 0)
        self.assertEqual(alarm.release(a.DEFROST, 2), 0)
        self.assertEqual(alarm.update(900, 3), 0)
        self.assertEqual(alarm.release(a.MAINTENANCE, 4), a.SUPPRESS_OFF)
        self.assertEqual(alarm.update(900, 5), a.ALARM_ON)

    def test_an_expired_reason_does_not_prolong_another_one(self):
        alarm = build(suppress=["defrost", "maintenance"], suppress_max_s=3600)
        alarm.suppress(a.DEFROST, 0)
        self.assertEqual(alarm.tick(3600000), a.SUPPRESS_EXPIRED | a.MISSING_ON)
        self.assertEqual(alarm.suppress(a.MAINTENANCE, 3600001), a.SUPPRESS_ON)
        self.assertEqual(alarm.release(a.MAINTENANCE, 3600002), a.SUPPRESS_OFF)

    def test_a_return_is_seen_while_suppressed(self):
        alarm = build(suppress=["defrost"])
        alarm.update(900, 0)
        alarm.suppress(a.DEFROST, 1)
        self.assertEqual(alarm.update(500, 2), a.RETURNED)

    def test_held_readings_are_not_judged_and_not_missing(self):
        alarm = build(delay_s=120)
        alarm.update(900, 0)
        for minute in range(1, 60):
            self.assertEqual(alarm.hold(minute * MINUTE), 0)
        self.assertEqual(alarm.state, a.NORMAL)
        self.assertEqual(alarm.update(900, 60 * MINUTE), 0)
        self.assertEqual(alarm.update(900, 61 * MINUTE), a.ALARM_ON)


class TestRecord(unittest.TestCase):
    def test_record_of_a_change(self):
        feed = Feed(build(delay_s=120), 1000)
        feed.run(500)
        feed.run(810)
        feed.run(950)
        mask = feed.run(900)
        self.assertEqual(feed.alarm.record(mask, [["door", 200]]), {
            "rule": "temp", "events": ["alarm"], "old": "normal", "new": "alarm",
            "latched": False, "acknowledged": False, "value": 9.0, "time_ms": 241000,
            "since_ms": 121000, "lasted_s": 120, "total_s": 120, "peak": 9.5,
            "reasons": [["door", 200]]})

    def test_record_of_a_return_tells_the_excursion_that_ended(self):
        alarm = build(side="low", limit=2.0)
        alarm.update(100, 0)
        alarm.update(-300, MINUTE)
        record = alarm.record(alarm.update(400, 2 * MINUTE))
        self.assertEqual((record["old"], record["new"]), ("alarm", "normal"))
        self.assertEqual((record["peak"], record["lasted_s"]), (-3.0, 120))

    def test_record_of_a_condition_leaves_the_state(self):
        alarm = build()
        alarm.update(900, 0)
        record = alarm.record(alarm.tick(900000))
        self.assertEqual(record["events"], ["data_missing"])
        self.assertEqual((record["old"], record["new"]), ("alarm", "alarm"))

    def test_every_event_bit_has_a_name(self):
        self.assertEqual(len(event_names(4095)), 12)
        self.assertEqual(
            event_names(a.ACKNOWLEDGED | a.FAULT_ON), ["sensor_fault", "acknowledged"])


class TestNoAllocation(unittest.TestCase):
    def test_everything_per_sample_allocates_nothing(self):
        alarm = build(
            warning=7.0, delay_s=120, dead_band=0.5, latch=True, cumulative_s=3600,
            cumulative_window_s=2678400, suppress=["defrost"], suppress_max_s=300)

        def exercise():
            now = LAST_TICK - 300000
            for i in range(120):
                now = add(now, MINUTE)
                alarm.update(500 + (i * 37) % 500, now, i % 7 != 0)
                alarm.tick(now)
                if i % 10 == 0:
                    alarm.suppress(a.DEFROST, now)
                if i % 10 == 9:
                    alarm.release(a.DEFROST, now)
                    alarm.hold(now)
            alarm.tick(add(now, (1 << 29) - 1))
            alarm.acknowledge(now)
            alarm.reset(now)

        exercise()
        with no_allocation():
            exercise()


if __name__ == "__main__":
    unittest.main()
