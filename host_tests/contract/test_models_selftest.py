# SPDX-License-Identifier: Apache-2.0
"""A bundle's self-test vectors pass, or the first stage that differs is named."""
import struct
import unittest
from array import array
from binascii import unhexlify

from noalloc import vectors
from test_models_bundle import assemble, sections
from tocsin.models.bundle import BundleError, parse
from tocsin.models.scorer import Scorer
from tocsin.models.selftest import verify

GOLDEN = vectors("models")
FEATURES = [array("h", row) for row in GOLDEN["features"]]


class FirstSamples:
    """An extractor whose features are the first samples of channel 0, plus `error`."""

    def __init__(self, n_features=16, error=0):
        self.n_features = n_features
        self.vector = array("h", [0] * n_features)
        self._error = error

    def extract(self, frames, count):
        for i in range(self.n_features):
            self.vector[i] = frames[0][i] + (self._error if i == 3 else 0)


def vector_section(name, change=(0, 0)):
    """VECT for the golden features; `change` (field, amount) falsifies one score field."""
    scorer = Scorer(parse(unhexlify(GOLDEN["cases"][name]["bundle"])))
    data = struct.pack("<HHHH", 3, 1, 20, 16)
    for i in range(3):
        vector = FEATURES[i]
        scorer.score(vector)
        fields = [-1, -1, scorer.label, scorer.last]
        if scorer.kmeans is not None:
            fields[0] = scorer.kmeans.score
        if scorer.network is not None:
            fields[1] = scorer.network.score
        if i == 2:
            fields[change[0]] += change[1]
        frame = array("h", vector)
        frame.extend(array("h", [0, 0, 0, 0]))
        data += struct.pack("<H", 20) + bytes(frame) + bytes(vector)
        for field in fields:
            data += struct.pack("<h", field)
    return data


def bundle(name, section):
    parts = sections(unhexlify(GOLDEN["cases"][name]["bundle"]))
    return parse(assemble(parts + [(b"VECT", section)]), "pump.tcb")


class SelfTest(unittest.TestCase):
    def refusal(self, loaded, extractor, tolerance=0):
        try:
            verify(loaded, tolerance, extractor)
        except BundleError as error:
            return str(error)
        raise AssertionError("the vectors passed")

    def test_right_vectors_pass(self):
        for name in GOLDEN["cases"]:
            loaded = bundle(name, vector_section(name))
            self.assertEqual(verify(loaded, 0, FirstSamples()), 3)

    def test_other_features_are_named(self):
        loaded = bundle("kmeans", vector_section("kmeans"))
        message = self.refusal(loaded, FirstSamples(error=1))
        value = FEATURES[0][3]
        self.assertEqual(message, "pump.tcb: self-test vector 0: feature f3 is %d, not %d; "
                                  "update the firmware or train again" % (value + 1, value))

    def test_tolerance_of_one_is_for_features_alone(self):
        loaded = bundle("kmeans", vector_section("kmeans"))
        self.assertEqual(verify(loaded, 1, FirstSamples(error=1)), 3)
        loaded = bundle("kmeans", vector_section("kmeans", (0, 1)))
        self.assertTrue("kmeans score" in self.refusal(loaded, FirstSamples(), 1))

    def test_first_stage_that_differs_is_named(self):
        for field, stage in ((0, "kmeans score"), (1, "network score"), (2, "label"),
                             (3, "score")):
            loaded = bundle("kmeans_mlp", vector_section("kmeans_mlp", (field, 1)))
            message = self.refusal(loaded, FirstSamples())
            self.assertTrue("self-test vector 2: %s is" % stage in message)

    def test_other_feature_count_is_refused(self):
        loaded = bundle("kmeans", vector_section("kmeans"))
        self.assertTrue("15 features computed, the model takes 16"
                        in self.refusal(loaded, FirstSamples(15)))

    def test_broken_section_is_refused(self):
        good = vector_section("kmeans")
        for broken in (b"", good[:-1], good + b"\0\0", bytes(8),
                       struct.pack("<HHHH", 65535, 65535, 65535, 16) + good[8:],
                       struct.pack("<HHHH", 3, 1, 20, 15) + good[8:],
                       good[:8] + bytes(2) + good[10:]):
            self.refusal(bundle("kmeans", broken), FirstSamples())

    def test_bundle_without_vectors_is_refused(self):
        loaded = parse(unhexlify(GOLDEN["cases"]["kmeans"]["bundle"]), "pump.tcb")
        self.assertEqual(self.refusal(loaded, FirstSamples()),
                         "pump.tcb: no self-test vectors; pack it with some")


if __name__ == "__main__":
    unittest.main()
