# SPDX-License-Identifier: Apache-2.0
"""Framer and PartFramer: every window once, missing samples, parts, no allocation."""

import unittest
from array import array

from noalloc import no_allocation
from tocsin.dsp.framing import Framer, FramingError
from tocsin.dsp.part_framing import PartFramer


def windows_of(framer, samples, block):
    """Feed samples in blocks; the windows (all channels, one after the other) that come out."""
    result = []
    step = block * framer.channels
    for start in range(0, len(samples), step):
        part = array("h", samples[start : start + step])
        n = len(part) // framer.channels
        consumed = 0
        while consumed < n:
            consumed += framer.feed(part, consumed, n - consumed)
            if framer.ready:
                result.append([list(frame) for frame in framer.frames])
                framer.release()
    return result


class Windows(unittest.TestCase):
    def test_each_full_window_exactly_once_for_any_hop_and_block(self):
        samples = list(range(60))
        for window, hop in ((8, 8), (8, 3), (8, 1), (8, 13), (1, 1), (1, 4), (8, 16)):
            want = [[samples[i : i + window]] for i in range(0, 60 - window + 1, hop)]
            for block in (1, 5, 7, 60):
                self.assertEqual(windows_of(Framer(1, window, hop), samples, block), want)

    def test_channels_are_taken_apart(self):
        samples = [0, 100, 1, 101, 2, 102, 3, 103, 4, 104, 5, 105]
        got = windows_of(Framer(2, 3, 2), samples, 2)
        self.assertEqual(got, [[[0, 1, 2], [100, 101, 102]], [[2, 3, 4], [102, 103, 104]]])

    def test_a_ready_window_takes_nothing_until_released(self):
        framer = Framer(1, 2, 2)
        block = array("h", [1, 2, 3])
        self.assertEqual(framer.feed(block, 0, 3), 2)
        self.assertEqual(framer.feed(block, 2, 1), 0)
        framer.release()
        self.assertEqual(framer.feed(block, 2, 1), 1)

    def test_prime_gives_a_window_from_the_first_sample(self):
        got = windows_of(Framer(1, 4, 1, prime=True), [7, 8, 9], 2)
        self.assertEqual(got, [[[7, 7, 7, 7]], [[7, 7, 7, 8]], [[7, 7, 8, 9]]])

    def test_restart_forgets_a_half_filled_window(self):
        framer = Framer(1, 3, 3)
        framer.feed(array("h", [1, 2]), 0, 2)
        framer.restart()
        self.assertEqual(windows_of(framer, [5, 6, 7], 3), [[[5, 6, 7]]])

    def test_restart_primes_again_and_holds_nothing_over_the_gap(self):
        framer = Framer(1, 3, 1, -32768, [9], True)
        windows_of(framer, [1, 2, 3], 1)
        framer.restart()
        got = windows_of(framer, [-32768, 4], 1)
        self.assertEqual(got, [[[9, 9, 9]], [[9, 9, 4]]])
        self.assertEqual(framer.missing_total, 1)


class Missing(unittest.TestCase):
    def test_missing_samples_hold_the_newest_good_one(self):
        framer = Framer(2, 4, 4, missing=-32768, fill=[50, 60])
        samples = [-32768, 1, 5, -32768, -32768, -32768, 6, 2]
        self.assertEqual(windows_of(framer, samples, 1), [[[50, 5, 5, 6], [1, 1, 1, 2]]])
        self.assertEqual(framer.missing_total, 4)

    def test_held_counts_samples_in_a_row(self):
        framer = Framer(1, 8, 8, missing=-32768)
        framer.feed(array("h", [1, -32768, -32768]), 0, 3)
        self.assertEqual(framer.held[0], 2)
        framer.feed(array("h", [4]), 0, 1)
        self.assertEqual(framer.held[0], 0)

    def test_without_policy_the_lowest_value_is_a_sample(self):
        self.assertEqual(windows_of(Framer(1, 2, 2), [-32768, 3], 2), [[[-32768, 3]]])


class Parts(unittest.TestCase):
    def parts_of(self, framer, samples):
        result = []
        consumed = 0
        block = array("h", samples)
        n = len(samples) // framer.channels
        while consumed < n:
            consumed += framer.feed(block, consumed, n - consumed)
            if framer.ready:
                result.append([framer.count, list(framer.frames[0])])
                framer.release()
        return result

    def test_trigger_starts_and_ends_a_part(self):
        framer = PartFramer(1, 6, {"start": 10, "stop": 5})
        got = self.parts_of(framer, [0, 9, 10, 30, 7, 4, 9, 12, 3, 0])
        self.assertEqual(got, [[3, [10, 30, 7, 7, 7, 7]], [1, [12] * 6]])

    def test_hold_bridges_a_short_dip(self):
        framer = PartFramer(1, 6, {"start": 10, "hold": 2})
        got = self.parts_of(framer, [10, 1, 11, 1, 1, 0])
        self.assertEqual(got, [[3, [10, 1, 11, 11, 11, 11]]])

    def test_short_parts_are_dropped_and_counted(self):
        framer = PartFramer(1, 6, {"start": 10, "minimum": 2})
        got = self.parts_of(framer, [10, 0, 10, 11, 0])
        self.assertEqual(got, [[2, [10, 11, 11, 11, 11, 11]]])
        self.assertEqual(framer.short, 1)

    def test_a_part_longer_than_the_frame_is_cut_and_marked(self):
        framer = PartFramer(1, 3, {"start": 10})
        framer.feed(array("h", [10, 11, 12, 13]), 0, 4)
        self.assertTrue(framer.ready)
        self.assertTrue(framer.truncated)
        self.assertEqual(framer.count, 3)

    def test_fixed_length_parts_follow_each_other(self):
        framer = PartFramer(1, 4, {"length": 2})
        got = self.parts_of(framer, [1, 2, 3, 4, 5])
        self.assertEqual(got, [[2, [1, 2, 2, 2]], [2, [3, 4, 4, 4]]])
        self.assertFalse(framer.truncated)

    def test_gate_input_opens_and_closes_a_part(self):
        framer = PartFramer(1, 4)
        block = array("h", [1, 2, 3])
        self.assertEqual(framer.feed(block, 0, 3), 3)
        self.assertEqual(framer.count, 0)
        framer.begin()
        framer.feed(block, 0, 2)
        framer.end()
        self.assertTrue(framer.ready)
        self.assertEqual(framer.count, 2)

    def test_fill_is_used_anew_for_each_part(self):
        framer = PartFramer(2, 2, {"length": 1}, missing=-32768, fill=[7, 8])
        block = array("h", [1, -32768, -32768, 2])
        framer.feed(block, 0, 2)
        self.assertEqual([framer.frames[0][0], framer.frames[1][0]], [1, 8])
        framer.release()
        framer.feed(block, 1, 1)
        self.assertEqual([framer.frames[0][0], framer.frames[1][0]], [7, 2])


class Errors(unittest.TestCase):
    def test_impossible_sizes_are_refused(self):
        for arguments in ((0, 8, 8), (1, 0, 8), (1, 8, 0), (1, 8, None), (1, 8.0, 8), (99, 8, 8)):
            with self.assertRaises(FramingError):
                Framer(*arguments)
        with self.assertRaises(FramingError):
            Framer(2, 8, 8, None, [1])
        for rule in ({"start": 5, "stop": 6}, {"length": 9}, {"channel": 1}, {"hold": 0}):
            with self.assertRaises(FramingError):
                PartFramer(1, 8, rule)


class NoAllocation(unittest.TestCase):
    def test_feed_and_release_do_not_allocate(self):
        block = array("h", [-32768 if i % 7 == 3 else i for i in range(96)])
        for window, hop in ((8, 8), (8, 3), (8, 20)):
            framer = Framer(3, window, hop, -32768, [1, 2, 3], True)
            self.drain(framer, block)
            with no_allocation():
                self.drain(framer, block)

    def test_parts_do_not_allocate(self):
        block = array("h", [-32768 if i % 7 == 3 else i & 15 for i in range(96)])
        for rule in ({"start": 10, "stop": 5, "hold": 2}, {"length": 4}):
            framer = PartFramer(1, 8, rule, -32768, [1])
            self.drain(framer, block)
            with no_allocation():
                self.drain(framer, block)

    def drain(self, framer, block):
        n = len(block) // framer.channels
        consumed = 0
        while consumed < n:
            consumed += framer.feed(block, consumed, n - consumed)
            if framer.ready:
                framer.release()


if __name__ == "__main__":
    unittest.main()
