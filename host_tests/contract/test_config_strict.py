# SPDX-License-Identifier: Apache-2.0
"""Strict JSON: what is accepted, what is refused, and the line that says why."""

import json
import unittest

from tocsin.config.numbers import ConfigError, is_number, parse_number
from tocsin.config.strict import MAX_BYTES, loads

REFUSED = (
    "", "  ", "nul", "True", "{", "}", "[", "]", "[1,]", "[,1]", "[1 2]", '{"a" 1}', '{"a":1,}',
    '{"a":}', "{a:1}", "{'a':1}", '{"a":1}}', '{"a":1} x', '{"a":1,"a":2}', '{"a":{"b":1,"b":1}}',
    "01", "-01", "1.", ".5", "+1", "1e", "1e+", "--1", "0x10", "1_000", "NaN", "nan", "Infinity",
    "-Infinity", "inf", "1e999", "-1e999", "1e31", "123456789012345678901234567890",
    '"', '"a', '"\n"', '"\t"', '"\x00"', '"\\x41"', '"\\u00"', '"\\u00g0"', '"\\u0000"',
    '"\\ud800"', '"\\udc00"', '"\\ud800\\u0041"', "[" * 9 + "]" * 9, "[" * 5000, '{"a":' * 5000,
    "1 2", "//", "/* */ 1", "\ufeff1", "1\x00", "truefalse", "nullx")


class TestLoads(unittest.TestCase):
    def test_rubbish_is_refused_with_one_line(self):
        for text in REFUSED:
            try:
                value = loads(text)
            except ConfigError as error:
                self.assertTrue(error.problems[0])
                self.assertNotIn("\n", error.problems[0])
                self.assertLess(len(error.problems[0]), 100)
            else:
                self.fail("accepted %r as %r" % (text[:40], value))

    def test_what_json_allows_comes_through(self):
        for text in ("0", "-0", "1", "-12.5", "1e3", "2.5E-3", "true", "false", "null", '""', "[]",
                     "{}", ' { "a" : [ 1 , {"b": null} ] } \r\n\t', '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
                     '"\\u00e9\\u20ac"', '"\xe9 \u20ac"', "[[[[[[[1]]]]]]]"):
            self.assertEqual(loads(text), json.loads(text))

    def test_surrogate_pairs_are_joined(self):
        self.assertEqual(loads('"\\ud83d\\ude00"'), "\U0001f600")

    def test_bytes_are_utf_8(self):
        self.assertEqual(loads('"\u20ac"'.encode()), "\u20ac")
        for data in (b"\xff", b'"\xff"', b'"\xc3"', b"\xfe\xff\x00\x31"):
            with self.assertRaises(ConfigError):
                loads(data)

    def test_numbers_keep_their_kind(self):
        self.assertTrue(isinstance(loads("8"), int))
        self.assertTrue(isinstance(loads("8.0"), float))

    def test_size_is_bounded(self):
        with self.assertRaises(ConfigError):
            loads(" " * MAX_BYTES + "1")
        with self.assertRaises(ConfigError):
            loads('"' + "\u20ac" * (MAX_BYTES // 3) + '"')
        self.assertEqual(loads(" " * (MAX_BYTES - 1) + "1"), 1)

    def test_other_types_are_refused(self):
        for value in (None, 5, [], {}, 1.5):
            with self.assertRaises(ConfigError):
                loads(value)

    def test_the_line_of_the_mistake_is_told(self):
        with self.assertRaises(ConfigError) as caught:
            loads('{\n"a": 1,\n"b": 1e999\n}')
        self.assertTrue(caught.exception.problems[0].startswith("line 3: "))


class TestNumbers(unittest.TestCase):
    def test_reasons(self):
        for text, word in (("nan", "digits"), ("1_000", "digits"), ("eight", "digits"),
                           ("", "digits"), ("8.0.0", "digits"), ("1" * 25, "too long"),
                           ("1e999", "too large")):
            with self.assertRaises(ConfigError) as caught:
                parse_number(text)
            self.assertIn(word, caught.exception.problems[0])

    def test_bool_nan_and_infinity_are_no_numbers(self):
        for value in (True, False, float("nan"), float("inf"), -float("inf"), "1", None, 10 ** 40):
            self.assertFalse(is_number(value))
        for value in (0, -5, 1.5, 1 << 40):
            self.assertTrue(is_number(value))


if __name__ == "__main__":
    unittest.main()
