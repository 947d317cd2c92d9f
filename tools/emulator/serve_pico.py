# SPDX-License-Identifier: Apache-2.0
"""An emulated Pico or Pico W that runs a real MicroPython image, its USB serial line on a socket.

    with serve("rpi_pico", image, Path("build/emulate/rpi_pico.img")) as board:
        ...                          board.url is what pyserial, mpremote and tocsin call its port

The board is a process of its own. Its flash lasts: the file system is a file on the host, written
when it has changed. Soft resets, machine.reset() and the watchdog are the image's own; the socket
stays open over all of them. One client at a time, as on a serial port; what the board says to
nobody is lost, as there. Every chip of CHIPS sits on the buses of the board's file.

    python -m tools.emulator.serve_pico SPEC        the process; reads requests, answers in JSON
"""

import base64
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from tools.boards import config
from tools.emulator import chip_plants, pico_bus
from tools.emulator.pico import Pico, PicoError, storage_bytes

CHIPS: list[dict[str, Any]] = [
    {"chip": "adxl345", "select": True},
    {"chip": "adxl345", "address": 0x53},
    {"chip": "lis3dh", "address": 0x18},
    {"chip": "sht31", "address": 0x44, "feels": {"temperature": 4.0, "humidity": 70.0}},
    {"chip": "bme280", "address": 0x76, "feels": {"temperature": 4.0, "humidity": 70.0}},
]
"""What is attached unless other chips are given; `select: True` is the board's own select pin."""

_ALL_DAY = {"kind": "motor", "shifts": ((0.0, 86400.0),)}
_EMULATED = {"RPI_PICO": "pico", "RPI_PICO_W": "pico_w"}
_LEAD_S = 0.01  # so much of the host's time the board may be ahead
_SAVE_S = 1.0
_START_S = 120.0
_ANSWER_S = 120.0
_KEPT_LINES = 20_000


class ServeError(ValueError):
    """The board could not be started; one line that says why."""


def emulated(board: str) -> str:
    """rp2040py's name of a board of board_configs. Raises ServeError, ConfigError."""
    chosen = config.load(board)
    if chosen.image not in _EMULATED:
        known = ", ".join(n for n in config.names() if config.load(n).image in _EMULATED)
        raise ServeError(f"{chosen.name} cannot be emulated; these can: {known}")
    return _EMULATED[chosen.image]


class Served:
    """A running board; `url` is its port. A context manager; `close()` keeps its flash."""

    def __init__(self, spec: dict[str, Any]):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tools.emulator.serve_pico", json.dumps(spec)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            start_new_session=True,  # Ctrl-C is for whoever started it, who closes it then
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )  # fmt: skip
        try:
            self.port: int = self._answer(_START_S)["port"]
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        self.url = f"socket://127.0.0.1:{self.port}"

    @property
    def seconds(self) -> float:
        """Time on the board since it was switched on."""
        return self.ask("seconds")

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def said(self, since: int = 0) -> list[tuple[float, str, bytes]]:
        """(Time on the board, "in" or "out", bytes) of the serial line, from number `since` on."""
        return [(at, way, base64.b64decode(data)) for at, way, data in self.ask("said", since)]

    def reset(self) -> None:
        """Press the reset button."""
        self.ask("reset")

    def power_cycle(self) -> None:
        """Take the power away at this very moment, and switch on again."""
        self.ask("power_cycle")

    def pace(self, speed: float | None) -> None:
        """How many times faster than real time it may run at most; None for no limit."""
        self.ask("pace", speed)

    def pin(self, number: int) -> bool:
        """The level that the board drives a pin to."""
        return self.ask("pin", number)

    def drive(self, number: int, level: bool) -> None:
        """Put a level on an input pin."""
        self.ask("drive", number, level)

    def chip(self, name: str, **state: Any) -> None:
        """Set what chips of a name feel, or a fault: chip("sht31", temperature=9.0)."""
        self.ask("chip", name, state)

    def ask(self, what: str, *arguments: Any) -> Any:
        """Raises ServeError when the board's process is gone or refuses."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps([what, *arguments]) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise ServeError("the emulated board has stopped") from None
        return self._answer(_ANSWER_S)["value"]

    def _answer(self, seconds: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        ready = select.select([self._process.stdout], [], [], seconds)[0]
        line = self._process.stdout.readline() if ready else ""
        if not line:
            state = "has stopped" if ready else "does not answer"
            raise ServeError(f"the emulated board {state}")
        answer = json.loads(line)
        if "error" in answer:
            raise ServeError(answer["error"])
        return answer

    def close(self) -> None:
        """Switch it off; its flash is saved."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(
    board: str,
    image: Path,
    flash_file: Path | None = None,
    port: int = 0,
    chips: list[dict[str, Any]] | None = None,
    speed: float | None = 1.0,
) -> Served:
    """Switch on a board of board_configs with a UF2 image; returns once its serial line is there.

    flash_file: the file system's bytes, made when it is missing; None forgets them. port: 0 takes
    a free one. chips: as chip_plants.py describes them. speed: at most so many times real time,
    which matters when the board has nothing to do; None for no limit. Raises ServeError.
    """
    emulated(board)
    if not image.is_file():
        raise ServeError(f"{image}: no such file")
    spec = {
        "board": board, "image": str(image), "port": port, "speed": speed,
        "flash": str(flash_file) if flash_file else None,
        "chips": CHIPS if chips is None else chips,
    }  # fmt: skip
    return Served(spec)


class _Board:
    """The process: the emulated board, its socket and the requests on standard input."""

    def __init__(self, spec: dict[str, Any]):
        self._speed = spec["speed"]
        self._flash = Path(spec["flash"]) if spec["flash"] else None
        self._listener = _listen(spec["port"])
        self._client: socket.socket | None = None
        self._to_board = bytearray()
        self._to_client = bytearray()
        self._said: deque[tuple[float, str, bytes]] = deque(maxlen=_KEPT_LINES)
        self._said_before = 0
        self._requests = b""
        kind = emulated(spec["board"])
        self._saved = self._stored(kind)
        self._pico = Pico(Path(spec["image"]), board=kind, storage=self._saved, fast=True)
        self._pico.device.cdc.on_device_connected = None
        self._pico.device.cdc.on_serial_data = self._heard
        self._chips = [self._attach(entry, config.load(spec["board"]).data)
                       for entry in spec["chips"]]  # fmt: skip
        self._save_at = 0.0
        self._anchor()

    def _stored(self, kind: str) -> bytes:
        """The file system of the last time; erased flash, of which MicroPython makes one."""
        size = storage_bytes(kind)
        if self._flash is None or not self._flash.exists():
            return b"\xff" * size
        content = self._flash.read_bytes()
        if len(content) != size:
            raise ServeError(f"{self._flash} is not the flash of this board; remove it")
        return content

    def _attach(self, entry: dict[str, Any], board: dict[str, Any]) -> tuple[str, Any]:
        """A chip on the board's own bus."""
        entry = dict(entry)
        if "plant" not in entry:
            entry["plant"] = _ALL_DAY
        spi = entry.get("select") is not None
        bus = board["spi" if spi else "i2c"]
        select_pin = bus["cs"] if entry.get("select") is True else entry.get("select")
        chip = chip_plants.make(entry, pico_bus.now_us(self._pico))
        pico_bus.wire(self._pico, chip, entry.get("address"), select_pin, bus["id"],
                      entry.get("interrupt"))  # fmt: skip
        return entry["chip"], chip

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def run(self) -> None:
        """Until standard input ends."""
        simulator = self._pico.device.simulator
        due = simulator.clock.create_alarm(self._stop)
        while True:
            simulator.stopped = False
            due.schedule(_LEAD_S * (self._speed or 1000) * 1e9)
            self._pico.step()
            if not self._exchange(self._ahead()):
                break
        self._save()

    def _stop(self) -> None:
        self._pico.device.simulator.stopped = True

    def _heard(self, data: bytes | bytearray) -> None:
        """The board said something: pass it on before it goes on."""
        self._note("out", bytes(data))
        if self._client is not None:
            self._to_client += data
            self._stop()

    def _note(self, way: str, data: bytes) -> None:
        self._said_before += len(self._said) == _KEPT_LINES
        self._said.append((self._pico.seconds, way, data))

    def _ahead(self) -> float:
        """Seconds of the host's time that the board is ahead of where it may be."""
        if self._speed is None:
            return 0.0
        may = self._start_s + (time.monotonic() - self._started) * self._speed
        ahead = self._pico.seconds - may
        if ahead < 0:
            self._anchor()  # what was lost is not caught up
        return max(0.0, ahead / self._speed)

    def _anchor(self) -> None:
        self._started, self._start_s = time.monotonic(), self._pico.seconds

    def _exchange(self, wait_s: float) -> bool:
        """Bytes and requests that are there, or come while there is time. False: switch off."""
        reading: list[Any] = [self._listener, sys.stdin]
        if self._client is not None:
            reading.append(self._client)
        writing = [self._client] if self._to_client and self._client is not None else []
        ready, free, _ = select.select(reading, writing, [], 0 if self._to_board else wait_s)
        if self._client in ready:
            self._receive()
        if self._client in free and self._client is not None:
            self._send()
        if self._listener in ready:
            self._accept()
        self._feed()
        self._save_sometimes()
        return sys.stdin not in ready or self._answer()

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self._client is not None:
            client.close()
            return
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setblocking(False)
        self._client = client

    def _receive(self) -> None:
        assert self._client is not None
        try:
            data = self._client.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._to_board += data
        else:
            self._hang_up()

    def _send(self) -> None:
        assert self._client is not None
        try:
            del self._to_client[: self._client.send(self._to_client)]
        except BlockingIOError:
            pass
        except OSError:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None
        self._to_client.clear()

    def _feed(self) -> None:
        """Hand bytes to the USB as far as there is room."""
        fifo = self._pico.device.cdc.tx_fifo
        room = fifo.size - fifo.item_count
        if self._to_board and room:
            piece = bytes(self._to_board[:room])
            del self._to_board[:room]
            for byte in piece:
                fifo.push(byte)
            self._note("in", piece)
        self._pico.line.send()

    def _save_sometimes(self) -> None:
        now = time.monotonic()
        if now >= self._save_at:
            self._save()
            self._save_at = now + _SAVE_S

    def _save(self) -> None:
        """Write the flash's file when it has changed, whole or not at all."""
        if self._flash is None:
            return
        content = self._pico.storage
        if content != self._saved or not self._flash.exists():
            self._flash.parent.mkdir(parents=True, exist_ok=True)
            new = self._flash.with_name(self._flash.name + ".new")
            new.write_bytes(content)
            os.replace(new, self._flash)
            self._saved = content

    def _answer(self) -> bool:
        """Requests on standard input. False when it has ended."""
        data = os.read(sys.stdin.fileno(), 65536)
        *lines, self._requests = (self._requests + data).split(b"\n")
        for line in lines:
            what, *arguments = json.loads(line)
            try:
                tell(value=getattr(self, "_do_" + what)(*arguments))
            except (AttributeError, TypeError, ValueError, IndexError) as error:
                tell(error=f"{what}: {error}")
        return bool(data)

    def _do_seconds(self) -> float:
        return self._pico.seconds

    def _do_said(self, since: int) -> list[tuple[float, str, str]]:
        skip = max(0, since - self._said_before)
        return [(at, way, base64.b64encode(data).decode())
                for at, way, data in list(self._said)[skip:]]  # fmt: skip

    def _do_reset(self) -> None:
        self._pico.reset()

    def _do_power_cycle(self) -> None:
        self._pico.power_cycle()

    def _do_pace(self, speed: float | None) -> None:
        self._speed = speed
        self._anchor()

    def _do_pin(self, number: int) -> bool:
        return self._pico.device.mcu.gpio[number].value.name == "HIGH"

    def _do_drive(self, number: int, level: bool) -> None:
        self._pico.device.mcu.gpio[number].set_input_value(level)

    def _do_chip(self, name: str, state: dict[str, Any]) -> None:
        found = [chip for kind, chip in self._chips if kind == name]
        if not found:
            raise ValueError(f"no {name} is attached")
        for chip in found:
            for attribute, value in state.items():
                if not hasattr(chip, attribute):
                    raise ValueError(f"a {name} has no {attribute}")
                setattr(chip, attribute, value)


def _listen(port: int) -> socket.socket:
    """Raises ServeError when the port is taken."""
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ServeError(f"port {port}: {reason}; give another one, or 0 for any") from None
    listener.setblocking(False)
    return listener


def tell(**answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    try:
        board = _Board(json.loads(sys.argv[1]))
    except (ServeError, PicoError, OSError, ValueError) as error:
        tell(error=str(error))
        sys.exit(2)
    tell(port=board.port)
    board.run()


if __name__ == "__main__":
    main()
