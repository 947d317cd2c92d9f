# SPDX-License-Identifier: Apache-2.0
"""One vibration path: 256 samples, 16 features, 8 clusters, a 16-32-16-2 network.

The heap it keeps is measured by host_tests/unit/test_house_heap.py, which uses `Path` and `load`.
"""

import binascii
import unittest
from array import array

from noalloc import no_allocation, vectors
from tocsin.dsp.features import Extractor
from tocsin.dsp.framing import Framer
from tocsin.models.bundle import parse
from tocsin.models.scorer import Scorer
from tocsin.models.smoothing import Decision


class Path:
    """What a pipeline keeps for one sensor: framer, extractor, scorer, decision."""

    def __init__(self, data):
        bundle = parse(data)
        conf = bundle.conf
        self.framer = Framer(len(conf["channels"]), conf["window"], conf["hop"])
        self.extractor = Extractor(conf)
        self.scorer = Scorer(bundle)
        self.decision = Decision(bundle.decision)

    def window(self, block):
        """Feed one whole window; the smoothed score."""
        self.framer.feed(block, 0, 256)
        self.extractor.extract(self.framer.frames, 256)
        self.framer.release()
        return self.decision.update(self.scorer.score(self.extractor.vector))


def load():
    golden = vectors("heap_budget")
    return binascii.unhexlify(golden["bundle"]), array("h", golden["frame"]), golden


class TestOnePath(unittest.TestCase):
    def test_score_is_the_golden_one(self):
        data, frame, golden = load()
        path = Path(data)
        path.window(frame)
        self.assertEqual(path.scorer.last, golden["score"])
        self.assertEqual(path.scorer.label, golden["label"])

    def test_a_window_allocates_nothing(self):
        data, frame, _ = load()
        path = Path(data)
        path.window(frame)
        with no_allocation():
            path.window(frame)


if __name__ == "__main__":
    unittest.main()
