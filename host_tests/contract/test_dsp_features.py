# SPDX-License-Identifier: Apache-2.0
"""Extractor: golden vectors, validation, state, and no allocation per window."""

import unittest
from array import array

from noalloc import no_allocation, vectors
from tocsin.dsp.features import Extractor
from tocsin.dsp.table import MODULE, TABLE, FeatureError, row


def config_of(kind, window=256):
    """A small configuration with one feature of this kind."""
    feature = {"kind": kind, "channel": 0}
    module = row(feature)[MODULE]
    if module == "spectral":
        feature.update({"n": 256, "window_fn": "hann", "lo": 5, "hi": 100, "offset": -2000})
        feature["edges"] = [1, 5, 5, 100]
    elif module == "envelope":
        feature.update({"n": 64, "decimation": 4, "edges": [1, 9], "lines": [[2, 4, 6, 8]]})
    elif module == "slow":
        feature.update({"n": 40, "lag": 60, "long": 200, "on": 50, "off": -50, "delta": 100})
        feature["shift"] = 3
    elif module == "images":
        feature.update({"shape": [16, 16], "grid": [4, 4], "points": 16, "q": 2})
    elif kind == "block_means" or kind == "resample":
        feature["points"] = 7
    return {"window": window, "hop": window, "channels": [{"name": "x"}], "features": [feature]}


def noise(length, seed):
    """A repeatable int16 signal: a slow rise, a line and noise."""
    frame = array("h", [0] * length)
    for i in range(length):
        seed = (seed * 1103 + 12345) & 0xFFFFF
        frame[i] = (seed >> 8) - 2048 + 8 * i + (3000 if (i >> 2) & 1 else -3000)
    return frame


class GoldenVectors(unittest.TestCase):
    def test_features_equal_golden_vectors(self):
        for case in vectors("dsp_features"):
            config = case["config"]
            extractor = Extractor(config)
            frames = [array("h", [0] * config["window"]) for _ in config["channels"]]
            for step in case["steps"]:
                for c in range(len(frames)):
                    for i in range(config["window"]):
                        frames[c][i] = step["frames"][c][i]
                got = list(extractor.extract(frames, step["count"]))
                self.assertEqual(got, step["vector"], case["name"])


class NoAllocation(unittest.TestCase):
    def test_no_kind_allocates_per_window(self):
        frames = [noise(256, 1)]
        for kind in TABLE:
            extractor = Extractor(config_of(kind))
            extractor.extract(frames, 256)
            with no_allocation():
                extractor.extract(frames, 256)

    def test_zero_padded_and_long_windows_do_not_allocate(self):
        for window in (200, 300):
            frames = [noise(window, 1)]
            extractor = Extractor(config_of("band_log2", window))
            extractor.extract(frames, window)
            with no_allocation():
                extractor.extract(frames, window)

    def test_given_spectrum_does_not_allocate(self):
        config = config_of("band_log2", 256)
        config["domain"] = "spectrum"
        frames = [noise(256, 1)]
        extractor = Extractor(config)
        extractor.extract(frames, 256)
        with no_allocation():
            extractor.extract(frames, 256)

    def test_full_scale_and_constant_windows_do_not_allocate(self):
        """Big values must not become big integers anywhere, with 0 and 8 fractional bits."""
        window = array("h", [32767 if i & 2 else -32768 for i in range(256)])
        frames = [window]
        kinds = list(TABLE)
        for case in range(2 * len(TABLE)):
            config = config_of(kinds[case >> 1])
            config["features"][0]["q"] = 8 if case & 1 else 0
            extractor = Extractor(config)
            extractor.extract(frames, 256)
            with no_allocation():
                extractor.extract(frames, 256)
            for i in range(256):
                window[i] = -32768
            with no_allocation():
                extractor.extract(frames, 256)
            for i in range(256):
                window[i] = 32767 if i & 2 else -32768


class State(unittest.TestCase):
    def run_levels(self, feature, levels):
        feature["channel"] = 0
        config = {"window": 4, "channels": [{"name": "t"}], "features": [feature]}
        extractor = Extractor(config)
        frames = [array("h", [0] * 4)]
        result = []
        for level in levels:
            for i in range(4):
                frames[0][i] = level
            result.append(extractor.extract(frames, 4)[0])
        extractor.reset()
        self.assertEqual(extractor.extract(frames, 4)[0], self.first)
        return result

    def test_ewma_starts_at_the_first_level_and_follows(self):
        self.first = 1800
        got = self.run_levels({"kind": "ewma", "shift": 1}, [1000, 2000, 2000, 1800])
        self.assertEqual(got, [1000, 1500, 1750, 1775])

    def test_ewma_deviation_is_against_the_state_before(self):
        self.first = 0
        got = self.run_levels({"kind": "ewma_deviation", "shift": 1}, [1000, 2000, 2000])
        self.assertEqual(got, [0, 1000, 500])

    def test_time_since_change_counts_windows(self):
        self.first = 0
        feature = {"kind": "time_since_change", "delta": 10}
        got = self.run_levels(feature, [100, 105, 109, 110, 110, 101, 100])
        self.assertEqual(got, [0, 1, 2, 0, 1, 2, 0])


class Validation(unittest.TestCase):
    def assert_refused(self, config, *words):
        try:
            Extractor(config)
        except FeatureError as error:
            text = str(error)
            self.assertFalse("\n" in text)
            for word in words:
                self.assertTrue(word in text, text)
        else:
            self.fail("accepted")

    def test_bad_parameters_name_the_kind_and_the_parameter(self):
        for kind, key, value in (
            ("band_log2", "n", 100),
            ("band_log2", "edges", [5, 1]),
            ("band_log2", "edges", [0, 130]),
            ("band_log2", "edges", []),
            ("centroid", "hi", 5),
            ("level", "n", 257),
            ("level", "n", True),
            ("deviation", "long", None),
            ("duty_cycle", "on", 99999),
            ("ewma", "shift", 14),
            ("envelope_lines", "lines", []),
            ("envelope_lines", "decimation", 3),
            ("block_means", "points", 0),
            ("image_means", "points", 15),
            ("image_means", "shape", [16]),
            ("kurtosis", "channel", 1),
        ):
            config = config_of(kind)
            config["features"][0][key] = value
            self.assert_refused(config, key if key == "channel" else "")

    def test_unknown_kind_is_named(self):
        config = config_of("kurtosis")
        config["features"][0]["kind"] = "kurtosys"
        self.assert_refused(config, "kurtosys")

    def test_config_that_is_no_config_is_refused(self):
        for config in (None, [], {}, {"window": 8, "channels": [], "features": []}):
            self.assert_refused(config)
        config = config_of("kurtosis")
        config["features"] = []
        self.assert_refused(config)

    def test_frames_of_another_shape_are_refused(self):
        extractor = Extractor(config_of("kurtosis"))
        for frames in ([], [noise(255, 1)], [noise(256, 1), noise(256, 2)]):
            with self.assertRaises(FeatureError):
                extractor.extract(frames, 256)


if __name__ == "__main__":
    unittest.main()
