# SPDX-License-Identifier: Apache-2.0
"""A bundle read from its file gives the scores of one in RAM, or a named error; never others."""
import io
import os
import struct
import unittest
from array import array
from binascii import unhexlify

from noalloc import MICROPYTHON, no_allocation, vectors
from test_models_bundle import assemble, sections
from test_models_selftest import FirstSamples, vector_section
from tocsin.models.bundle import BundleError, parse
from tocsin.models.file import open_bundle
from tocsin.models.mlp import Mlp
from tocsin.models.scorer import Scorer
from tocsin.models.selftest import verify
from tocsin.models.streamed import StreamedMlp, WeightsError

GOLDEN = vectors("models")
CASES = GOLDEN["cases"]
FEATURES = [array("h", row) for row in GOLDEN["features"]]
SMALLEST = 1024
WIDTHS = (40, 64, 9, 64, 40)


def layer(n_in, n_out, last):
    """A layer of weights and scales that look random."""
    stride = (n_in + 3) & ~3
    data = struct.pack("<HHhhhh", n_in, n_out, 5 if last else -128, -128, 127, 0)
    data += struct.pack("<%di" % n_out, *[(o * 7919) % 4001 - 2000 for o in range(n_out)])
    data += struct.pack("<%di" % n_out, *[(1 << 30) + o * 7654321 for o in range(n_out)])
    data += bytes([256 - 8] * n_out) + bytes((-9 * n_out) % 4)
    for o in range(n_out):
        row = [((o * 131 + i * 71 + o * i) * 2654435 >> 5) & 255 for i in range(n_in)]
        data += bytes(row) + bytes(stride - n_in)
    return data


def network(widths, head=2, normal=-1):
    data = struct.pack("<BBHHHhhHHhHHH", len(widths) - 1, head, widths[0], 1024, 15, -3, normal,
                       1024, 5, 0, 2, 8192, 13)
    for i in range(1, len(widths)):
        data += layer(widths[i - 1], widths[i], i == len(widths) - 1)
    return data


def bundle(widths=WIDTHS, head=2, normal=-1):
    """The bytes of a bundle with a network alone, whose features are in units of a sixteenth."""
    names = ['"f%d"' % i for i in range(widths[0])]
    classes = ['"c%d"' % i for i in range(widths[-1])] if head == 0 else []
    text = '{"features":[%s],"classes":[%s]}' % (",".join(names), ",".join(classes))
    return assemble([
        (b"CONF", b"{}"), (b"NAME", text.encode()), (b"PROV", b"{}"),
        (b"SCAL", struct.pack("<hhh", 100, 4096, 9) * widths[0]),
        (b"MLPN", network(widths, head, normal)), (b"DECI", b"{}")])


def vector(seed, n=40):
    return array("h", [(seed * 977 + i * i * 31) % 4001 - 2000 for i in range(n)])


def streamed(file, block=SMALLEST, name="model.tcb"):
    """A bundle from its file, its network streamed in blocks of another size than the default."""
    opened = open_bundle(file, name, 0)
    view = opened.section("MLPN")
    opened._made = (opened.parts()[0], StreamedMlp(view, opened.n_features, block))
    return opened


def message(call, *arguments, **keywords):
    """The text of the BundleError or WeightsError that a call must raise: one line."""
    try:
        call(*arguments, **keywords)
    except (BundleError, WeightsError) as error:
        text = str(error)
        assert "\n" not in text
        return text
    raise AssertionError("nothing was raised")


class Changing(io.BytesIO):
    """A file that holds other bytes, of the same size, from its n-th seek to the end on."""

    def change(self, data, n):
        self._other = data
        self._left = n

    def seek(self, at, whence=0):
        if whence == 2:
            self._left -= 1
            if self._left == 0:
                super().seek(0)
                self.write(self._other)
        return super().seek(at, whence)


class Fails:
    """A file whose reads raise OSError while `failing`."""

    def __init__(self, data):
        self._file = io.BytesIO(data)
        self.failing = False
        self.short = 0

    def seek(self, *where):
        return self._file.seek(*where)

    def readinto(self, buffer):
        if self.failing:
            raise OSError(5)
        return self._file.readinto(buffer) - self.short

    def close(self):
        self._file.close()


class Same(unittest.TestCase):
    def test_every_golden_bundle_scores_as_in_ram(self):
        for name in CASES:
            case = CASES[name]
            data = unhexlify(case["bundle"])
            scorer = Scorer(open_bundle(io.BytesIO(data), name, 0))
            for i in range(len(FEATURES)):
                self.assertEqual(scorer.score(FEATURES[i]), case["score"][i])
                self.assertEqual(scorer.label, case["label"][i])

    def test_blocks_of_any_size_score_alike(self):
        data = bundle()
        wanted = Scorer(parse(data))
        for block, count in ((SMALLEST, 8), (1600, 6), (20000, 4)):
            scorer = Scorer(streamed(io.BytesIO(data), block))
            self.assertEqual(type(scorer.network), StreamedMlp)
            self.assertEqual(len(scorer.network._params), count)
            for seed in range(8):
                self.assertEqual(scorer.score(vector(seed)), wanted.score(vector(seed)))
                self.assertEqual(scorer.reasons(5), wanted.reasons(5))
                self.assertTrue(0 < wanted.last < 32767)

    def test_classifier_has_the_label_but_no_reasons(self):
        data = bundle((16, 64, 64, 3), 0, 0)
        wanted = Scorer(parse(data))
        scorer = Scorer(streamed(io.BytesIO(data)))
        for seed in range(8):
            self.assertEqual(scorer.score(vector(seed, 16)), wanted.score(vector(seed, 16)))
            self.assertEqual(scorer.label, wanted.label)
            self.assertEqual(scorer.reasons(3), [])

    def test_small_network_stays_in_ram(self):
        scorer = Scorer(open_bundle(io.BytesIO(bundle()), "pump.tcb", 16384))
        self.assertEqual(type(scorer.network), Mlp)
        self.assertEqual(scorer.score(vector(3)), Scorer(parse(bundle())).score(vector(3)))

    def test_network_is_made_once(self):
        opened = open_bundle(io.BytesIO(bundle()), "pump.tcb", 0)
        self.assertTrue(Scorer(opened).network is Scorer(opened).network)

    def test_self_test_reads_its_vectors_from_the_file(self):
        for name in ("autoencoder", "kmeans_mlp"):
            parts = sections(unhexlify(CASES[name]["bundle"]))
            good = assemble(parts + [(b"VECT", vector_section(name))])
            opened = open_bundle(io.BytesIO(good), "pump.tcb", 0)
            self.assertEqual(verify(opened, 0, FirstSamples()), 3)
            bad = assemble(parts + [(b"VECT", vector_section(name, (1, 1)))])
            opened = open_bundle(io.BytesIO(bad), "pump.tcb", 0)
            self.assertTrue("pump.tcb: self-test vector 2: network score is"
                            in message(verify, opened, 0, FirstSamples()))

    def test_scoring_allocates_nothing(self):
        name = "streamed.tcb"
        with open(name, "wb") as file:
            file.write(bundle())
        try:
            with open(name, "rb") as file:
                scorer = Scorer(streamed(file))
                one, two = vector(1), vector(2)
                scorer.score(one)
                with no_allocation():
                    scorer.score(two)
                self.assertEqual(scorer.last, Scorer(parse(bundle())).score(two))
        finally:
            os.remove(name)


class Refused(unittest.TestCase):
    """What `parse` refuses is refused with the same words."""

    step = 97 if MICROPYTHON else 1

    def both(self, data):
        text = message(open_bundle, io.BytesIO(data), "pump.tcb")
        self.assertEqual(text, message(parse, data, "pump.tcb"))
        return text

    def test_every_truncation(self):
        data = unhexlify(CASES["autoencoder"]["bundle"])
        for size in range(0, len(data), self.step):
            self.assertTrue("truncated at byte %d" % size in self.both(data[:size]))

    def test_every_flipped_byte(self):
        data = bytearray(unhexlify(CASES["autoencoder"]["bundle"]))
        for at in range(0, len(data), self.step):
            data[at] ^= 16
            self.both(bytes(data))
            data[at] ^= 16

    def test_trailing_bytes_and_other_files(self):
        data = unhexlify(CASES["kmeans"]["bundle"])
        self.assertTrue("goes on at byte" in self.both(data + b"\0"))
        self.assertTrue("not a model bundle" in self.both(b"<!DOCTYPE html><html></html>"))

    def test_sealed_damage_is_found_by_the_parts(self):
        parts = sections(unhexlify(CASES["autoencoder"]["bundle"]))
        for tag in (b"SCAL", b"MLPN", b"NAME", b"CONF"):
            self.both(assemble([(t, p[:-1] if t == tag else p) for t, p in parts]))
            self.both(assemble([part for part in parts if part[0] != tag]))

    def test_sixteen_layers_and_no_more(self):
        self.assertEqual(len(Scorer(parse(bundle((8,) * 17))).network._params), 16)
        self.assertEqual(self.both(bundle((8,) * 18)),
                         "pump.tcb: MLPN input is not valid; pack it again")

    def test_another_bundle_put_in_its_place_while_it_is_read(self):
        data = bundle()
        scaler = struct.pack("<hhh", 200, 4096, 9) * 40
        other = assemble([(t, scaler if t == b"SCAL" else p) for t, p in sections(data)])
        self.assertEqual(len(other), len(data))
        file = Changing(data)
        file.change(other, 2)
        self.assertEqual(message(open_bundle, file, "pump.tcb"),
                         "pump.tcb: changed while it was read; load it again")

    def test_reads_that_fail(self):
        file = Fails(bundle())
        file.failing = True
        self.assertTrue("pump.tcb: not readable" in message(open_bundle, file, "pump.tcb"))
        file.failing = False
        file.short = 1
        self.assertTrue("truncated at byte" in message(open_bundle, file, "pump.tcb"))

    def test_closed_file(self):
        file = Fails(bundle())
        opened = open_bundle(file, "pump.tcb", 0)
        opened.close()
        self.assertTrue("weights: not readable" in message(Scorer(opened).score, vector(1)))


class Weights(unittest.TestCase):
    """What happens to the file after the bundle was accepted."""

    def setUp(self):
        self.data = bundle()
        self.file = Fails(self.data)
        self.scorer = Scorer(streamed(self.file))
        self.wanted = Scorer(parse(self.data)).score(vector(4))

    def write(self, at, data):
        self.file._file.seek(at)
        self.file._file.write(data)

    def places(self):
        """First byte of each layer's weights, and how many there are."""
        at = self.data.find(network(WIDTHS)[:24]) + 24
        for i in range(1, len(WIDTHS)):
            n_out = WIDTHS[i]
            at += 12 + 9 * n_out + (-9 * n_out) % 4
            size = n_out * ((WIDTHS[i - 1] + 3) & ~3)
            yield at, size
            at += size

    def test_changed_weight_is_named_and_gone_when_it_is_right_again(self):
        seen = set()
        for first, size in self.places():
            for at in range(first, first + size, 203):
                self.write(at, bytes([self.data[at] ^ 1]))
                text = message(self.scorer.score, vector(4))
                self.assertTrue(" has changed; deploy it again" in text)
                seen.add(text)
                self.write(at, self.data[at:at + 1])
                self.assertEqual(self.scorer.score(vector(4)), self.wanted)
        self.assertEqual(len(seen), 8)

    def test_blocks_that_changed_places_are_noticed(self):
        first, _ = list(self.places())[0]
        rows = self.data[first:first + 80]
        self.write(first, rows[40:] + rows[:40])
        self.assertTrue("block 0 has changed" in message(self.scorer.score, vector(4)))

    def test_bytes_beside_the_weights_do_not_matter(self):
        self.write(0, bytes(60))
        self.assertEqual(self.scorer.score(vector(4)), self.wanted)

    def test_read_error_is_named_and_passes(self):
        self.file.failing = True
        self.assertTrue("weights: not readable" in message(self.scorer.score, vector(4)))
        self.file.failing = False
        self.assertEqual(self.scorer.score(vector(4)), self.wanted)

    def test_short_read_is_named(self):
        self.file.short = 4
        self.assertTrue("has become shorter" in message(self.scorer.score, vector(4)))


if __name__ == "__main__":
    unittest.main()
