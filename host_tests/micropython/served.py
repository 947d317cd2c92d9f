# SPDX-License-Identifier: Apache-2.0
"""A MicroPython (WebAssembly) on a TCP port, and a line to it that can be cut after n bytes."""

import json
import select
import socket
import subprocess
import tempfile
import threading

from host_tests.micropython.wasm import HOST_TESTS

_START_S = 60


class Served:
    """A running `serve.mjs`; `url` is its port as pyserial names it. A context manager."""

    def __init__(self, preamble: str = "", power_cycle: bool = False):
        spec = {"preamble": preamble, "power_cycle": power_cycle}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(spec, file)
            file.flush()
            command = ["node", str(HOST_TESTS / "micropython" / "serve.mjs"), file.name]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert self._process.stdout is not None
            ready, _, _ = select.select([self._process.stdout], [], [], _START_S)
            line = self._process.stdout.readline() if ready else ""
        if not line.strip():
            self._process.kill()
            raise RuntimeError("MicroPython did not start")
        self.port = int(line)
        self.url = f"socket://127.0.0.1:{self.port}"

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Cable:
    """Forwards one connection to a port and drops it after `cut` bytes from the computer.

    None never cuts. `passed` is how many bytes went through towards the board.
    """

    def __init__(self, port: int, cut: int | None = None):
        self._board = port
        self._cut = cut
        self.passed = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._forward, daemon=True)
        self._thread.start()

    def _forward(self) -> None:
        computer, _ = self._listener.accept()
        board = socket.create_connection(("127.0.0.1", self._board))
        with computer, board:
            while True:
                for ready in select.select([computer, board], [], [])[0]:
                    data = self._read(ready)
                    if not data:
                        return
                    if ready is board:
                        computer.sendall(data)
                        continue
                    room = len(data) if self._cut is None else self._cut - self.passed
                    board.sendall(data[:room])
                    self.passed += len(data[:room])
                    if room < len(data):
                        return

    def _read(self, side: socket.socket) -> bytes:
        try:
            return side.recv(4096)
        except ConnectionError:
            return b""

    def close(self) -> None:
        self._listener.close()
        self._thread.join(10)

    def __enter__(self) -> "Cable":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


