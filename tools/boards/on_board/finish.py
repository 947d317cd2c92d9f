# SPDX-License-Identifier: Apache-2.0
"""Runs on the board: put the files of /deploy.pack in their places.

From the moment when everything has arrived and been checked, this is the board's boot.py: cut off
anywhere, the next boot begins again and skips what is in its place already. The last file of the
pack is the real boot.py, which takes this one's place by a rename; for the others a rename would
only cost time (on an emulated Pico 17 to 36 ms each, a write 5 ms).
"""

import hashlib
import io
import os
import struct

import deflate

_PACK = "/deploy.pack"
_HEAD = "<HI32s"
_HEAD_BYTES = 38
_GONE = 0xFFFFFFFF
_BOOT = "/boot.py"
_WINDOW_BITS = 13


class Tape:
    """The bytes of a pack in order: blocks of raw deflate, each after its length in 2 bytes."""

    def __init__(self, file):
        self._file = file
        self._block = memoryview(b"")

    def piece(self, n):
        """At most n of the next bytes, at least one; none at the end of the pack."""
        if not len(self._block):
            head = self._file.read(2)
            if len(head) == 2:
                packed = io.BytesIO(self._file.read(head[0] | head[1] << 8))
                with deflate.DeflateIO(packed, deflate.RAW, _WINDOW_BITS) as stream:
                    self._block = memoryview(stream.read())
        piece = self._block[:n]
        self._block = self._block[n:]
        return piece

    def pieces(self, n):
        """Exactly n of the next bytes, as they come."""
        while n:
            piece = self.piece(n)
            if not len(piece):
                raise ValueError("/deploy.pack is cut short")
            yield piece
            n -= len(piece)


def in_place(path, size, digest):
    """Whether this very file is there."""
    try:
        if os.stat(path)[6] != size:
            return False
        found = hashlib.sha256()
        with open(path, "rb") as file:
            while True:
                block = file.read(1024)
                if not block:
                    return found.digest() == digest
                found.update(block)
    except OSError:
        return False


def create(path):
    """The file, open for writing; its folders are made where they are missing."""
    try:
        return open(path, "wb")
    except OSError:
        pass
    at = path.find("/", 1)
    while at > 0:
        try:
            os.mkdir(path[:at])
        except OSError:
            pass  # it is there; if it could not be made, opening the file says so
        at = path.find("/", at + 1)
    return open(path, "wb")


def put(path, size, digest, tape):
    """Write one file, unless it is there."""
    if in_place(path, size, digest):
        for _ in tape.pieces(size):
            pass
        return
    at = _BOOT + ".new" if path == _BOOT else path
    with create(at) as file:
        for piece in tape.pieces(size):
            file.write(piece)
    if at != path:
        os.rename(at, path)


def drop(path):
    """Remove a file and the folders that are empty without it."""
    try:
        os.remove(path)
        while path.rfind("/") > 0:
            path = path[: path.rfind("/")]
            os.rmdir(path)
    except OSError:
        pass


def finish(told):
    """Work through the pack; `told` is called with each path. False where there is none."""
    try:
        file = open(_PACK, "rb")
    except OSError:
        return False
    with file:
        tape = Tape(file)
        while True:
            head = tape.piece(_HEAD_BYTES)
            if not len(head):
                break
            n, size, digest = struct.unpack(_HEAD, head)
            path = str(tape.piece(n), "utf8")
            if size == _GONE:
                drop(path)
            else:
                put(path, size, digest, tape)
            told(path)
    os.remove(_PACK)
    return True
