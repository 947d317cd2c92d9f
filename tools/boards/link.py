# SPDX-License-Identifier: Apache-2.0
"""A board's raw REPL, over mpremote's serial transport: a serial port, or `socket://HOST:PORT`."""

import contextlib
import errno
import functools
import io
import struct
import time
from collections.abc import Callable
from pathlib import Path

from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport
from serial import SerialException
from serial.tools import list_ports

from tools.boards.errors import BoardError, LinkLost

_TRIES = 3
_LOST = (TransportError, SerialException, OSError, struct.error)
_RESET = """
try:
    from firmware import slots
    if slots.boot_id():
        slots.expect("deploy")
except Exception as error:
    print(error)
try:
    import machine
    machine.reset()
except ImportError:
    pass
"""
_ON_BOARD = Path(__file__).resolve().parent / "on_board"


def script(name: str) -> str:
    """The text of a script that runs on the board, without its docstring and first line."""
    return (_ON_BOARD / f"{name}.py").read_text().split('"""', 2)[2].lstrip("\n")


class ScriptFailed(BoardError):
    """The board raised an exception; the message is its last line."""


class Link:
    """A board that waits at its raw REPL, freshly reset: boot.py has run, main.py has not.

    `timeout_s` is how long it may be silent. Raises LinkLost.
    """

    def __init__(self, port: str, timeout_s: float = 10.0):
        self.port = port
        self.timeout_s = timeout_s
        self._transport = _open(port, timeout_s)
        try:
            self._enter()
        except BaseException:
            self.close()
            raise

    def _enter(self) -> None:
        for left in reversed(range(_TRIES)):
            try:
                with contextlib.redirect_stdout(io.StringIO()):  # it prints what it did not expect
                    # no Enter: what somebody left on the console's line must not be executed
                    self._transport.serial.write(b"\x03\x03")
                    self._transport.enter_raw_repl(timeout_overall=self.timeout_s)
                return
            except TransportError:
                if not left:
                    raise LinkLost(
                        f"{self.port}: no MicroPython prompt; is it the right port, and is "
                        "MicroPython on the board (tocsin flash)? Press its reset button and "
                        "try again"
                    ) from None
            except (SerialException, OSError) as error:
                raise self._lost(error) from None

    def run(self, text: str, told: Callable[[str], None] | None = None) -> str:
        """Run a script and return what it printed; `told` gets every line as it comes.

        Raises ScriptFailed and LinkLost.
        """
        out = bytearray()
        line = bytearray()

        def collect(data: bytes) -> None:
            out.extend(data.replace(b"\x04", b""))
            line.extend(data)
            if told and data.endswith(b"\n"):
                told(line.decode(errors="replace").strip())
                line.clear()

        try:
            _, problem = self._transport.exec_raw(text, self.timeout_s, collect)
        except TransportExecError as error:
            raise ScriptFailed(_last_line(error.error_output)) from None
        except _LOST as error:
            raise self._lost(error) from None
        if problem:
            raise ScriptFailed(_last_line(problem.decode(errors="replace")))
        return out.decode(errors="replace")

    def reset(self) -> None:
        """Start the board afresh, main.py and all; it is gone from the port after that.

        The firmware, if any has booted, is told that this reset is no crash.
        """
        with contextlib.suppress(*_LOST):
            self._transport.exec_raw_no_follow(_RESET)
            time.sleep(0.1)

    def close(self) -> None:
        with contextlib.suppress(*_LOST):
            self._transport.close()

    def _lost(self, error: Exception) -> LinkLost:
        return LinkLost(
            f"{self.port}: the board stopped answering ({_last_line(str(error)) or 'no reason'}); "
            "plug it in and run the same command again, it goes on where it stopped"
        )


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]


def ports() -> list[str]:
    """Serial ports that a board may be on."""
    return sorted(port.device for port in list_ports.comports())


def _open(port: str, timeout_s: float) -> SerialTransport:
    """Raises LinkLost with the reason that the operating system gives."""
    try:
        transport = SerialTransport(port, timeout=timeout_s)
    except TransportError:
        raise LinkLost(_reason(port)) from None
    except (ValueError, OSError) as error:
        raise LinkLost(f"{port}: {_last_line(str(error))}") from None
    # by itself it gives up after 10 s of silence, whatever the time-out
    transport.read_until = functools.partial(transport.read_until, timeout=timeout_s)
    return transport


def _reason(port: str) -> str:
    """Why a port could not be opened; mpremote keeps that to itself."""
    import serial

    try:
        serial.serial_for_url(port, exclusive=True).close()
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None)
        text = str(error).lower()
        if number == errno.ENOENT or "could not find" in text:
            found = ", ".join(ports()) or "none; is the board plugged in?"
            return f"{port}: no such port; ports that are there: {found}"
        if number in (errno.EACCES, errno.EPERM) and "lock" not in text:
            return f"{port}: no right to open it; on Linux: sudo usermod -aG dialout $USER"
        if number in (errno.EBUSY, errno.EAGAIN) or "lock" in text or "denied" in text:
            return f"{port}: in use by another program; close it (mpremote, Thonny, a console)"
        if "refused" in text:
            return f"{port}: nothing listens there"
        return f"{port}: {_last_line(str(error))}"
    return f"{port}: could not be opened the first time; try again"
