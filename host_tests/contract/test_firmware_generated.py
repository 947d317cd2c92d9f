# SPDX-License-Identifier: Apache-2.0
"""A generated module scores if it belongs to its bundle and passes the vectors, not otherwise."""

import binascii
import sys
import unittest

from firmware.loader import load
from test_firmware_app import GOLDEN, MemoryStore, build
from tocsin.models.scorer import Scorer

DATA = binascii.unhexlify(GOLDEN["bundle"])


class Driver:
    channels = [GOLDEN["channel"]]
    rate_mhz = GOLDEN["rate_mhz"]
    parts = False


class Generated(Scorer):
    """What a generated module's Scorer is to its users."""

    scored = 0

    def score(self, vector):
        Generated.scored += 1
        return Scorer.score(self, vector)


class Wrong(Scorer):
    def score(self, vector):
        self.last = Scorer.score(self, vector) + 1
        return self.last


class Module:
    def __init__(self, crc, scorer):
        if crc is not None:
            self.BUNDLE = crc
        self.Scorer = scorer


class GeneratedTest(unittest.TestCase):
    def tearDown(self):
        for name in ("models", "models.motor"):
            sys.modules.pop(name, None)

    def loaded(self, crc=None, scorer=None):
        if scorer is not None:
            sys.modules["models"] = sys.modules["models.motor"] = Module(crc, scorer)
        return load(MemoryStore({"models/motor.tcb": DATA}), "motor.tcb", Driver)

    def test_module_of_this_bundle_passes_the_vectors_and_scores(self):
        Generated.scored = 0
        model = self.loaded(DATA[-4:], Generated)
        self.assertTrue(isinstance(model.scorer, Generated))
        self.assertTrue(Generated.scored > 0)
        self.assertIsNone(model.note)

    def test_without_a_module_the_interpreter_scores(self):
        model = self.loaded()
        self.assertFalse(isinstance(model.scorer, Generated))
        self.assertIsNone(model.note)

    def test_module_of_another_bundle_is_ignored_with_the_reason(self):
        model = self.loaded(b"\1\2\3\4", Generated)
        self.assertFalse(isinstance(model.scorer, Generated))
        self.assertIn("made for another bundle; run tocsin codegen again", model.note)

    def test_module_that_fails_the_vectors_is_ignored_with_the_reason(self):
        model = self.loaded(DATA[-4:], Wrong)
        self.assertFalse(isinstance(model.scorer, Wrong))
        self.assertIn("self-test vector 0: score", model.note)

    def test_module_that_raises_is_ignored_with_the_reason(self):
        model = self.loaded(None, Generated)
        self.assertFalse(isinstance(model.scorer, Generated))
        self.assertIn("generated module not used", model.note)

    def test_app_reports_the_reason_and_scores_as_before(self):
        expected, scheduler, _ = build()
        scheduler.run(10 * 60 * 1000)
        sys.modules["models"] = sys.modules["models.motor"] = Module(b"\1\2\3\4", Generated)
        app, scheduler, store = build()
        scheduler.run(10 * 60 * 1000)
        self.assertIn(b"made for another bundle", store.files["log.txt"])
        self.assertEqual(app.pipelines["motor"].windows, expected.pipelines["motor"].windows)
        self.assertEqual(list(app.pipelines["motor"].values.raw),
                         list(expected.pipelines["motor"].values.raw))


if __name__ == "__main__":
    unittest.main()
