# SPDX-License-Identifier: Apache-2.0
"""Arrays of a wrong type or length are refused by name, before a kernel sees them."""

import unittest
from array import array

from noalloc import no_allocation, vectors
from tocsin.dsp.features import Extractor
from tocsin.dsp.framing import Framer, FramingError
from tocsin.dsp.part_framing import PartFramer
from tocsin.dsp.table import FeatureError
from tocsin.kernels import checked
from tocsin.kernels.arrays import ArrayError, need
from tocsin.models.bundle import parse
from tocsin.models.scorer import Scorer

CONF = {
    "window": 64,
    "channels": [{"name": "x"}],
    "domain": "waveform",
    "features": [{"kind": "resample", "points": 9}, {"kind": "rms", "n": 9}, {"kind": "mean"}],
}


def wrong(n):
    """Nothing of this is an array('h') of n values."""
    return (
        [0] * n, (0,) * n, bytes(2 * n), bytearray(2 * n), None, "x" * n, 5,
        array("b", [0] * n), array("i", [0] * n), array("f", [0] * n), array("h", [0] * (n - 1)),
        memoryview(array("h", [0] * n)), array("H", [0] * n), array("h"),
    )  # fmt: skip


class TestBadInput(unittest.TestCase):
    def test_arrays_are_told_apart(self):
        need("it", array("h", [1, 2]), "h", 2)
        for values in wrong(2):
            with self.assertRaises(ArrayError):
                need("it", values, "h", 2)

    def test_extractor_refuses_other_frames(self):
        extractor = Extractor(CONF)
        good = [array("h", range(64))]
        before = list(extractor.extract(good, 64))
        for frame in wrong(64) + (array("h", [0] * 65),):
            with self.assertRaises(FeatureError):
                extractor.extract([frame], 64)
        for frames in ([], good + good):
            with self.assertRaises(FeatureError):
                extractor.extract(frames, 64)
        self.assertEqual(list(extractor.extract(good, 64)), before)

    def test_extractor_refuses_counts_beyond_the_window(self):
        extractor = Extractor(CONF)
        good = [array("h", range(64))]
        for count in (0, -1, 65, 1 << 20):
            with self.assertRaises(FeatureError):
                extractor.extract(good, count)
        self.assertEqual(extractor.extract(good, 1)[0], 0)

    def test_newest_samples_that_start_between_words_count_the_same(self):
        """An odd number of samples before them; the others are all 9999."""
        values = {}
        for window in (64, 63):
            conf = dict(CONF, window=window, features=[{"kind": "rms", "n": 9, "q": 4}])
            frame = array("h", [9999] * (window - 9) + [5, -7, 900, 3, -250, 6, 7, 8, 11])
            values[window] = Extractor(conf).extract([frame], window)[0]
        self.assertEqual(values[64], values[63])
        self.assertTrue(values[63] < 9999)

    def test_framers_refuse_blocks_and_counts(self):
        for framer in (Framer(2, 64, 64), PartFramer(2, 64)):
            if isinstance(framer, PartFramer):
                framer.begin()
            for block in wrong(8):
                with self.assertRaises(FramingError):
                    framer.feed(block, 0, 4)
            block = array("h", range(8))
            for start, n in ((0, 5), (4, 1), (-1, 2), (3, 2), (1 << 20, 1)):
                with self.assertRaises(FramingError):
                    framer.feed(block, start, n)
            self.assertEqual(framer.feed(block, 1, 3), 3)
            self.assertEqual(list(framer.frames[0][:3]), [2, 4, 6])

    def test_scorer_and_its_parts_refuse_vectors(self):
        text = vectors("models")["cases"]["kmeans_mlp"]["bundle"]
        from binascii import unhexlify

        scorer = Scorer(parse(unhexlify(text)))
        n = scorer.n_features
        good = scorer.score(array("h", [2000] * n))
        for vector in wrong(n):
            for update in (scorer.kmeans.update, scorer.network.update):
                with self.assertRaises(ArrayError):
                    update(vector)
        for vector in wrong(n)[:10] + (array("h", [0] * (n - 1)), array("h", [0] * (n + 1))):
            with self.assertRaises(ArrayError):
                scorer.score(vector)
        self.assertEqual(scorer.score(array("h", [2000] * n)), good)

    def test_a_new_vector_is_checked_without_allocation(self):
        text = vectors("models")["cases"]["kmeans"]["bundle"]
        from binascii import unhexlify

        scorer = Scorer(parse(unhexlify(text)))
        scorer.score(array("h", [1] * scorer.n_features))
        new = array("h", [2] * scorer.n_features)
        with no_allocation():
            scorer.score(new)

    def test_checked_kernels_refuse_on_every_runtime(self):
        out = array("h", [0] * 4)
        frame = array("h", range(8))
        checked.resample(frame, 8, out)
        self.assertEqual(list(out), [0, 2, 5, 7])
        checked.resample(memoryview(frame)[1:], 7, memoryview(out)[1:])
        self.assertEqual(list(out), [0, 1, 4, 7])
        for bad in wrong(8)[:11]:
            with self.assertRaises(ArrayError):
                checked.resample(bad, 8, out)
            with self.assertRaises(ArrayError):
                checked.moments(bad, 8, array("i", [0] * 16))
        for bad in (memoryview(bytes(8)), memoryview(array("i", [0] * 4)), [0] * 4):
            with self.assertRaises(ArrayError):
                checked.resample(frame, 8, bad)
        for count in (0, -1, 9, 8.0, "8", None):
            with self.assertRaises(ArrayError):
                checked.resample(frame, count, out)


if __name__ == "__main__":
    unittest.main()
