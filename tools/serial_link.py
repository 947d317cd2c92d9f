# SPDX-License-Identifier: Apache-2.0
"""The console of a device, for programs: numbered questions over a serial port or a socket.

A question is the line "#N COMMAND"; each line of its answer begins with "#N ", the last one is
"#N ok" or "#N error: REASON". Everything else on the line (log lines, a prompt) is passed over.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

import serial

BAUD = 115200
_ANSWER_S = 10.0
_LINE_BYTES = 180


class LinkError(ValueError):
    """The device did not answer, or refused; one line that says what to do."""


def open_port(port: str) -> Any:
    """A pyserial port: a device name, or socket://HOST:PORT. Raises LinkError."""
    try:
        return serial.serial_for_url(port, BAUD, timeout=0.05, write_timeout=5)
    except serial.SerialException as error:
        reason = str(error.args[-1] if error.args else error).split(":")[-1].strip()
        raise LinkError(
            f"{port} cannot be opened ({reason}); check the name, the cable, and that no other "
            "program uses it"
        ) from None


class Link:
    """Asks the console. port: as `open_port` gives it. seconds: how long an answer may take."""

    def __init__(self, port: Any, seconds: float = _ANSWER_S):
        self._port = port
        self._seconds = seconds
        self._number = 0
        self._rest = b""

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *_: object) -> None:
        self._port.close()

    def ask(self, command: str) -> list[str]:
        """The lines of the answer. Raises LinkError when it is an error or does not come."""
        self._number += 1
        tag = f"#{self._number} "
        self._write(b"\x15" + tag.encode() + command.encode() + b"\r")
        found: list[str] = []
        end = time.monotonic() + self._seconds
        while True:
            line = self._line(end)
            if not line.startswith(tag):
                continue
            text = line[len(tag) :]
            if text == "ok":
                return found
            if text.startswith("error: "):
                raise LinkError(f"the device: {text[7:]}")
            found.append(text)
            end = time.monotonic() + self._seconds

    def _write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except (serial.SerialException, OSError) as error:
            raise LinkError(f"the line broke ({error}); plug it in again") from None

    def _line(self, end: float) -> str:
        while b"\n" not in self._rest:
            if time.monotonic() > end:
                raise LinkError(
                    "no answer; does the board run Tocsin, and not the Python prompt? "
                    "Ctrl-D there starts it"
                )
            try:
                self._rest += self._port.read(max(1, self._port.in_waiting))
            except (serial.SerialException, OSError) as error:
                raise LinkError(f"the line broke ({error}); plug it in again") from None
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode("utf-8", "replace").strip("\r")

    def config(self) -> dict[str, Any]:
        """The configuration as saved on the device, secrets as ***."""
        lines = self.ask("export config")
        try:
            found = json.loads("".join(lines))
        except ValueError:
            raise LinkError("the configuration came damaged; try again") from None
        assert isinstance(found, dict)
        return found

    def push(self, config: dict[str, Any], step: Callable[[int, int], None]) -> str:
        """Send a whole configuration; step(sent, of) for a progress bar. Returns the answer."""
        data = json.dumps(config, separators=(",", ":"), ensure_ascii=False).encode()
        self.ask(f"push begin {len(data)} {hashlib.sha256(data).hexdigest()}")
        for at in range(0, len(data), _LINE_BYTES):
            piece = data[at : at + _LINE_BYTES]
            self.ask("push " + base64.b64encode(piece).decode())
            step(at + len(piece), len(data))
        return " ".join(self.ask("push end"))


def value_of(line: str, path: str) -> tuple[Any, str, bool]:
    """(value, unit, waits for a reset) of a line "PATH = JSON UNIT". Raises LinkError."""
    start = path + " = "
    waits = line.endswith("  (after a reset)")
    if waits:
        line = line[: -len("  (after a reset)")]
    if not line.startswith(start):
        raise LinkError(f"{path} has parts; give the whole path, such as alarms.temp_high.limit")
    try:
        value, end = json.JSONDecoder().raw_decode(line[len(start) :])
    except ValueError:
        raise LinkError(f"{path}: not understood: {line}") from None
    return value, line[len(start) + end :].strip(), waits
