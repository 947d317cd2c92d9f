# SPDX-License-Identifier: Apache-2.0
"""The boards that are known: one file of board_configs each."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tocsin.kernels import NATIVE
from tools.boards.errors import ConfigError

FOLDER = Path(__file__).resolve().parents[2] / "board_configs"


@dataclass(frozen=True)
class Board:
    """One board; `data` is its file as README.md there describes it."""

    data: dict[str, Any]

    @property
    def id(self) -> str:
        return self.data["board"]

    @property
    def name(self) -> str:
        return self.data["name"]

    @property
    def port(self) -> str:
        return self.data["port"]

    @property
    def arch(self) -> str:
        return self.data["arch"]

    @property
    def image(self) -> str:
        """Name of its stock MicroPython image, such as RPI_PICO_W."""
        return self.data["micropython_board"]

    @property
    def machine(self) -> str:
        """What the image calls itself, such as `Raspberry Pi Pico W with RP2040`."""
        return self.data["machine"]

    @cached_property
    def arch_number(self) -> int:
        """The architecture as sys.implementation._mpy has it."""
        return next(number for number, (arch, _) in NATIVE.items() if arch == self.arch)

    @cached_property
    def minimum(self) -> tuple[int, ...]:
        """The oldest MicroPython that it may run."""
        return tuple(int(part) for part in self.data["micropython_min"].split("."))

    def content(self) -> bytes:
        """/board.json of the device: the pins and buses that a configuration leaves out."""
        return json.dumps(self.data, separators=(",", ":")).encode()


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load(name: str) -> Board:
    """A board by its name, or by the path of a file of one's own. Raises ConfigError."""
    path = Path(name) if name.endswith(".json") else FOLDER / f"{name}.json"
    try:
        data = json.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigError(f"no board {name!r}; there are {', '.join(names())}") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}; see board_configs/README.md") from None
    keys = ("board", "name", "port", "arch", "micropython_board", "micropython_min", "machine",
            "mcu", "memory", "flash")  # fmt: skip
    missing = [key for key in keys if key not in data] if isinstance(data, dict) else keys
    if missing:
        raise ConfigError(f"{path}: no {missing[0]!r}; see board_configs/README.md")
    if data["arch"] not in [arch for arch, _ in NATIVE.values()]:
        raise ConfigError(f"{path}: unknown arch {data['arch']!r}; see board_configs/README.md")
    return Board(data)
