# SPDX-License-Identifier: Apache-2.0
"""Put a MicroPython image on a board: onto the BOOTSEL drive of an RP2, with esptool on an ESP32.

Nothing is written before the image and the chip are known to fit the board.
"""

import contextlib
import io
import os
import string
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tools.boards.config import Board
from tools.boards.errors import BoardError, ImageError, LinkLost, WrongBoard
from tools.boards.images import Image
from tools.boards.link import Link

INFO = "INFO_UF2.TXT"
_CHIP_OF_DRIVE = {"RPI-RP2": "RP2040", "RP2350": "RP2350"}
_WAIT_S = 20.0
_CHUNK = 65536
_BAUD = 460800

Step = Callable[[int], None]


def drives() -> list[Path]:
    """Mounted drives of boards that wait for a UF2 file."""
    if sys.platform == "win32":
        roots: Iterable[Path] = (Path(f"{letter}:\\") for letter in string.ascii_uppercase)
    elif sys.platform == "darwin":
        roots = Path("/Volumes").glob("*")
    else:
        user = Path("/run/media"), Path("/media"), Path("/mnt")
        roots = [found for top in user for depth in ("*", "*/*") for found in top.glob(depth)]
    found = []
    for root in roots:
        with contextlib.suppress(OSError):
            if (root / INFO).is_file():
                found.append(root)
    return sorted(found)


def chip_of(drive: Path) -> str:
    """The chip that a drive's INFO_UF2.TXT names. Raises WrongBoard."""
    try:
        text = (drive / INFO).read_text(errors="replace")
    except OSError:
        raise WrongBoard(
            f"{drive} is not the drive of a board in BOOTSEL mode; hold BOOTSEL while plugging in"
        ) from None
    lines = dict(line.partition(":")[::2] for line in text.splitlines())
    board_id = lines.get("Board-ID", "").strip()
    if board_id not in _CHIP_OF_DRIVE:
        raise WrongBoard(f"{drive} belongs to {board_id or 'an unknown board'}, not to an RP2")
    return _CHIP_OF_DRIVE[board_id]


def find_drive(port: str, board: Board) -> Path:
    """The drive to copy to: PORT itself, or the one that shows up after a restart of the board.

    `auto` takes the only drive there is. Raises WrongBoard, LinkLost.
    """
    if port == "auto":
        found = drives()
        if len(found) != 1:
            raise WrongBoard(
                "no drive of a board in BOOTSEL mode; hold BOOTSEL while plugging in"
                if not found
                else f"several drives ({', '.join(map(str, found))}); give one as PORT"
            )
        return found[0]
    if Path(port).is_dir():
        return Path(port)
    before = set(drives())
    _restart_into_loader(port, board)
    end = time.monotonic() + _WAIT_S
    while time.monotonic() < end:
        new = [drive for drive in drives() if drive not in before]
        if new:
            return new[0]
        time.sleep(0.2)
    raise WrongBoard(
        f"the board left {port}, but its drive is not mounted; mount it and give that as PORT"
    )


def _restart_into_loader(port: str, board: Board) -> None:
    link = Link(port)
    try:
        platform = link.run("import sys\nprint(sys.platform)\n").strip()
        if platform != board.port:
            raise WrongBoard(f"{port}: this is {platform}, not {board.name}")
        with contextlib.suppress(BoardError):  # it is gone before it can answer
            link.run("import machine\nmachine.bootloader()\n")
    finally:
        link.close()


def copy_uf2(image: Image, drive: Path, board: Board, step: Step) -> None:
    """Copy the image onto the drive; the board restarts by itself. Raises WrongBoard, LinkLost."""
    chip = chip_of(drive)
    if chip != board.data["mcu"]:
        raise WrongBoard(f"{drive} belongs to an {chip}, {board.name} has an {board.data['mcu']}")
    written = 0
    try:
        with open(drive / "tocsin.uf2", "wb", buffering=0) as file:
            for at in range(0, len(image.data), _CHUNK):
                written += file.write(image.data[at : at + _CHUNK])
                step(written)
            with contextlib.suppress(OSError):  # the board may be gone: it has all it needs
                os.fsync(file.fileno())
    except OSError as error:
        if written < len(image.data):
            raise LinkLost(
                f"{drive}: {error.strerror or error} after {written:,} of {len(image.data):,} "
                "bytes; hold BOOTSEL while plugging in and try again"
            ) from None


def run_esptool(image: Image, port: str, board: Board, erase: bool, step: Step) -> None:
    """Write an ESP image; esptool verifies what it wrote. Raises WrongBoard and LinkLost."""
    from esptool import FatalError, cmds

    wanted = board.data["mcu"]
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            with cmds.detect_chip(port) as found:
                if found.CHIP_NAME != wanted:
                    raise WrongBoard(f"{port}: this is an {found.CHIP_NAME}, not an {wanted}")
                stub = cmds.run_stub(found)
                with contextlib.suppress(FatalError):  # a bridge that knows one speed only
                    stub.change_baud(_BAUD)
                cmds.attach_flash(stub)
                if erase:
                    cmds.erase_flash(stub)
                step(0)
                assert image.offset is not None
                cmds.write_flash(stub, [(image.offset, str(image.path))])
                cmds.verify_flash(stub, [(image.offset, str(image.path))])
                step(len(image.data))
                cmds.reset_chip(stub, "hard-reset")
        except FatalError as error:
            raise LinkLost(
                f"{port}: {' '.join(str(error).split())}; hold BOOT, press EN and try again"
            ) from None
        except OSError as error:
            raise LinkLost(f"{port}: {error}; check the port and close other programs") from None


def flash(image: Image, port: str, board: Board, erase: bool, step: Step) -> str:
    """Write an image by the board's method; returns where it went. Raises BoardError."""
    if board.data["flash"]["method"] == "uf2":
        if erase:
            raise ImageError(f"--erase is for ESP32 boards; {board.name}: tocsin deploy --format")
        drive = find_drive(port, board)
        copy_uf2(image, drive, board, step)
        return str(drive)
    run_esptool(image, port, board, erase, step)
    return port
