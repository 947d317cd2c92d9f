# SPDX-License-Identifier: Apache-2.0
"""Models larger than RAM on the device: chosen by size, a lost file is a fault of that model."""

import io
import struct
import unittest
from array import array
from binascii import unhexlify

import firmware.loader as loader
from test_firmware_app import GOLDEN, MemoryStore, build
from test_firmware_faults import Model, Sensor, pipeline, rule
from test_models_bundle import assemble, sections
from test_models_streamed import network
from tocsin.models.bundle import BundleError, parse
from tocsin.models.scorer import Scorer
from tocsin.models.streamed import WeightsError


def with_network():
    """The golden vibration model with a regressor beside the clusters, its vectors scored anew."""
    parts = dict(sections(unhexlify(GOLDEN["bundle"])))
    n = len(parts[b"SCAL"]) // 6
    parts[b"MLPN"] = network((n, 24, 1), 1)
    scorer = Scorer(parse(assemble(list(parts.items()))))
    vectors = bytearray(parts[b"VECT"])
    count, channels, samples, _ = struct.unpack_from("<HHHH", vectors, 0)
    at = 8
    for _ in range(count):
        at += 2 + 2 * channels * samples
        scorer.score(array("h", bytes(vectors[at:at + 2 * n])))
        struct.pack_into("<hhhh", vectors, at + 2 * n, scorer.kmeans.score, scorer.network.score,
                         scorer.label, scorer.last)
        at += 2 * n + 8
    parts[b"VECT"] = bytes(vectors)
    return assemble(list(parts.items()))


class Watched(io.BytesIO):
    """A file that tells whether it was closed."""

    open_files = 0

    def __init__(self, data):
        super().__init__(data)
        Watched.open_files += 1

    def close(self):
        Watched.open_files -= 1
        super().close()


class Store(MemoryStore):
    def open(self, name):
        return Watched(self.files[name]) if name in self.files else None


class TestLoading(unittest.TestCase):
    """A vibration model and a limit that makes its network too large for RAM."""

    def setUp(self):
        _, _, store = build(run=False)
        self.store = Store(store.files)
        self.store.files["models/motor.tcb"] = with_network()
        self.driver = Sensor([GOLDEN["channel"]])
        self.driver.rate_mhz = GOLDEN["rate_mhz"]
        self.limit = loader._IN_RAM
        Watched.open_files = 0

    def tearDown(self):
        loader._IN_RAM = self.limit

    def load(self):
        return loader.load(self.store, "motor.tcb", self.driver)

    def test_size_of_the_network_decides(self):
        self.assertFalse(self.load().streams or Watched.open_files)
        loader._IN_RAM = len(dict(sections(with_network()))[b"MLPN"])
        self.assertFalse(self.load().streams)
        loader._IN_RAM -= 1
        model = self.load()
        self.assertEqual((model.streams, Watched.open_files), (True, 1))

    def test_both_score_alike(self):
        kept = self.load()
        loader._IN_RAM = 0
        streamed = self.load()
        n = kept.extractor.n_features
        for seed in range(5):
            vector = array("h", [(seed * 997 + i * 311) % 5000 for i in range(n)])
            self.assertEqual(streamed.scorer.score(vector), kept.scorer.score(vector))

    def test_refused_file_is_closed(self):
        loader._IN_RAM = 0
        data = bytearray(self.store.files["models/motor.tcb"])
        data[200] ^= 1
        self.store.files["models/motor.tcb"] = bytes(data)
        with self.assertRaises(BundleError):
            self.load()
        self.assertEqual(Watched.open_files, 0)
        self.driver.rate_mhz += 1000000
        with self.assertRaises(BundleError):
            self.load()
        self.assertEqual(Watched.open_files, 0)

    def test_missing_file_is_named(self):
        self.store.files.clear()
        try:
            self.load()
        except BundleError as error:
            self.assertEqual(str(error), "models/motor.tcb is missing; deploy it")
        else:
            raise AssertionError("nothing was raised")


class Unreadable(Model):
    """A model whose weights can't be read while `failing`."""

    failing = False

    def score(self, vector):
        if self.failing:
            raise WeightsError("weights: block 3 has changed; deploy it again")
        return super().score(vector)


class TestFault(unittest.TestCase):
    def test_alarms_on_the_score_know_nothing_and_those_on_features_go_on(self):
        sensor = Sensor([{"name": "x", "unit": "", "scale": 1.0, "offset": 0.0}])
        model = Unreadable(sensor.channels)
        seen = []
        line = pipeline(sensor, model, changed=lambda *change: seen.append(change[1].name))
        names = line.values.names
        feature = names[line._features_at]
        score = line.watch("score", rule("p.score", limit=1000, sensor_fault_s=30), "score")
        other = line.watch("feature", rule("p." + feature, limit=1000, sensor_fault_s=30),
                           feature)
        block = array("h", [5] * model.conf["window"])

        def window(now_ms):
            line.feed(block, len(block), now_ms)

        window(1000)
        self.assertEqual((score.sensor_fault, other.sensor_fault), (False, False))
        self.assertIsNone(line.fault)
        model.failing = True
        for i in range(60):
            window(2000 + 1000 * i)
        self.assertEqual((score.sensor_fault, other.sensor_fault), (True, False))
        self.assertTrue("block 3" in str(line.fault))
        self.assertEqual(line.windows, 61)
        model.failing = False
        window(100000)
        self.assertEqual((score.sensor_fault, line.fault), (False, None))
        self.assertEqual(seen, ["score", "score"])

    def test_app_logs_the_fault_once_and_its_end(self):
        app, scheduler, _ = build()
        motor = app.pipelines["motor"]
        scheduler.run(20000)
        motor.fault = WeightsError("weights: block 3 has changed; deploy it again")
        scheduler.run(25000)
        motor.fault = None
        scheduler.run(29000)
        text = "\n".join(app.log.lines())
        self.assertEqual(text.count("model of motor: weights: block 3 has changed"), 1)
        self.assertEqual(text.count("model of motor: scores again"), 1)


if __name__ == "__main__":
    unittest.main()
