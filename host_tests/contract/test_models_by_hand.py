# SPDX-License-Identifier: Apache-2.0
"""Bundles written byte by byte from lib/tocsin/models/README.md; scores worked out by hand."""
import struct
import unittest
from array import array

from test_models_bundle import assemble
from tocsin.models.bundle import parse
from tocsin.models.scorer import Scorer

# z = (f - 100) * 128: one feature unit is one sigma.
SCALER = struct.pack("<hhh", 100, 4096, 5) * 2


def scorer(parts, classes='"a","b"', decision=b"{}"):
    names = ('{"features":["x","y"],"classes":[%s]}' % classes).encode()
    return Scorer(parse(assemble([
        (b"CONF", b'{"features":[]}'), (b"NAME", names), (b"PROV", b"{}"), (b"SCAL", SCALER),
        (b"DECI", decision)] + parts)))


def clusters(inverse, centroids, mult=8192, score_shift=13):
    k = len(inverse)
    return struct.pack("<6H", 2, k, 0, mult, score_shift, 0) + struct.pack(
        "<%dh" % (3 * k), *(inverse + centroids))


def network(head, outputs, normal=-1, score=(16384, 14, 0), tail=(0, 1, 0)):
    """One layer of two inputs: z * 2**-5 in, multiplier 2**-1 of its sums out."""
    data = struct.pack("<BBHHHhhHHhHHH", 1, head, 2, 1024, 15, 0, normal, *(score + tail))
    n = len(outputs)
    data += struct.pack("<HHhhhh", 2, n, 0, -128, 127, 0)
    data += struct.pack("<%di" % n, *[bias for bias, _, _ in outputs])
    data += struct.pack("<%di" % n, *[1 << 30] * n) + bytes(n) + bytes((-9 * n) % 4)
    for _, x, y in outputs:
        data += struct.pack("<4b", x, y, 0, 0)
    return data


class ByHand(unittest.TestCase):
    def score(self, made, x, y):
        return made.score(array("h", [x, y]))

    def test_one_cluster_gives_the_distance(self):
        made = scorer([(b"KMNS", clusters([16384], [0, 0]))], "")
        self.assertEqual(self.score(made, 103, 104), 640)  # 128 * sqrt(3**2 + 4**2)
        self.assertEqual(made.reasons(2), [(1, 163), (0, 92)])  # 16/25 and 9/25 of 256
        self.assertEqual(self.score(made, 100, 100), 0)

    def test_wider_cluster_counts_its_distance_in_radii(self):
        made = scorer([(b"KMNS", clusters([16384, 4096], [0, 0, 1280, 0]))], "")
        self.assertEqual(self.score(made, 106, 100), 256)  # 4 sigma from the second, radius 2
        self.assertEqual(made.kmeans.best, 1)
        self.assertEqual(self.score(made, 102, 100), 256)  # 2 sigma from the first
        self.assertEqual(made.kmeans.best, 0)

    def test_projection_turns_the_axes(self):
        turn = struct.pack("<4H", 1, 2, 1, 0) + struct.pack("<2h", 1, -1)
        one = struct.pack("<6H", 1, 1, 0, 8192, 13, 0) + struct.pack("<2h", 16384, 0)
        made = scorer([(b"PROJ", turn), (b"KMNS", one)], "")
        self.assertEqual(self.score(made, 110, 110), 0)
        self.assertEqual(self.score(made, 106, 100), 384)  # 6 * 128 / 2

    def test_classifier_margin(self):
        made = scorer([(b"MLPN", network(0, [(0, 4, 0), (10, 0, 4)], 0))])
        # q = (12, 20): outputs 24 and (10 + 80) / 2 = 45
        self.assertEqual(self.score(made, 103, 105), 256 + 21)
        self.assertEqual(made.label, 1)
        self.assertEqual(made.reasons(2)[0][0], 1)
        # q = (20, 4): outputs 40 and (10 + 16) / 2 = 13
        self.assertEqual(self.score(made, 105, 101), 256 - 27)
        self.assertEqual(made.label, 0)

    def test_rounding_is_half_up_on_both_sides_of_zero(self):
        made = scorer([(b"MLPN", network(1, [(0, 1, 0)], -1, (16384, 14, 1000)))], "")
        for z, wanted in ((1, 2), (3, 6), (-1, -2), (-3, -6)):
            self.assertEqual(self.score(made, 100 + z, 100), 1000 + wanted)
        made = scorer([(b"MLPN", network(1, [(1, 1, 0)], -1, (16384, 14, 1000)))], "")
        self.assertEqual(self.score(made, 101, 100), 1003)  # (1 + 4) / 2 = 2.5 -> 3
        self.assertEqual(self.score(made, 99, 100), 999)  # (1 - 4) / 2 = -1.5 -> -1

    def test_autoencoder_error(self):
        # outputs (2 * q0, 2 * q1) * 16 = z exactly, but for the bias of 8 / 2 * 16 = 64 in y
        made = scorer([(b"MLPN", network(2, [(0, 4, 0), (8, 0, 4)], -1, (32, 1, 0),
                                         (0, 8192, 13)))], "")
        self.assertEqual(self.score(made, 102, 103), 64)
        self.assertEqual(made.reasons(1)[0][0], 1)

    def test_forest_votes(self):
        tree = struct.pack("<HHHHhH", 2, 1, 3, 2, 0, 0) + struct.pack("<3h", 1, -1, -1)
        tree += struct.pack("<3h", 256, 0, 0) + struct.pack("<3H", 2, 0, 1)
        tree += struct.pack("<H", 0) + bytes([255, 0, 55, 200])
        made = scorer([(b"FRST", tree)])
        self.assertEqual(self.score(made, 100, 102), 256 - 255)  # z = 256 goes left
        self.assertEqual(made.label, 0)
        self.assertEqual(self.score(made, 100, 103), 256 + 145)
        self.assertEqual(made.label, 1)
        self.assertEqual(made.reasons(2), [(1, 256)])

    def test_larger_part_or_weighted_mean(self):
        parts = [(b"KMNS", clusters([16384], [0, 0])),
                 (b"MLPN", network(0, [(0, 4, 0), (10, 0, 4)], 0))]
        self.assertEqual(self.score(scorer(parts), 103, 104), 640)
        mean = b'{"combine":"weighted","weights":{"kmeans":64,"network":192}}'
        # q = (12, 16): outputs 24 and 37, so the network says 269
        self.assertEqual(self.score(scorer(parts, decision=mean), 103, 104),
                         (640 * 64 + 269 * 192) // 256)
        half = b'{"thresholds":{"kmeans":1280}}'
        self.assertEqual(self.score(scorer(parts, decision=half), 103, 104), 269)


if __name__ == "__main__":
    unittest.main()
