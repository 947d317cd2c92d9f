# SPDX-License-Identifier: Apache-2.0
"""What survives a reset: latches, times outside, baselines; what is damaged is refused."""

import json
import unittest
from array import array

from firmware.app import App
from firmware.clock import Clock
from firmware.drivers.replay import Replay
from firmware.state import State
from test_firmware_app import (
    GOLDEN,
    TEMPERATURE,
    Machine,
    Scheduler,
    build,
    configuration,
    records,
)
from tocsin.monitor.excursion import Excursion


def config(**rule):
    text = configuration()
    text["alarms"]["temp_high"].update(dict({"latch": True, "cumulative_s": 100_000}, **rule))
    text["outputs"]["stop"]["latch"] = True
    return json.dumps(text).encode()


def reboot(store, drivers=None):
    """The same flash in a new board; its room stays at 4 degC."""
    scheduler = Scheduler()
    clock = Clock(scheduler, scheduler, 4)
    found = {
        "slow": lambda settings, clock, store, hardware: Replay(
            clock, TEMPERATURE, 17, array("h", [400] * 10)),
        "fast": lambda settings, clock, store, hardware: Replay(
            clock, [GOLDEN["channel"]], GOLDEN["rate_mhz"], array("h", GOLDEN["vibration"]))}
    found.update(drivers or {})
    app = App(clock, store, Machine, found, echo=None)
    scheduler.create_task(app.run())
    return app, scheduler


def after_an_alarm(**rule):
    """A store that an app left behind whose latched alarm is back to good values."""
    app, scheduler, store = build(config=config(**rule))
    scheduler.run(3600 * 1000)
    assert app.alarms["temp_high"].latched
    return app, store


class TestReset(unittest.TestCase):
    def test_latch_and_time_outside_survive(self):
        before, store = after_an_alarm()
        app, scheduler = reboot(store)
        alarm, old = app.alarms["temp_high"], before.alarms["temp_high"]
        self.assertEqual((alarm.state, alarm.latched), (2, True))
        self.assertEqual(app.problems, [])
        self.assertTrue(0 <= old._limit.time.total_s - alarm._limit.time.total_s <= 900)
        scheduler.run(600 * 1000)
        self.assertEqual((alarm.state, app.outputs.tripped()), (2, ["stop"]))

    def test_acknowledged_alarm_stays_acknowledged(self):
        from firmware import operator

        before, store = after_an_alarm()
        self.assertTrue(operator.release(before, "stop"))
        before.kept.save(before)
        app, scheduler = reboot(store)
        scheduler.run(600 * 1000)
        self.assertEqual((app.alarms["temp_high"].state, app.outputs.tripped()), (0, []))

    def test_baseline_of_the_drift_survives(self):
        before, store = after_an_alarm()
        before.kept.save(before)
        learnt = before.pipelines["motor"].machine.drift
        self.assertTrue(learnt.learnt)
        drift = reboot(store)[0].pipelines["motor"].machine.drift
        self.assertEqual((drift.learnt, drift.baseline, drift.q8),
                         (True, learnt.baseline, learnt.q8))

    def test_another_limit_keeps_the_latch_but_not_the_time(self):
        _, store = after_an_alarm()
        store.files["config.json"] = config(limit=9.0)
        alarm = reboot(store)[0].alarms["temp_high"]
        self.assertEqual((alarm.state, alarm.latched, alarm._limit.time.total_s), (2, True, 0))

    def test_rule_that_does_not_latch_any_more_starts_afresh(self):
        _, store = after_an_alarm()
        store.files["config.json"] = config(latch=False, limit=9.0)
        self.assertEqual(reboot(store)[0].alarms["temp_high"].state, 0)

    def test_excursion_under_way_goes_on(self):
        app, scheduler, store = build(config=config())
        scheduler.run(32 * 60 * 1000)
        self.assertEqual(app.alarms["temp_high"].state, 2)
        hot = {"slow": lambda settings, clock, store, hardware: Replay(
            clock, TEMPERATURE, 17, array("h", [950] * 10))}
        again, scheduler = reboot(store, hot)
        scheduler.run(120 * 1000)
        self.assertEqual(again.alarms["temp_high"].state, 2)
        told = [r["new"] for r in records(store, "alarm") if r["rule"] == "temp_high"]
        self.assertEqual(told, ["alarm"])

    def test_alarm_of_a_pipeline_that_cannot_be_built_stays_saved(self):
        before, store = after_an_alarm()
        before.kept.save(before)

        def broken(settings, clock, store, hardware):
            raise OSError("no chip")

        app, _ = reboot(store, {"slow": broken, "fast": broken})
        app.kept.save(app)
        again, _ = reboot(store)
        self.assertTrue(again.alarms["temp_high"].latched)
        self.assertTrue(again.pipelines["motor"].machine.drift.learnt)


class TestFiles(unittest.TestCase):
    def test_damaged_file_leaves_the_older_one(self):
        before, store = after_an_alarm()
        generation = before.kept.generation
        self.assertTrue(generation > 1)
        newest = "state." + "ab"[generation & 1]
        sound = store.files[newest]
        for at in range(0, len(sound), 7):
            data = bytearray(sound)
            data[at] ^= 4
            store.files[newest] = bytes(data)
            self.assertEqual(State(store).generation, generation - 1)
        store.files[newest] = sound[:-1]
        self.assertEqual(State(store).generation, generation - 1)
        store.files[newest] = sound
        self.assertEqual(State(store).generation, generation)

    def test_sound_file_of_another_make_is_no_accident(self):
        import binascii

        before, store = after_an_alarm()
        for body in ([], 5, None, {"alarms": 3, "drift": [], "hours": "x"},
                     {"alarms": {"temp_high": 3}, "drift": {"motor": [1]}},
                     {"alarms": {"temp_high": [2, True]}, "drift": {"motor": "no"}},
                     {"alarms": {"temp_high": [2, True, False, [], None]}},
                     {"alarms": {"temp_high": [2, True, False, None, None]}, "drift": {
                         "motor": before.pipelines["motor"].machine._of + [0, 9]}}):
            text = json.dumps([9999, body])
            data = "%08x %s" % (binascii.crc32(text.encode()) & 0xFFFFFFFF, text)
            store.files["state.a"] = store.files["state.b"] = data.encode()
            app, scheduler = reboot(store)
            self.assertEqual(app.alarms["temp_high"].state, 0)
            scheduler.run(60 * 1000)
            self.assertEqual(app.health.task_failures, 0)

    def test_nothing_new_writes_nothing(self):
        before, store = after_an_alarm()
        before.kept.save(before)
        generation = before.kept.generation
        before.kept.save(before)
        self.assertEqual(before.kept.generation, generation)

    def test_chattering_alarm_is_saved_four_times_in_15_minutes(self):
        class Writes:
            def __init__(self):
                self.at = []

            def read(self, name, limit):
                return None

            def replace(self, name, data):
                self.at.append(now[0])
                return True

        class Chatter:
            class outputs:
                latched = staticmethod(lambda: [len(store.at)])

            config = {"alarms": {}, "pipelines": {}}
            alarms = pipelines = {}

            class clock:
                uptime_s = staticmethod(lambda: now[0])

        now = [0]
        store = Writes()
        state = State(store)
        for now[0] in range(3600):
            state.changed = True
            state.tick(Chatter)
        self.assertEqual(len(store.at), 4 + 3 * 5)
        self.assertEqual(store.at[:6], [0, 1, 2, 3, 900, 901])


class TestRollingTime(unittest.TestCase):
    def test_window_goes_on_where_it_stopped(self):
        one = Excursion(True, 100, 0, 0, 3600, 86400)
        for _ in range(40):
            one.update(120, 0)
            one.elapse(1_000_000, True)
        two = Excursion(True, 100, 0, 0, 3600, 86400)
        self.assertTrue(two.restore(json.loads(json.dumps(one.keep())), 0))
        self.assertEqual((two.time.total_s, two.due()), (40_000, True))
        for excursion in (one, two):
            excursion.update(0, 0)
            excursion.elapse(70_000_000, True)
        self.assertEqual(two.time.total_s, one.time.total_s)
        other = Excursion(True, 100, 0, 0, 3600, 3600)
        self.assertRaises(ValueError, other.restore, one.keep(), 0)
