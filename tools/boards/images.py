# SPDX-License-Identifier: Apache-2.0
"""MicroPython images: what they are for, read from the file before anything is written.

UF2: Microsoft's "USB Flashing Format", blocks of 512 bytes; RP2040 and RP2350 tell their images
apart by the family id. ESP: the header in front of the boot loader, esptool's "Firmware Image
Format"; the chip id is at byte 12, the partition table at flash address 0x8000.
"""

import re
import struct
from dataclasses import dataclass
from pathlib import Path

from tools.boards.checks import plain
from tools.boards.config import Board
from tools.boards.errors import ImageError

UF2_BLOCK = 512
_UF2_START, _UF2_SECOND, _UF2_END = 0x0A324655, 0x9E5D5157, 0x0AB16F30
_HAS_FAMILY, _NOT_FLASH = 0x2000, 0x0001
_ABSOLUTE = 0xE48BFF57  # a block that only steers the RP2350's boot loader
_FAMILIES = {0xE48BFF56: "RP2040", 0xE48BFF59: "RP2350", 0xE48BFF5A: "RP2350 (RISC-V)"}
_ESP_MAGIC = 0xE9
_ESP_CHIPS = {0: "ESP32", 2: "ESP32-S2", 5: "ESP32-C3", 9: "ESP32-S3", 12: "ESP32-C2",
              13: "ESP32-C6", 16: "ESP32-H2", 18: "ESP32-P4", 23: "ESP32-C5"}  # fmt: skip
_TABLE = 0x8000
_TABLE_MAGIC = b"\xaa\x50"
_VERSION = re.compile(rb"(?<![\w.])v?(\d+)\.(\d+)\.(\d+)[-\w.]* on 20\d\d-")


@dataclass(frozen=True)
class Image:
    """A checked image: where its bytes go and what it says it is."""

    path: Path
    data: bytes
    version: str
    offset: int | None


def read(path: Path, board: Board) -> Image:
    """Read an image and check that it is for this board. Raises ImageError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ImageError(f"{path} does not exist; get one from micropython.org/download") from None
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}; give a file") from None
    if board.data["flash"]["method"] == "uf2":
        content = _uf2(path, data, board)
        offset = None
    else:
        offset = board.data["flash"]["offset"]
        content = _esp(path, data, board, offset)
    return Image(path, data, _micropython(path, content, board), offset)


def _uf2(path: Path, data: bytes, board: Board) -> bytes:
    """The payload of a whole UF2 file for the board's chip."""
    if not data or len(data) % UF2_BLOCK or data[:4] != struct.pack("<I", _UF2_START):
        raise ImageError(f"{path} is no whole UF2 file; {board.name} takes .uf2 images")
    wanted = int(board.data["flash"]["id"], 16)
    seen: dict[int, int] = {}
    payload = bytearray()
    for at in range(0, len(data), UF2_BLOCK):
        first, second, flags, _, size, number, count, family = struct.unpack_from("<8I", data, at)
        (last,) = struct.unpack_from("<I", data, at + UF2_BLOCK - 4)
        if (first, second, last) != (_UF2_START, _UF2_SECOND, _UF2_END) or size > 476:
            raise ImageError(f"{path} is damaged at byte {at}; download it again")
        if flags & _NOT_FLASH or family == _ABSOLUTE:
            continue
        if not flags & _HAS_FAMILY or family != wanted:
            found = _FAMILIES.get(family, "another chip")
            raise ImageError(f"{path} is for {found}, not for {board.data['mcu']}")
        if number != seen.get(count, 0):
            raise ImageError(f"{path} lacks block {seen.get(count, 0)}; download it again")
        seen[count] = number + 1
        payload += data[at + 32 : at + 32 + size]
    if not seen or any(done != count for count, done in seen.items()):
        raise ImageError(f"{path} is cut short; download it again")
    return bytes(payload)


def _esp(path: Path, data: bytes, board: Board, offset: int) -> bytes:
    """A whole image (boot loader, partition table, application) for the board's chip."""
    if len(data) < 24 or data[0] != _ESP_MAGIC:
        raise ImageError(f"{path} is no ESP image; {board.name} takes .bin images")
    (chip,) = struct.unpack_from("<H", data, 12)
    if chip != int(board.data["flash"]["id"]):
        found = _ESP_CHIPS.get(chip, f"chip {chip}")
        raise ImageError(f"{path} is for {found}, not for {board.data['mcu']}")
    table = _TABLE - offset
    if data[table : table + 2] != _TABLE_MAGIC:
        raise ImageError(
            f"{path} is an application without boot loader and partition table; take the whole "
            f"image, {board.image}-....bin"
        )
    room = board.data["memory"]["flash_kb"] * 1024
    if offset + len(data) > room:
        raise ImageError(f"{path} needs {offset + len(data):,} bytes of flash, there are {room:,}")
    return data


def _micropython(path: Path, content: bytes, board: Board) -> str:
    """The version, of a MicroPython for this very board that is new enough."""
    versions = [tuple(int(n) for n in found) for found in _VERSION.findall(content)]
    if not versions:
        raise ImageError(f"{path} is not MicroPython; get one from micropython.org/download")
    version = ".".join(str(part) for part in max(versions))
    text = content.decode("latin-1")
    if not re.search(rf"(?<!\w){re.escape(plain(board.machine))}(?!\w)", _plain_text(text)):
        other = re.search(r"[\w -]{3,40} with (?:RP2|ESP32)[\w-]*", text)
        found = f"for {other[0].strip()}" if other else "for another board"
        raise ImageError(f"{path} is {found}, not for {board.name} ({board.image})")
    if max(versions) < board.minimum:
        raise ImageError(
            f"{path} is MicroPython {version}, {board.data['micropython_min']} or newer is needed"
        )
    return version


def _plain_text(text: str) -> str:
    """Like `checks.plain`, with the vendor's `Generic ` left out."""
    return plain(text).replace("generic ", "")
