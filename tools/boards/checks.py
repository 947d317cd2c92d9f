# SPDX-License-Identifier: Apache-2.0
"""Is this the board that was asked for, and can it take the files?"""

import ast
from dataclasses import dataclass

from tocsin.kernels import NATIVE
from tools.boards.config import Board
from tools.boards.errors import WrongBoard
from tools.boards.link import Link, script

_ABI = (6, 3)


@dataclass(frozen=True)
class Facts:
    """What on_board/look.py tells about a board; sizes in bytes."""

    version: tuple[int, ...]
    machine: str
    build: str
    mpy: int
    platform: str
    file_system: str
    block: int
    free: int
    total: int

    @property
    def abi(self) -> tuple[int, int]:
        """Version of .mpy files with native code."""
        return self.mpy & 0xFF, self.mpy >> 8 & 3

    @property
    def release(self) -> str:
        return ".".join(str(part) for part in self.version)


def look(link: Link) -> Facts:
    """Load look.py on the board and ask for its facts. Raises WrongBoard and LinkLost."""
    answer = link.run(script("look") + "\nfacts()\n")
    try:
        return Facts(**ast.literal_eval(answer.strip()))
    except (ValueError, SyntaxError, TypeError):
        raise WrongBoard(f"{link.port}: not MicroPython as it should answer; reset it") from None


def plain(name: str) -> str:
    """Names of chips have changed their hyphens: ESP32-S3 was ESP32S3."""
    return name.replace("-", "").lower()


def check(facts: Facts, board: Board, port: str, formatted: bool = False) -> None:
    """Platform, image, version, architecture, file system. Raises WrongBoard.

    `formatted`: the file system is about to be made anew, so any will do.
    """
    if facts.platform != board.port:
        raise WrongBoard(f"{port}: this is {facts.machine or facts.platform}, not {board.name}")
    other = facts.build.split("-")[0] != board.image if facts.build else False
    if other or plain(board.machine) not in plain(facts.machine):
        runs = f"{facts.machine} ({facts.build})" if facts.build else facts.machine
        raise WrongBoard(
            f"{port}: this is {runs}, not {board.name} ({board.image}); name the board that it "
            "is, or flash it again"
        )
    if facts.version < board.minimum:
        raise WrongBoard(
            f"{port}: MicroPython {facts.release} is too old, {board.data['micropython_min']} or "
            "newer is needed: tocsin flash"
        )
    if facts.mpy >> 10 != board.arch_number:
        runs = NATIVE.get(facts.mpy >> 10, ("another architecture",))[0]
        raise WrongBoard(f"{port}: this MicroPython is for {runs}, {board.name} is {board.arch}")
    if facts.abi != _ABI:
        raise WrongBoard(
            f"{port}: MicroPython {facts.release} takes .mpy files of version "
            f"{facts.abi[0]}.{facts.abi[1]}, ours are 6.3; flash another version"
        )
    if facts.file_system != "littlefs" and not formatted:
        raise WrongBoard(
            f"{port}: the file system is {facts.file_system}, not littlefs, and may break in a "
            "power cut; save what you need and deploy with --format, which erases it"
        )
