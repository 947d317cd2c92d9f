# SPDX-License-Identifier: Apache-2.0
"""Scores, labels and reasons equal the golden vectors; scoring never allocates."""
import sys
import unittest
from array import array
from binascii import unhexlify

from noalloc import no_allocation, vectors
from tocsin.models.bundle import parse
from tocsin.models.scorer import Scorer
from tocsin.models.smoothing import Decision

GOLDEN = vectors("models")
FEATURES = [array("h", row) for row in GOLDEN["features"]]
CASES = GOLDEN["cases"]


def bundle(name):
    return parse(unhexlify(CASES[name]["bundle"]), name)


class GoldenTest(unittest.TestCase):
    def check(self, name):
        case = CASES[name]
        loaded = bundle(name)
        scorer = Scorer(loaded)
        decision = Decision(loaded.decision)
        for i in range(len(FEATURES)):
            self.assertEqual(scorer.score(FEATURES[i]), case["score"][i])
            self.assertEqual(scorer.label, case["label"][i])
            self.assertEqual(decision.update(scorer.last), case["smoothed"][i])
            self.assertEqual(decision.alarm, case["alarm"][i])
            self.assertEqual([list(pair) for pair in scorer.reasons(3)], case["reasons"][i])

    def test_kmeans(self):
        self.check("kmeans")

    def test_kmeans_with_projection(self):
        self.check("mahalanobis")

    def test_kmeans_and_classifier(self):
        self.check("kmeans_mlp")

    def test_weighted_combination(self):
        self.check("weighted")

    def test_own_scaler_of_the_network(self):
        self.check("two_scalers")

    def test_regressor(self):
        self.check("regressor")

    def test_autoencoder(self):
        self.check("autoencoder")

    def test_forest(self):
        self.check("forest")


class ReasonsTest(unittest.TestCase):
    def test_the_feature_that_moved_is_named_first(self):
        for name in ("kmeans", "mahalanobis", "autoencoder"):
            scorer = Scorer(bundle(name))
            for i in range(8):
                scorer.score(FEATURES[10 + i])
                self.assertEqual(scorer.reasons(1)[0][0], 2 * i)

    def test_shares_are_sorted_and_sum_to_at_most_one(self):
        for name in CASES:
            scorer = Scorer(bundle(name))
            for vector in FEATURES:
                scorer.score(vector)
                shares = [share for _, share in scorer.reasons(16)]
                self.assertTrue(sum(shares) <= 256)
                self.assertEqual(shares, sorted(shares, reverse=True))


class CostTest(unittest.TestCase):
    def check(self, name):
        loaded = bundle(name)
        scorer = Scorer(loaded)
        decision = Decision(loaded.decision)
        for vector in FEATURES:
            decision.update(scorer.score(vector))
        first = FEATURES[0]
        last = FEATURES[len(FEATURES) - 1]
        with no_allocation():
            decision.update(scorer.score(first))
            decision.update(scorer.score(last))

    def test_kmeans_does_not_allocate(self):
        self.check("kmeans")

    def test_projection_does_not_allocate(self):
        self.check("mahalanobis")

    def test_kmeans_and_classifier_do_not_allocate(self):
        self.check("kmeans_mlp")

    def test_weighted_and_ewma_do_not_allocate(self):
        self.check("weighted")

    def test_two_scalers_do_not_allocate(self):
        self.check("two_scalers")

    def test_regressor_does_not_allocate(self):
        self.check("regressor")

    def test_autoencoder_does_not_allocate(self):
        self.check("autoencoder")

    def test_forest_does_not_allocate(self):
        self.check("forest")

    def test_only_the_parts_in_use_are_imported(self):
        names = ("kmeans", "mlp", "forest")
        for name, wanted in (("kmeans", "kmeans"), ("regressor", "mlp"), ("forest", "forest")):
            for part in names:
                sys.modules.pop("tocsin.models." + part, None)
            Scorer(bundle(name))
            for part in names:
                self.assertEqual("tocsin.models." + part in sys.modules, part == wanted)


if __name__ == "__main__":
    unittest.main()
