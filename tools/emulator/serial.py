# SPDX-License-Identifier: Apache-2.0
"""The serial line of an emulated board: keys typed at given times, or a TCP socket.

SPEC's "keys": [[seconds, text], ..] types text; Ctrl-C (\\x03) interrupts as on a board unless the
program has turned that off. SPEC's "port": n listens on 127.0.0.1:n (0: any free one, reported as
`serial`), one client at a time, for `tocsin console socket://127.0.0.1:n`; virtual time then runs
`pace` times as fast as real time.
"""

import socket
from collections import deque
from functools import partial
from types import ModuleType
from typing import Any

from tools.emulator.hardware import Hardware

_PUMP_US = 10_000
CTRL_C = 3


class Serial:
    """Bytes to and from the board. `stdin` and `stdout` are what its `sys` shows."""

    def __init__(self, hw: Hardware, shown: Any):
        self.hw = hw
        self.typed: deque[int] = deque()
        self.interrupt_key = CTRL_C
        self.raw = False   # the prompt is the raw one, which skips main.py after a soft reset
        self.stdin = _Stream(self)
        self.stdout = shown
        self._server: socket.socket | None = None
        self._client: socket.socket | None = None

    def type_later(self, keys: list[tuple[float, str]]) -> None:
        """Arrange for text to be typed at virtual seconds since power-on."""
        for seconds, text in keys:
            data = text.encode("utf-8", "surrogateescape")
            self.hw.clock.call_at(round(seconds * 1e6), partial(self.take, data))

    def listen(self, port: int) -> None:
        """Serve the line on a local TCP port."""
        self._server = socket.create_server(("127.0.0.1", port))
        self._server.setblocking(False)
        self.hw.observe("serial", port=self._server.getsockname()[1])
        self._pump()

    def take(self, data: bytes) -> None:
        """Bytes arrive; Ctrl-C among them raises KeyboardInterrupt in whatever runs."""
        interrupt = False
        for byte in data:
            if byte == self.interrupt_key:
                self.typed.clear()
                interrupt = True
            else:
                self.typed.append(byte)
        if interrupt:
            raise KeyboardInterrupt

    def send(self, data: bytes) -> None:
        """Bytes leave the board."""
        if self._client is not None:
            try:
                self._client.sendall(data)
            except OSError:
                self._client = None

    def _pump(self) -> None:
        clock = self.hw.clock
        clock.call_at(clock.now_us + _PUMP_US, self._pump)
        assert self._server is not None
        try:
            self._client = self._server.accept()[0]
            self._client.settimeout(5)
        except BlockingIOError:
            pass
        if self._client is None:
            return
        try:
            self._client.setblocking(False)
            data = self._client.recv(4096)
            self._client.settimeout(5)
        except BlockingIOError:
            self._client.settimeout(5)
            return
        except OSError:
            data = b""
        if not data:
            self._client = None
        self.take(data)


class _Stream:
    """sys.stdin of the board: `buffer.read(n)` as far as bytes are there."""

    def __init__(self, serial: Serial):
        self._serial = serial
        self.buffer = self

    def ready(self) -> bool:
        return bool(self._serial.typed)

    def read(self, count: int = 1) -> bytes:
        typed = self._serial.typed
        return bytes(typed.popleft() for _ in range(min(count, len(typed))))


def build_select() -> ModuleType:
    """`select` with the class `poll`: stdin is ready when bytes are there, the rest always."""
    module = ModuleType("select")

    class Poll:
        def __init__(self) -> None:
            self._streams: list[tuple[Any, int]] = []

        def register(self, stream: Any, events: int = 5) -> None:
            self._streams.append((stream, events))

        def ipoll(self, timeout_ms: int = -1) -> Any:
            for stream, events in self._streams:
                if stream.ready() if hasattr(stream, "ready") else events & 4:
                    yield stream, events

    module.__dict__.update(poll=Poll, POLLIN=1, POLLOUT=4)
    return module
