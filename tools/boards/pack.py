# SPDX-License-Identifier: Apache-2.0
"""All that a deployment changes, in one file: see on_board/finish.py, which reads it.

A record is its path's length (uint16), the file's size (uint32) and SHA-256, the path, the file;
size 0xffffffff removes the path. The records are cut into blocks of raw deflate, each after its
length (uint16), all little-endian. No block ends inside a record's head or path.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Mapping

BLOCK = 8192
_WINDOW_BITS = 13
_GONE = 0xFFFFFFFF


def build(files: Mapping[str, bytes], gone: Iterable[str] = ()) -> bytes:
    """The pack that removes `gone` and then writes `files` in their order. Same in, same out."""
    blocks = [bytearray()]

    def add(whole: bytes) -> None:
        if len(blocks[-1]) + len(whole) > BLOCK:
            blocks.append(bytearray())
        blocks[-1] += whole

    for path in gone:
        add(_head(path, _GONE, bytes(32)))
    for path, data in files.items():
        add(_head(path, len(data), hashlib.sha256(data).digest()))
        while data:
            room = BLOCK - len(blocks[-1])
            if not room:
                blocks.append(bytearray())
                room = BLOCK
            blocks[-1] += data[:room]
            data = data[room:]
    return b"".join(_packed(bytes(block)) for block in blocks if block)


def _head(path: str, size: int, checksum: bytes) -> bytes:
    name = path.encode()
    return struct.pack("<HI32s", len(name), size, checksum) + name


def _packed(block: bytes) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -_WINDOW_BITS)
    data = squeeze.compress(block) + squeeze.flush()
    return struct.pack("<H", len(data)) + data
