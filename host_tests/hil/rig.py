# SPDX-License-Identifier: Apache-2.0
"""A board under test at a port: deploy, reset, its prompt, its console.

A port is closed between two uses, as another program may need it, and opened again with patience:
a board that resets is gone from USB for a moment.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import serial
from mpremote.transport import TransportError

from tools import cli
from tools.boards import checks, config
from tools.boards import link as boards_link
from tools.boards.errors import BoardError, WrongBoard
from tools.mpy import compile_file
from tools.serial_link import LinkError, open_port

HERE = Path(__file__).resolve().parent
PROBE = HERE / "on_board" / "hil_probe.py"
REAL_MAIN = "/hil_main.py"
MAIN = f"import hil_probe\nhil_probe.begin(globals())\nexec(open({REAL_MAIN!r}).read())\n"
STOPPED = "monitoring stands still"
DECIDED = "hil: first decision"
_QUIET_S = 0.05
_KEY_S = 0.02


class HilError(RuntimeError):
    """The board did not do what the suite waits for; one line."""


class Prompt(boards_link.Link):
    """The raw REPL of a board without a soft reset: what has run is still in memory."""

    def _enter(self) -> None:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                self._transport.enter_raw_repl(soft_reset=False, timeout_overall=self.timeout_s)
        except TransportError:
            raise HilError(f"{self.port}: no MicroPython prompt after Ctrl-C") from None
        except (serial.SerialException, OSError) as error:
            raise HilError(f"{self.port}: the line broke ({error})") from None

    def __enter__(self) -> Prompt:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def leave(self) -> None:
        """To the normal prompt."""
        self._transport.exit_raw_repl()


class Rig:
    """port: as pyserial names it. board: a name of board_configs. timeout_s: of the host's time,
    how long the board may be silent; an emulated one is slow."""

    def __init__(self, port: str, board: str, timeout_s: float = 10.0):
        self.port = port
        self.board = board
        self.timeout_s = timeout_s
        self.heard = ""

    def deploy(self, *arguments: object) -> dict[str, Any]:
        """`tocsin deploy BOARD PORT ...`: what it left as JSON. Raises HilError."""
        out, err = io.StringIO(), io.StringIO()
        command = ["deploy", self.board, self.port, "--timeout", self.timeout_s, "--json", "-",
                   *arguments]  # fmt: skip
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.main([str(argument) for argument in command])
        if code:
            raise HilError(f"tocsin deploy ended with {code}: {_last_line(err.getvalue())}")
        found = json.loads(out.getvalue())
        assert isinstance(found, dict)
        return found

    @contextlib.contextmanager
    def line(self) -> Iterator[Any]:
        """The open port. Raises HilError when it does not come back in time."""
        end = time.monotonic() + self.timeout_s
        while True:
            try:
                port = open_port(self.port)
                break
            except LinkError as error:
                if time.monotonic() > end:
                    raise HilError(str(error)) from None
                time.sleep(0.2)
        try:
            yield port
        finally:
            port.close()

    def listen(self, *wanted: str, silent_s: float | None = None, begin: bytes = b"") -> str:
        """Type `begin`, 20 ms between keys, and read until one of the texts came.

        Returns all that was said. Raises HilError when nothing new comes for `silent_s`.
        """
        patience = silent_s or self.timeout_s
        said = b""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            with self.line() as port:
                try:
                    while begin:
                        port.write(begin[:1])
                        begin = begin[1:]
                        time.sleep(_KEY_S if begin else 0)
                    while time.monotonic() < end:
                        more = port.read(max(1, port.in_waiting))
                        if more:
                            said += more
                            end = time.monotonic() + patience
                        text = said.decode("utf-8", "replace")
                        if any(one in text for one in wanted):
                            self.heard = text
                            return text
                except (serial.SerialException, OSError):
                    time.sleep(_QUIET_S)  # it resets and comes back
        shown = _last_line(said.decode("utf-8", "replace")) or "nothing"
        raise HilError(f"{self.port}: waited for {wanted[0]!r}, the board said {shown!r}")

    def interrupt(self, times: int = 1) -> str:
        """Ctrl-C, so many times; the prompt comes; returns what the board said."""
        return self.listen(">>> ", begin=b"\x03" * times)

    @contextlib.contextmanager
    def prompt(self) -> Iterator[Prompt]:
        """Scripts at the prompt; leaves the board there."""
        with Prompt(self.port, self.timeout_s) as link:
            yield link
            link.leave()

    def reset(self) -> None:
        """A reset of the chip from the prompt, as the tools do it."""
        with Prompt(self.port, self.timeout_s) as link:
            link.reset()

    def mpremote(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The real mpremote, with what is in the board's memory kept."""
        command = [sys.executable, "-m", "mpremote", "connect", self.port, "resume", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False,
                              timeout=60 + 3 * self.timeout_s)  # fmt: skip

    def install_probe(self) -> None:
        """/main.py becomes the suite's, the real one /hil_main.py; hil_probe came along."""
        with self.prompt() as link:
            link.run(
                "import os\n"
                f"os.rename('/main.py', {REAL_MAIN!r})\n"
                f"with open('/main.py', 'w') as file: file.write({MAIN!r})\n"
            )

    def remove_probe(self) -> None:
        """The real main.py again, if it was put aside."""
        with self.prompt() as link:
            link.run(
                "import os\n"
                "try:\n"
                f" os.stat({REAL_MAIN!r})\n"
                f" os.rename({REAL_MAIN!r}, '/main.py')\n"
                "except OSError: pass\n"
            )


def detect(port: str, timeout_s: float) -> str:
    """The name in board_configs of the board at a port. Raises HilError."""
    with Prompt(port, timeout_s) as link:
        facts = checks.look(link)
        link.leave()
    for name in config.names():
        with contextlib.suppress(WrongBoard):
            checks.check(facts, config.load(name), port, formatted=True)
            return name
    raise HilError(f"{port}: {facts.machine} is none of {', '.join(config.names())}; give --board")


def compiled(source: Path, folder: Path) -> Path:
    """A module of the suite as bytecode for any board."""
    out = folder / f"{source.stem}.mpy"
    out.write_bytes(compile_file(source).read_bytes())
    return out


def plain(work: Callable[[], Any]) -> Any:
    """Do `work`; errors of board and line become HilError with their one line."""
    with plainly():
        return work()


@contextlib.contextmanager
def plainly() -> Iterator[None]:
    """The same around a block."""
    try:
        yield
    except (BoardError, LinkError, TransportError, serial.SerialException) as error:
        raise HilError(_last_line(str(error))) from None


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
