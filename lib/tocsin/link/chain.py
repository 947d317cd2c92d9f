# SPDX-License-Identifier: Apache-2.0
"""A hash chain over lines of text: what was written cannot be changed or taken out unseen.

Each line is HASH, a space, BODY. HASH is the SHA-256, in hex, of the hash before it, a space and
BODY. A chain begins at START. A file that is one of several begins with an anchor: the hash
before its first entry, and ANCHOR with the number of entries before. A chain shows every change
but the loss of its newest entries; for that, keep or send its head somewhere else.
"""

import binascii
import hashlib

START = "0" * 64
_ANCHOR = "after "
_HASH = 64


class ChainError(ValueError):
    """A line that is not what was written; the message says which."""


def link(before: str, body: str) -> str:
    """The hash of an entry: `before` is that of the entry before it."""
    text = before + " " + body
    return binascii.hexlify(hashlib.sha256(text.encode()).digest()).decode()


def anchor(before: str, number: int) -> str:
    """The first line of a file that goes on after `number` entries."""
    return "%s %s%d" % (before, _ANCHOR, number)


def split(line: str) -> tuple:
    """(hash, body) of a line. Raises ChainError for one that can't be any."""
    if len(line) <= _HASH + 1 or line[_HASH] != " ":
        raise ChainError("half a line")
    return line[:_HASH], line[_HASH + 1:]


class Reader:
    """Follows the lines of one file, oldest first; `read` raises ChainError at the first bad one.

    Attributes: number (of the newest entry), head (its hash), before (the hash before that), body
    (None for an anchor).
    """

    def __init__(self):
        self.number = 0
        self.head = self.before = START
        self.body = None
        self._first = True

    def read(self, line: str) -> None:
        """Take the next line, without its end."""
        found, body = split(line)
        first, self._first = self._first, False
        self.body = None
        if first and body[:len(_ANCHOR)] == _ANCHOR and body[len(_ANCHOR):].isdigit():
            self.head, self.number = found, int(body[len(_ANCHOR):])
            return
        if found != link(self.head, body):
            raise ChainError("entry %d is not what was written" % (self.number + 1))
        self.before, self.head = self.head, found
        self.number += 1
        self.body = body
