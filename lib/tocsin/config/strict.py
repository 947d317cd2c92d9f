# SPDX-License-Identifier: Apache-2.0
"""Strict JSON in: what RFC 8259 allows, bounded, and nothing else.

MicroPython's own json takes `1e999`, `{"a" 1}`, `[1,]`, `01` and duplicate keys.
"""

from tocsin.config.numbers import ConfigError, parse_number, say

MAX_BYTES = 16384
MAX_DEPTH = 8
_ESCAPES = {b'"': '"', b"\\": "\\", b"/": "/", b"b": "\b", b"f": "\f", b"n": "\n",
            b"r": "\r", b"t": "\t"}
_WORDS = {b"true": True, b"false": False, b"null": None}
_HEX = b"0123456789abcdef"


class _Reader:
    """Reads UTF-8 bytes: indexing a str is linear in MicroPython."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def fail(self, *what):
        line = len(self.data[:self.at].split(b"\n"))
        raise ConfigError(say("line", line, say(*what)))

    def here(self):
        return self.data[self.at:self.at + 1]

    def peek(self):
        while self.here() and self.here() in b" \t\r\n":
            self.at += 1
        return self.here()

    def value(self, depth):
        if depth > MAX_DEPTH:
            self.fail("deep", MAX_DEPTH)
        c = self.peek()
        if c == b"{":
            return self.object(depth)
        if c == b"[":
            return self.array(depth)
        if c == b'"':
            return self.string()
        return self.word()

    def object(self, depth):
        result = {}
        self.at += 1
        if self.peek() == b"}":
            self.at += 1
            return result
        while True:
            if self.peek() != b'"':
                self.fail("key")
            key = self.string()
            if key in result:
                self.fail("twice")
            if self.peek() != b":":
                self.fail("colon")
            self.at += 1
            result[key] = self.value(depth + 1)
            if self.ends(b"}"):
                return result

    def array(self, depth):
        result = []
        self.at += 1
        if self.peek() == b"]":
            self.at += 1
            return result
        while True:
            result.append(self.value(depth + 1))
            if self.ends(b"]"):
                return result

    def ends(self, closing):
        c = self.peek()
        if c == closing or c == b",":
            self.at += 1
        else:
            self.fail("comma", closing.decode())
        return c == closing

    def word(self):
        start = self.at
        while self.here() and self.here() not in b",]} \t\r\n":
            self.at += 1
        if start == self.at:
            self.fail("value")
        word = self.data[start:self.at]
        if word in _WORDS:
            return _WORDS[word]
        self.at = start
        try:
            value = parse_number(word.decode())
        except ConfigError as error:
            self.fail("number", error.problems[0])
        self.at += len(word)
        return value

    def string(self):
        self.at += 1
        parts = []
        start = self.at
        while True:
            c = self.here()
            if c == b'"':
                parts.append(self.data[start:self.at].decode())
                self.at += 1
                return "".join(parts)
            if c < b" ":
                self.fail("open")
            self.at += 1
            if c == b"\\":
                parts.append(self.data[start:self.at - 1].decode())
                parts.append(self.escape())
                start = self.at

    def escape(self):
        c = self.here()
        self.at += 1
        if c in _ESCAPES:
            return _ESCAPES[c]
        if c != b"u":
            self.fail("escape")
        code = self.unit()
        if 0xD800 <= code < 0xDC00 and self.data[self.at:self.at + 2] == b"\\u":
            self.at += 2
            low = self.unit()
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + ((code - 0xD800) << 10) + low - 0xDC00)
        if code == 0 or 0xD800 <= code < 0xE000:
            self.fail("char")
        return chr(code)

    def unit(self):
        code = 0
        for _ in range(4):
            digit = _HEX.find(self.here().lower())
            if digit < 0 or not self.here():
                self.fail("hex")
            code = code * 16 + digit
            self.at += 1
        return code


def loads(text, max_bytes: int = MAX_BYTES):
    """The value of a JSON text (str, or bytes in UTF-8). Raises ConfigError, nothing else.

    Depth at most MAX_DEPTH, numbers finite, keys unique, no NUL, no lone surrogates.
    """
    if not isinstance(text, (str, bytes, bytearray)):
        raise ConfigError(say("text"))
    if len(text) > max_bytes:
        raise ConfigError(say("bytes", max_bytes))
    try:
        data = text.encode() if isinstance(text, str) else bytes(text)
        data.decode()
    except UnicodeError:
        raise ConfigError(say("utf8"))
    if len(data) > max_bytes:
        raise ConfigError(say("bytes", max_bytes))
    reader = _Reader(data)
    if not reader.peek():
        raise ConfigError(say("empty"))
    value = reader.value(1)
    if reader.peek():
        reader.fail("more")
    return value
