# SPDX-License-Identifier: Apache-2.0
"""Validation, defaults and falling back: an invalid configuration never means no alarms."""

import json
import unittest

from tocsin.config import presets
from tocsin.config.defaults import choose, complete, copy
from tocsin.config.rescue import factory, rescue, safe_rule
from tocsin.config.schema import validate
from tocsin.config.strict import ConfigError

GOOD = {
    "version": 1, "device": {"id": "fridge-1", "site": "store", "board": "rpi_pico_w"},
    "pipelines": {
        "fridge": {
            "sensor": {"driver": "replay", "period_ms": 60000, "channels": [
                {"name": "temperature", "unit": "degC", "scale": 0.01, "offset": 0}]},
            "schedule": {"every_s": 60},
            "cold_chain": {"temperature": "temperature", "mkt_h": 24,
                           "defrost": {"start": 5, "end": 4}, "door": {}}},
        "motor": {
            "sensor": {"driver": "adxl345", "pins": [4, 5]}, "model": "motor.tcb",
            "run_gate": {"source": "rms", "on": 0.5, "off": 0.2},
            "vibration": {"zones": [1.8, 4.5, 11.2]}}},
    "alarms": {
        "temp_high": {"source": "fridge.temperature", "side": "high", "limit": 8.0, "warning": 7.5,
                      "delay_s": 600, "dead_band": 0.5, "suppress": ["defrost"]},
        "temp_low": {"source": "fridge.temperature", "side": "low", "limit": 2.0},
        "motor_score": {"source": "motor.score", "side": "high", "limit": 1.5, "latch": True},
        "part_bad": {"source": "motor.label:bad part", "side": "high", "limit": 1}},
    "outputs": {"stop": {"driver": "relay", "pin": 15, "alarms": ["motor_score", "part_bad"]}},
    "sinks": [{"driver": "file", "path": "records", "max_bytes": 65536}]}

MISSING = ("remove", None)


def changed(path, value):
    config = copy(GOOD)
    holder = config
    parts = path.split(".")
    for part in parts[:-1]:
        holder = holder[part]
    if value is MISSING:
        del holder[parts[-1]]
    else:
        holder[parts[-1]] = value
    return config


NAN = float("nan")
INF = float("inf")
LIMIT = "alarms.temp_high.limit"
BAD = (
    ("version", 2, "version"), ("version", True, "version"), ("version", MISSING, "version"),
    ("device", MISSING, "device"), ("device.id", "No Spaces", "device.id"),
    ("device.id", 5, "device.id"), ("pipelines", [], "pipelines"), ("alarms", None, "alarms"),
    ("extra", 1, "extra"), ("alarms.temp_high.extra", 1, "alarms.temp_high.extra"),
    (LIMIT, NAN, LIMIT), (LIMIT, INF, LIMIT), (LIMIT, -INF, LIMIT), (LIMIT, True, LIMIT),
    (LIMIT, "8.0", LIMIT), (LIMIT, [8], LIMIT), (LIMIT, 1e10, LIMIT), (LIMIT, MISSING, LIMIT),
    (LIMIT, None, "alarms.temp_high.warning"),
    ("alarms.temp_high.warning", 8.1, "alarms.temp_high.warning"),
    ("alarms.temp_low.warning", 1.9, "alarms.temp_low.warning"),
    ("alarms.temp_high.dead_band", -0.1, "alarms.temp_high.dead_band"),
    ("alarms.temp_high.dead_band", 5.5, "alarms.temp_low.dead_band"),
    ("alarms.temp_low.limit", 8.0, "alarms.temp_low"),
    ("alarms.temp_high.delay_s", None, "alarms.temp_high.delay_s"),
    ("alarms.temp_high.delay_s", -1, "alarms.temp_high.delay_s"),
    ("alarms.temp_high.cumulative_s", 1.5, "alarms.temp_high.cumulative_s"),
    ("alarms.temp_high.cumulative_window_s", 600, "alarms.temp_high.cumulative_window_s"),
    ("alarms.temp_high.side", "both", "alarms.temp_high.side"),
    ("alarms.temp_high.side", ["high"], "alarms.temp_high.side"),
    ("alarms.temp_high.suppress", ["sleep"], "alarms.temp_high.suppress[0]"),
    ("alarms.temp_high.suppress", ["defrost", "defrost"], "alarms.temp_high.suppress"),
    ("alarms.temp_high.source", "freezer.temperature", "alarms.temp_high.source"),
    ("alarms.temp_high.source", "temperature", "alarms.temp_high.source"),
    ("alarms.temp_high.latch", 1, "alarms.temp_high.latch"),
    ("outputs.stop.alarms", ["gone"], "outputs.stop.alarms"),
    ("outputs.stop.alarms", ["part_bad", "part_bad"], "outputs.stop.alarms"),
    ("outputs.siren", {"driver": "buzzer", "pin": 15, "alarms": []}, "outputs.stop.pin"),
    ("pipelines.motor.vibration.zones", [1, 3, 2], "pipelines.motor.vibration.zones"),
    ("pipelines.motor.run_gate.off", 0.6, "pipelines.motor.run_gate.off"),
    ("pipelines.motor.sensor.driver", MISSING, "pipelines.motor.sensor.driver"),
    ("pipelines.motor.sensor.gain", NAN, "pipelines.motor.sensor.gain"),
    ("pipelines.motor.sensor.deep", {"a": {"b": {"c": 1}}}, "pipelines.motor.sensor.deep"),
    ("pipelines.motor.placement", {"raw": "sometimes"}, "pipelines.motor.placement.raw"),
    ("pipelines.fridge.cold_chain.defrost.end", 6, "pipelines.fridge.cold_chain.defrost.end"),
    ("pipelines.fridge.cold_chain.door", {"humidity_jump": 5},
     "pipelines.fridge.cold_chain.door.humidity_jump"),
    ("pipelines.fridge.sensor.channels", [{"name": "a"}, {"name": "a"}],
     "pipelines.fridge.sensor.channels"),
    ("sinks", [{"path": "x"}], "sinks[0].driver"))


class TestValidate(unittest.TestCase):
    def test_a_good_configuration_has_no_problem(self):
        self.assertEqual(validate(GOOD), [])
        self.assertEqual(validate(complete(GOOD)), [])

    def test_each_mistake_is_told_with_its_path_on_one_line(self):
        for path, value, where in BAD:
            problems = validate(changed(path, value))
            self.assertTrue(problems, path)
            self.assertTrue(problems[0].startswith(where + ":"), (path, problems))
            for line in problems:
                self.assertNotIn("\n", line)
                self.assertLess(len(line), 200)

    def test_any_value_is_survived(self):
        for value in (None, True, 0, NAN, "", "x", [], [[]], {}, {"version": {}}, {"alarms": [1]},
                      {"version": 1, "device": 1, "pipelines": 1, "alarms": 1, "outputs": 1}):
            self.assertTrue(validate(value))

    def test_hostile_keys_stay_on_one_line(self):
        for key in ("a\nb", "\x1b[2J", "x" * 5000, "\u2028", ""):
            for line in validate({key: 1}):
                self.assertNotIn("\n", line)
                self.assertLess(len(line), 120)

    def test_problems_are_bounded(self):
        self.assertLess(len(validate({"k%d" % i: 1 for i in range(500)})), 21)


class TestDefaults(unittest.TestCase):
    def test_complete_fills_in_every_key_and_leaves_the_given_one(self):
        before = json.dumps(GOOD)
        config = complete(GOOD)
        self.assertEqual(json.dumps(GOOD), before)
        rule = config["alarms"]["temp_low"]
        self.assertEqual((rule["delay_s"], rule["latch"], rule["data_missing_s"]), (0, False, 900))
        self.assertEqual(config["pipelines"]["motor"]["placement"], {
            "raw": "never", "features": "never", "scores": "on_alarm", "alarms": "always",
            "summaries": "always"})
        self.assertEqual(config["pipelines"]["fridge"]["cold_chain"]["door"]["rise_s"], 300)
        self.assertEqual(complete(config), config)

    def test_factory_configurations_are_valid_and_alarm(self):
        for template in ("vibration", "quality", "cold_chain", "operations"):
            config = factory(template, {"driver": "sim"})
            self.assertEqual(validate(config), [])
            self.assertTrue(config["alarms"])
        for template, sensor in (("toaster", {"driver": "sim"}), ("vibration", {})):
            with self.assertRaises(ConfigError):
                factory(template, sensor)

    def test_presets_are_valid_rules(self):
        for name in presets.PRESETS:
            config = copy(GOOD)
            config["outputs"] = {}
            config["alarms"] = presets.alarms(name, "fridge.temperature")
            self.assertEqual(validate(config), [])
        rule = presets.alarms("shipping_type_2", "fridge.temperature")["temp_cool"]
        self.assertEqual((rule["limit"], rule["delay_s"], rule["cumulative_s"]),
                         (10.0, None, 72000))


class TestChoose(unittest.TestCase):
    def setUp(self):
        self.factory = lambda: factory("cold_chain", {"driver": "sim"})

    def test_the_newest_valid_one_wins(self):
        old = changed(LIMIT, 7.8)
        config, index, problems = choose([json.dumps(GOOD), json.dumps(old)], self.factory)
        self.assertEqual((config, index, problems), (complete(GOOD), 0, []))
        config, index, problems = choose(["{", json.dumps(old)], self.factory)
        self.assertEqual((config["alarms"]["temp_high"]["limit"], index), (7.8, 1))
        self.assertTrue(problems)

    def test_nothing_readable_means_factory(self):
        for candidates in ([], ["", "{"], [b"\xff", None]):
            config, index, _ = choose(candidates, self.factory)
            self.assertEqual((config, index), (self.factory(), -1))

    def test_a_broken_limit_is_replaced_by_a_safe_one(self):
        broken = changed(LIMIT, "8.0")
        config, index, problems = choose([json.dumps(broken)], self.factory)
        self.assertEqual(index, -1)
        self.assertEqual(config["alarms"]["temp_high"], safe_rule("fridge.temperature"))
        self.assertEqual(config["alarms"]["motor_score"], complete(GOOD)["alarms"]["motor_score"])
        self.assertEqual(config["outputs"]["stop"]["alarms"], ["motor_score", "part_bad"])
        self.assertIn("safe factory limits", problems[-1])

    def test_a_broken_rule_keeps_its_sound_limit(self):
        config = rescue(changed("alarms.temp_high.delay_s", "soon"))
        self.assertEqual(config["alarms"]["temp_high"]["limit"], 8.0)
        self.assertEqual(config["alarms"]["temp_high"]["delay_s"], 0)

    def test_no_mistake_leaves_a_pipeline_without_alarms(self):
        for path, value, _ in BAD:
            broken = changed(path, value)
            config = rescue(broken)
            if config is None:
                self.assertTrue(path == "pipelines", path)
                continue
            self.assertEqual(validate(config), [])
            watched = {rule["source"].split(".")[0] for rule in config["alarms"].values()}
            self.assertEqual(watched, set(config["pipelines"]), path)


if __name__ == "__main__":
    unittest.main()
