# SPDX-License-Identifier: Apache-2.0
"""Values read and changed by path as a person types them; secrets never shown."""

import unittest

from tocsin.config.defaults import complete, copy
from tocsin.config.edit import get_value, set_value, unit_of
from tocsin.config.redaction import is_secret, redact, redact_text
from tocsin.config.strict import ConfigError

CONFIG = complete({
    "version": 1, "device": {"id": "d"},
    "pipelines": {
        "freezer": {"sensor": {"driver": "sim", "period_ms": 1000, "password": "hunter22",
                               "channels": [{"name": "probe", "unit": "degC"}]}},
        "motor": {"sensor": {"driver": "sim"}}},
    "alarms": {
        "temp_high": {"source": "freezer.temperature", "side": "high", "limit": 8.5},
        "temp_low": {"source": "freezer.temperature", "side": "low", "limit": 2.0},
        "probe_high": {"source": "freezer.probe", "side": "high", "limit": 5},
        "odd": {"source": "motor.torque", "side": "high", "limit": 5}},
    "outputs": {"stop": {"driver": "relay", "pin": 3, "alarms": ["odd"]}}})


class TestSet(unittest.TestCase):
    def test_a_typed_number_changes_the_value(self):
        config = copy(CONFIG)
        self.assertEqual(set_value(config, "alarms.temp_high.limit", "8.0"), (8.5, 8.0, "\xb0C"))
        self.assertEqual(get_value(config, "alarms.temp_high.limit"), (8.0, "\xb0C"))
        for text in ("7", " 7.5 ", "8.0 C", "8.0\xb0C", "8 degC", "-1e-1"):
            config["alarms"]["temp_low"]["limit"] = -5
            set_value(config, "alarms.temp_high.limit", text)

    def test_units(self):
        self.assertEqual(unit_of(CONFIG, "alarms.temp_high.delay_s"), "s")
        self.assertEqual(unit_of(CONFIG, "alarms.probe_high.dead_band"), "\xb0C")
        self.assertEqual(unit_of(CONFIG, "alarms.odd.limit"), "")
        self.assertEqual(unit_of(CONFIG, "alarms.odd.limit", {"motor.torque": "Nm"}), "Nm")
        self.assertEqual(unit_of(CONFIG, "alarms.odd.latch"), "")

    def test_what_is_refused_says_why_and_changes_nothing(self):
        for path, text, word in (
                ("alarms.temp_high.limit", "nan", "finite"),
                ("alarms.temp_high.limit", "inf", "finite"),
                ("alarms.temp_high.limit", "-Infinity", "finite"),
                ("alarms.temp_high.limit", "1_000", "underscores"),
                ("alarms.temp_high.limit", "8,0", "decimal point"),
                ("alarms.temp_high.limit", "46 \xb0F", "convert"),
                ("alarms.temp_high.limit", "46F", "convert"),
                ("alarms.temp_high.limit", "8 K", "unit is \xb0C"),
                ("alarms.temp_high.limit", "", "digits"),
                ("alarms.temp_high.limit", '"8"', "digits"),
                ("alarms.temp_high.limit", "8.0; reset", "write only a number"),
                ("alarms.temp_high.limit", "1e999", "too large"),
                ("alarms.temp_high.limit", "1.5", "low is not below"),
                ("alarms.temp_high.limit", "true", "digits"),
                ("alarms.temp_high.warning", "9", "beyond"),
                ("alarms.temp_high.dead_band", "-1", "must be"),
                ("alarms.temp_high.delay_s", "10 min", "unit is s"),
                ("alarms.temp_high.cumulative_s", "1.5", "whole"),
                ("alarms.temp_high.latch", "maybe", "true or false"),
                ("alarms.temp_high.side", "up", "one of"),
                ("alarms.temp_high.source", "cellar.temperature", "no pipeline"),
                ("alarms.temp_hihg.limit", "8", "known: odd"),
                ("alarms.temp_high.limits", "8", "known: "),
                ("alarms.temp_high.limit.x", "8", "no parts"),
                ("outputs.stop.alarms", "odd", "JSON"),
                ("outputs.stop.alarms", '["gone"]', "no alarm"),
                ("pipelines.freezer.run_gate.on", "1", "not set"),
                ("pipelines.freezer.sensor.period_ms", "nan", "JSON"),
                ("version", "2", "must be"), ("", "1", "no "), ("...", "1", "no ")):
            config = copy(CONFIG)
            with self.assertRaises(ConfigError) as caught:
                set_value(config, path, text)
            line = caught.exception.problems[0]
            self.assertIn(word, line)
            self.assertNotIn("\n", line)
            self.assertEqual(config, CONFIG)

    def test_other_kinds(self):
        config = copy(CONFIG)
        self.assertEqual(set_value(config, "alarms.odd.latch", "on"), (False, True, ""))
        self.assertEqual(set_value(config, "alarms.odd.data_missing_s", "none"), (900, None, "s"))
        self.assertEqual(set_value(config, "device.site", "Cellar 2"), ("", "Cellar 2", ""))
        set_value(config, "outputs.stop.alarms", '["odd", "temp_high"]')
        set_value(config, "pipelines.freezer.sensor.period_ms", "500")
        self.assertEqual(config["pipelines"]["freezer"]["sensor"]["period_ms"], 500)


class TestRedaction(unittest.TestCase):
    def test_secret_keys(self):
        for key in ("password", "wifi_password", "psk", "api-key", "key", "hmacKey", "token",
                    "client_secret", "private_key", "auth", "PASS"):
            self.assertTrue(is_secret(key), key)
        for key in ("pin", "id", "driver", "keepalive", "passed", "period_ms"):
            self.assertFalse(is_secret(key), key)

    def test_values_are_masked_at_any_depth(self):
        shown = redact({"a": [{"psk": "s3cret"}], "key": {"x": [1]}, "pin": 4, "token": None,
                        "broker": "mqtt://bob:s3cret@host:1883/x"})
        self.assertEqual(shown, {"a": [{"psk": "***"}], "key": "***", "pin": 4, "token": None,
                                 "broker": "mqtt://***@host:1883/x"})

    def test_a_path_to_a_secret_shows_nothing(self):
        config = copy(CONFIG)
        path = "pipelines.freezer.sensor.password"
        self.assertEqual(get_value(config, path), ("***", ""))
        self.assertEqual(set_value(config, path, "other pass"), ("***", "***", ""))
        self.assertEqual(config["pipelines"]["freezer"]["sensor"]["password"], "other pass")

    def test_planted_secrets_leave_text(self):
        config = {"wifi": {"psk": 'pa"ss\\word', "pin_key": 123456},
                  "keys": {"key": ["abc", "abcd"]}}
        text = 'failed: pa"ss\\word pa\\"ss\\\\word 123456 abcd ftp://a:b@c/ and http://plain/'
        shown = redact_text(text, config)
        self.assertEqual(shown, "failed: *** *** *** *** ftp://***@c/ and http://plain/")


if __name__ == "__main__":
    unittest.main()
