# SPDX-License-Identifier: Apache-2.0
"""Cold chain: mean kinetic temperature, doors, defrosts, compressor duty."""

import unittest

from noalloc import no_allocation
from tocsin.config.defaults import complete
from tocsin.monitor.coldchain import MISSING, ColdChain
from tocsin.monitor.defrost import IDLE, OVERDUE, RUNNING, Defrost
from tocsin.monitor.door import InferredDoor
from tocsin.monitor.mkt import MeanKineticTemperature
from tocsin.monitor.onoff import OnOff
from tocsin.monitor.ticks import add

MINUTE = 60000
HOUR = 3600000
LAST = (1 << 30) - 1


def section(**keys):
    keys["temperature"] = "t"
    pipeline = {"sensor": {"driver": "sim"}, "cold_chain": keys}
    config = {"version": 1, "device": {"id": "d"}, "pipelines": {"p": pipeline}, "alarms": {}}
    return complete(config)["pipelines"]["p"]["cold_chain"]


class TestMeanKineticTemperature(unittest.TestCase):
    def test_no_value(self):
        self.assertEqual(MeanKineticTemperature().centi(), MISSING)

    def test_constant_temperature_is_its_own_mean(self):
        for centi in (-9000, -8000, -1834, 0, 523, 2000, 8500):
            mkt = MeanKineticTemperature(24)
            for minute in range(300):
                mkt.update(centi, minute * MINUTE)
            self.assertTrue(abs(mkt.centi() - centi) <= 2, (centi, mkt.centi()))

    def test_an_hour_warm_weighs_more_than_its_share(self):
        # 23 h at 5.00 and 1 h at 25.00 degC: 7.76 by the formula, 5.83 on average
        mkt = MeanKineticTemperature(24)
        for minute in range(1440):
            mkt.update(2500 if 600 <= minute < 660 else 500, minute * MINUTE)
        self.assertTrue(abs(mkt.centi() - 776) <= 2, mkt.centi())

    def test_what_is_older_than_the_window_is_forgotten(self):
        mkt = MeanKineticTemperature(24)
        for hour in range(24):
            mkt.update(2500, hour * HOUR)
        for hour in range(24, 50):
            mkt.update(500, hour * HOUR)
        self.assertTrue(abs(mkt.centi() - 500) <= 2, mkt.centi())
        mkt.tick(190 * HOUR)
        self.assertEqual((mkt.count, mkt.centi()), (0, MISSING))

    def test_thirty_days(self):
        mkt = MeanKineticTemperature(720, 30)
        now = 0
        for _ in range(800):
            mkt.update(2200, now)
            now = add(now, HOUR)
        self.assertTrue(719 <= mkt.count <= 745, mkt.count)
        self.assertTrue(abs(mkt.centi() - 2200) <= 2)

    def test_allocates_nothing(self):
        mkt = MeanKineticTemperature(24)

        def exercise():
            now = LAST - 30 * HOUR
            for i in range(60):
                now = add(now, HOUR)
                mkt.update(-9000 + i * 290, now)
                mkt.centi()

        exercise()
        with no_allocation():
            exercise()


class TestInferredDoor(unittest.TestCase):
    def feed(self, door, values, humidities=None, start=0):
        seen = []
        for i in range(len(values)):
            humidity = MISSING if humidities is None else humidities[i]
            seen.append(door.update(values[i], humidity, (start + i) * MINUTE))
        return seen

    def test_steep_rise_opens_and_cooling_closes(self):
        door = InferredDoor(400, 300000)
        seen = self.feed(door, [-1900, -1890, -1900, -1700, -1480, -1300, -1250, -1340, -1360])
        self.assertEqual(seen, [False] * 4 + [True] * 4 + [False])

    def test_slow_rise_of_a_defrost_does_not_open(self):
        door = InferredDoor(500, 300000)
        self.assertNotIn(True, self.feed(door, [-1900 + 80 * i for i in range(25)]))

    def test_humidity_must_jump_when_asked_for(self):
        rise = [-1900, -1900, -1400, -1000]
        self.assertNotIn(True, self.feed(InferredDoor(400, 300000, 800), rise, [5000] * 4))
        self.assertIn(True, self.feed(
            InferredDoor(400, 300000, 800), rise, [5000, 5000, 5900, 6500]))
        self.assertIn(True, self.feed(InferredDoor(400, 300000, 800), rise))

    def test_rise_over_a_gap_does_not_open(self):
        door = InferredDoor(400, 300000)
        door.update(-1900, MISSING, 0)
        self.assertFalse(door.update(-1000, MISSING, 400000))


class TestDefrost(unittest.TestCase):
    def build(self, **keys):
        keys.setdefault("max_ms", HOUR)
        return Defrost(-1500, -1700, **keys)

    def test_warm_up_from_cold_is_a_defrost(self):
        defrost = self.build()
        defrost.update(-1900, 0)
        self.assertEqual(defrost.update(-1500, MINUTE), RUNNING)
        self.assertEqual(defrost.update(-300, 31 * MINUTE), RUNNING)
        self.assertEqual(defrost.seconds(), 1800)
        self.assertEqual(defrost.update(-1699, 50 * MINUTE), RUNNING)
        self.assertEqual(defrost.update(-1700, 51 * MINUTE), IDLE)
        self.assertEqual((defrost.seconds(), defrost.count), (0, 1))

    def test_a_cabinet_found_warm_is_no_defrost(self):
        defrost = self.build()
        self.assertEqual(defrost.update(-300, 0), IDLE)
        self.assertEqual(defrost.update(-200, MINUTE), IDLE)

    def test_a_defrost_that_does_not_end_is_overdue(self):
        defrost = self.build()
        defrost.update(-1900, 0)
        defrost.update(-1400, MINUTE)
        self.assertEqual(defrost.update(-300, 61 * MINUTE), OVERDUE)
        self.assertEqual(defrost.update(-300, 181 * MINUTE), OVERDUE)
        self.assertEqual(defrost.seconds(), 10800)
        self.assertEqual(defrost.update(-1700, 190 * MINUTE), IDLE)

    def test_an_open_door_is_no_defrost_even_after_it_is_shut(self):
        defrost = self.build()
        defrost.update(-1900, 0)
        self.assertEqual(defrost.update(-1400, MINUTE, True), IDLE)
        self.assertEqual(defrost.update(-1300, 2 * MINUTE, False), IDLE)

    def test_a_door_noticed_late_was_the_cause(self):
        for minutes, state in ((5, IDLE), (6, RUNNING)):
            defrost = self.build()
            defrost.update(-1900, 0)
            self.assertEqual(defrost.update(-1400, MINUTE), RUNNING)
            self.assertEqual(defrost.update(-1000, (1 + minutes) * MINUTE, True), state)

    def test_a_second_warm_up_too_soon_is_no_defrost(self):
        defrost = self.build(min_interval_ms=4 * HOUR)
        now = 0
        for value, state in ((-1900, IDLE), (-1400, RUNNING), (-1800, IDLE), (-1400, IDLE)):
            now += 10 * MINUTE
            self.assertEqual(defrost.update(value, now), state)

    def test_input_of_the_controller_decides(self):
        defrost = self.build(recovery_ms=30 * MINUTE)
        self.assertEqual(defrost.update(-1000, 0, False, 0), IDLE)
        self.assertEqual(defrost.update(-1900, MINUTE, True, 1), RUNNING)
        self.assertEqual(defrost.update(-300, 20 * MINUTE, False, 0), RUNNING)
        self.assertEqual(defrost.update(-900, 45 * MINUTE, False, 0), IDLE)


class TestOnOff(unittest.TestCase):
    def test_duty_starts_and_time_on(self):
        compressor = OnOff(86400)
        now = 0
        for i in range(180):
            now = i * MINUTE
            compressor.update(i % 30 < 10, now)
        self.assertEqual(compressor.starts, 6)
        self.assertTrue(abs(compressor.duty_q8() - 85) <= 1, compressor.duty_q8())
        compressor.update(True, now + MINUTE)
        compressor.update(True, now + 6 * MINUTE)
        self.assertEqual(compressor.on_s(), 300)

    def test_silence_counts_neither_as_on_nor_as_off(self):
        thing = OnOff(86400)
        thing.update(True, 0)
        thing.update(True, 600000)
        thing.update(False, 600000 + 10 * HOUR)
        thing.update(False, 1200000 + 10 * HOUR)
        self.assertEqual(thing.duty_q8(), 128)


class TestColdChain(unittest.TestCase):
    def test_builds_only_what_is_asked_for(self):
        chain = ColdChain(section(), 0.01, 0.0)
        chain.update(0, 500)
        self.assertEqual(
            (chain.door_open_s(), chain.defrost_s(), chain.duty_q8(), chain.mkt_centi()),
            (0, 0, 0, MISSING))

    def test_reed_defrost_and_mkt_together(self):
        chain = ColdChain(section(
            mkt_h=24, door={"input": "reed"}, defrost={"start": -15, "end": -17},
            compressor={"input": "motor", "on": 1}), 0.05, -20.0)
        for minute in range(10):
            chain.update(minute * MINUTE, 20, MISSING, 0, -1, minute % 2)
        self.assertEqual(chain.mkt_centi(), -1900)
        self.assertTrue(113 <= chain.duty_q8() <= 114)
        for minute in range(10, 16):
            chain.update(minute * MINUTE, 20, MISSING, 1)
        self.assertEqual((chain.door_open, chain.door_open_s()), (True, 300))
        chain.update(16 * MINUTE, 20, MISSING, 0)
        chain.update(17 * MINUTE, 110, MISSING, 0)
        chain.update(18 * MINUTE, MISSING, MISSING, 0)
        chain.update(19 * MINUTE, 130, MISSING, 0)
        self.assertEqual((chain.door_open, chain.defrosting), (False, True))
        self.assertEqual(chain.defrost_s(), 120)

    def test_allocates_nothing(self):
        chain = ColdChain(section(
            mkt_h=24, humidity="h", door={"rise": 4, "rise_s": 300, "humidity_jump": 5},
            defrost={"start": -15, "end": -17}, compressor={"input": "c", "on": 1}), 0.01, 0.0)

        def exercise():
            now = LAST - 30 * MINUTE
            for i in range(90):
                now = add(now, MINUTE)
                chain.update(now, -1900 + i * i % 1700, 5000 + i * 7, -1, -1, i & 1)
                chain.door_open_s()
                chain.defrost_s()
                chain.duty_q8()
                chain.mkt_centi()

        exercise()
        with no_allocation():
            exercise()


if __name__ == "__main__":
    unittest.main()
