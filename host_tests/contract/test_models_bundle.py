# SPDX-License-Identifier: Apache-2.0
"""A bundle is parsed whole or refused with one line, whatever its bytes are."""
import struct
import unittest
from binascii import crc32, unhexlify

from noalloc import vectors
from tocsin.models.bundle import Bundle, BundleError, parse

BUNDLES = {name: unhexlify(case["bundle"]) for name, case in vectors("models")["cases"].items()}


def sections(data):
    """[(tag, payload)] of a good bundle."""
    found = []
    at = 12
    while at < len(data) - 4:
        length = struct.unpack_from("<I", data, at + 4)[0]
        found.append((data[at:at + 4], data[at + 8:at + 8 + length]))
        at += 8 + length + (-length) % 4
    return found


def assemble(parts, version=1):
    body = b""
    for tag, payload in parts:
        body += tag + struct.pack("<I", len(payload)) + payload + bytes(-len(payload) % 4)
    data = b"TCB1" + struct.pack("<HHI", version, len(parts), len(body) + 16) + body
    return data + struct.pack("<I", crc32(data) & 0xFFFFFFFF)


def replaced(data, tag, payload):
    return assemble([(t, payload if t == tag else p) for t, p in sections(data)])


def refusal(data):
    """The message of the BundleError that `data` must raise."""
    try:
        parse(data, "pump.tcb")
    except BundleError as error:
        return str(error)
    raise AssertionError("the bundle was accepted")


class ParseTest(unittest.TestCase):
    def test_every_kind_of_bundle_is_read(self):
        for name in BUNDLES:
            bundle = parse(BUNDLES[name], name)
            self.assertEqual(bundle.n_features, 16)
            self.assertEqual(bundle.feature_names[15], "f15")
            self.assertEqual(bundle.threshold, 256)
            self.assertEqual(bundle.conf["window"], 16)
            self.assertEqual(bundle.provenance["made_by"],
                             "host_tests/vectors/make_models.py")

    def test_unknown_lower_case_section_is_skipped(self):
        data = assemble(sections(BUNDLES["kmeans"]) + [(b"note", b"hello")])
        self.assertEqual(parse(data).n_features, 16)

    def test_unknown_upper_case_section_is_refused(self):
        data = assemble(sections(BUNDLES["kmeans"]) + [(b"NEWS", b"hello")])
        self.assertEqual(refusal(data), "pump.tcb: unknown section b'NEWS'; update the firmware")

    def test_truncated_file_names_the_byte(self):
        data = BUNDLES["kmeans"]
        self.assertEqual(refusal(data[:100]), "pump.tcb: truncated at byte 100 of %d, "
                                              "copy it again" % len(data))
        self.assertEqual(refusal(data[:7]), "pump.tcb: truncated at byte 7, copy it again")
        self.assertEqual(refusal(b""), "pump.tcb: truncated at byte 0, copy it again")

    def test_every_truncation_is_refused(self):
        data = BUNDLES["forest"]
        for size in range(0, len(data), 7):
            self.assertTrue("copy it again" in refusal(data[:size]))

    def test_trailing_bytes_are_refused(self):
        data = BUNDLES["kmeans"]
        self.assertEqual(refusal(data + bytes(5)), "pump.tcb: goes on at byte %d of %d, copy it "
                                                   "again" % (len(data) + 5, len(data)))

    def test_other_format_version_is_refused(self):
        data = assemble(sections(BUNDLES["kmeans"]), 2)
        self.assertTrue("format 2, this firmware reads 1" in refusal(data))

    def test_other_file_is_refused(self):
        self.assertTrue("not a model bundle" in refusal(b"<!DOCTYPE html><html></html>"))

    def test_flipped_bit_is_refused(self):
        data = bytearray(BUNDLES["kmeans_mlp"])
        for at in range(12, len(data), 41):
            data[at] ^= 4
            self.assertTrue("checksum differs" in refusal(bytes(data)))
            data[at] ^= 4

    def test_missing_and_double_sections_are_refused(self):
        parts = sections(BUNDLES["kmeans"])
        self.assertTrue("CONF is not valid" in refusal(assemble(parts[1:])))
        self.assertTrue("second CONF" in refusal(assemble(parts + parts[:1])))
        only = [part for part in parts if part[0] != b"KMNS"]
        self.assertTrue("nothing in it can score" in refusal(assemble(only)))


class ContentTest(unittest.TestCase):
    def test_section_length_past_the_end_is_refused(self):
        data = bytearray(BUNDLES["kmeans"])
        struct.pack_into("<I", data, 16, 0x7FFFFFFF)
        struct.pack_into("<I", data, len(data) - 4, crc32(bytes(data[:-4])) & 0xFFFFFFFF)
        self.assertTrue("section length" in refusal(bytes(data)))

    def test_deep_json_is_survived(self):
        for raw in (b"[" * 5000, b"[" * 5000 + b"]" * 5000, b'{"a":' * 900 + b"1" + b"}" * 900):
            data = replaced(BUNDLES["kmeans"], b"CONF", raw)
            try:
                self.assertTrue(isinstance(parse(data), Bundle))
            except BundleError as error:
                self.assertTrue("CONF" in str(error))

    def test_broken_json_is_refused(self):
        for raw in (b"", b"{", b"\xff\xfe", b"nul", b'{"a":"\xc3"}', b"[]", b"7"):
            self.assertTrue("JSON" in refusal(replaced(BUNDLES["kmeans"], b"PROV", raw)))

    def test_decision_with_wrong_values_is_refused(self):
        for raw in (b'{"threshold":0}', b'{"threshold":1e999}', b'{"threshold":true}',
                    b'{"combine":"min"}', b'{"vote":{"m":3,"n":2}}', b'{"vote":[1]}',
                    b'{"smoothing":{"kind":"median","n":0}}', b'{"smoothing":{"kind":"fir"}}',
                    b'{"smoothing":{"kind":"ewma","shift":9}}', b'{"thresholds":{"kmeans":1}}',
                    b'{"weights":{"kmeans":0,"network":0}}', b'{"smoothing":3}'):
            self.assertTrue("DECI" in refusal(replaced(BUNDLES["kmeans"], b"DECI", raw)))

    def test_wrong_feature_count_is_refused(self):
        scaler = dict(sections(BUNDLES["kmeans"]))[b"SCAL"]
        self.assertTrue("KMNS" in refusal(replaced(BUNDLES["kmeans"], b"SCAL", scaler[:-6])))
        self.assertTrue("SCAL" in refusal(replaced(BUNDLES["kmeans"], b"SCAL", scaler[:-1])))
        for names in (b'{"features":["a"],"classes":[]}', b'{"features":7,"classes":[]}', b"{}",
                      b'{"features":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16],"classes":[]}'):
            self.assertEqual(refusal(replaced(BUNDLES["kmeans"], b"NAME", names)),
                             "pump.tcb: NAME is not valid; pack it again")

    def test_scaler_of_the_network_must_fit(self):
        parts = sections(BUNDLES["two_scalers"])
        scaler = dict(parts)[b"SCAN"]
        self.assertTrue("SCAN" in refusal(replaced(BUNDLES["two_scalers"], b"SCAN", scaler[6:])))

    def test_class_names_must_match_the_network(self):
        names = dict(sections(BUNDLES["kmeans"]))[b"NAME"]
        self.assertTrue("NAME" in refusal(replaced(BUNDLES["forest"], b"NAME", names)))

    def test_wrong_shapes_are_refused(self):
        parts = dict(sections(BUNDLES["kmeans"]))
        for at, value in ((0, 15), (2, 9), (2, 0), (2, 65535), (4, 16), (6, 0), (8, 30)):
            bad = bytearray(parts[b"KMNS"])
            struct.pack_into("<H", bad, at, value)
            self.assertTrue("KMNS" in refusal(replaced(BUNDLES["kmeans"], b"KMNS", bytes(bad))))
        parts = dict(sections(BUNDLES["autoencoder"]))
        for at, value in ((0, 0x0200), (0, 0x0309), (2, 17), (4, 0), (6, 30), (24, 15), (26, 0)):
            bad = bytearray(parts[b"MLPN"])
            struct.pack_into("<H", bad, at, value)
            self.assertTrue("MLPN" in refusal(
                replaced(BUNDLES["autoencoder"], b"MLPN", bytes(bad))))

    def test_projection_that_could_overflow_is_refused(self):
        payload = bytearray(dict(sections(BUNDLES["mahalanobis"]))[b"PROJ"])
        for at in range(8, 40, 2):
            struct.pack_into("<h", payload, at, 32767)
        self.assertTrue("PROJ is not valid" in refusal(
            replaced(BUNDLES["mahalanobis"], b"PROJ", bytes(payload))))

    def test_forest_that_never_ends_is_refused(self):
        payload = bytearray(dict(sections(BUNDLES["forest"]))[b"FRST"])
        nodes = struct.unpack_from("<H", payload, 4)[0]
        struct.pack_into("<H", payload, 12 + 4 * nodes, 0)
        self.assertTrue("FRST" in refusal(replaced(BUNDLES["forest"], b"FRST", bytes(payload))))

    def test_mutations_with_a_right_checksum_give_a_bundle_or_an_error(self):
        state = 12345
        for name in BUNDLES:
            good = BUNDLES[name]
            for _ in range(40):
                data = bytearray(good)
                for _ in range(3):
                    state = (state * 7621 + 1) % 32768
                    at = 4 + state % (len(data) - 8)
                    state = (state * 7621 + 1) % 32768
                    data[at] = state & 255
                struct.pack_into("<I", data, 8, len(data))
                struct.pack_into("<I", data, len(data) - 4, crc32(bytes(data[:-4])) & 0xFFFFFFFF)
                try:
                    self.assertTrue(isinstance(parse(bytes(data)), Bundle))
                except BundleError as error:
                    self.assertTrue("\n" not in str(error))


if __name__ == "__main__":
    unittest.main()
