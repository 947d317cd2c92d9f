# SPDX-License-Identifier: Apache-2.0
"""Which config a device runs on: checked once, kept complete, never replaced by a broken one."""

import json
import sys
import unittest

from firmware import config

_GOOD = {
    "version": 1, "device": {"id": "dev-1"},
    "pipelines": {"room": {"sensor": {"driver": "replay"}}},
    "alarms": {"hot": {"source": "room.temperature", "side": "high", "limit": 8.0}}}


class Memory:
    """A store in memory with the calls that `config.load` makes."""

    def __init__(self):
        self.files = {}

    def read(self, name, limit):
        data = self.files.get(name)
        return None if data is None or len(data) > limit else data

    def replace(self, name, data):
        self.files[name] = data
        return True


def _store(value):
    store = Memory()
    store.files["config.json"] = value if isinstance(value, bytes) else json.dumps(value).encode()
    return store


def _checker_loaded():
    return [name for name in sys.modules if name.startswith("tocsin.config.")]


class ConfigChoice(unittest.TestCase):
    def test_new_config_is_checked_completed_and_kept(self):
        store = _store(_GOOD)
        value, problems = config.load(store)
        self.assertEqual(problems, [])
        self.assertEqual(value["alarms"]["hot"]["limit"], 8.0)
        self.assertEqual(value["alarms"]["hot"]["sensor_fault_s"], 60)
        self.assertIn("config.good", store.files)

    def test_known_config_is_not_checked_again(self):
        store = _store(_GOOD)
        first, _ = config.load(store)
        self.assertEqual(_checker_loaded(), [])
        asked = []
        original = config._check
        config._check = lambda *arguments: asked.append(arguments)
        try:
            second, problems = config.load(store)
        finally:
            config._check = original
        self.assertEqual(asked, [])
        self.assertEqual(problems, [])
        self.assertEqual(second, first)

    def test_broken_config_leaves_the_last_good_one_in_use(self):
        store = _store(_GOOD)
        first, _ = config.load(store)
        for broken in (b"", b"{", b'{"version": 1}', b"\xff\xfe", b'{"version": 1e999}'):
            store.files["config.json"] = broken
            value, problems = config.load(store)
            self.assertEqual(value, first)
            self.assertEqual(problems[-1], "running on the last good config")
            self.assertGreater(len(problems), 1)

    def test_missing_config_leaves_the_last_good_one_in_use(self):
        store = _store(_GOOD)
        first, _ = config.load(store)
        del store.files["config.json"]
        value, problems = config.load(store)
        self.assertEqual(value, first)
        self.assertEqual(problems[0], "/config.json is missing or above 16 KB; deploy one")

    def test_damaged_accepted_config_is_made_again(self):
        store = _store(_GOOD)
        first, _ = config.load(store)
        kept = store.files["config.good"]
        for at in (0, 10, 80, len(kept) - 1):
            store.files["config.good"] = kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1:]
            value, problems = config.load(store)
            self.assertEqual(value, first)
            self.assertEqual(problems, [])
            self.assertEqual(store.files["config.good"], kept)

    def test_largest_config_is_kept_complete(self):
        rule = {"source": "p0.temperature", "side": "high", "limit": 8.0}
        sensor = {"driver": "replay", "file": "x" * 650}
        value = {"version": 1, "device": {"id": "dev-1"},
                 "pipelines": {"p%d" % i: {"sensor": sensor} for i in range(16)},
                 "alarms": {"a%d" % i: rule for i in range(64)}}
        store = _store(value)
        self.assertGreater(len(store.files["config.json"]), 15000)
        first, problems = config.load(store)
        self.assertEqual(problems, [])
        self.assertGreater(len(store.files["config.good"]), 32768)
        store.files["config.json"] = b"{"
        second, problems = config.load(store)
        self.assertEqual(second, first)
        self.assertEqual(problems[-1], "running on the last good config")

    def test_config_completed_by_other_firmware_is_completed_again(self):
        store = _store(_GOOD)
        first, _ = config.load(store)
        version = config.__version__
        config.__version__ = version + ".1"
        try:
            config.accept(store, store.files["config.json"], {"alarms": {}})
        finally:
            config.__version__ = version
        again, problems = config.load(store)
        self.assertEqual(again, first)
        self.assertEqual(problems, [])

    def test_without_any_config_the_factory_limits_alarm(self):
        store = Memory()
        value, problems = config.load(store)
        self.assertTrue(value["alarms"])
        self.assertEqual(problems[0], "/config.json is missing or above 16 KB; deploy one")
        self.assertFalse("config.good" in store.files)


if __name__ == "__main__":
    unittest.main()
