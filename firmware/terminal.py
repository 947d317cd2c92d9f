# SPDX-License-Identifier: Apache-2.0
"""The serial line a person types on. The console itself is loaded with the first byte typed."""

import gc

from firmware.forget import forget

_IDLE_MS = 100
_STUCK_MS = 2000
_RETRY_MS = 10
_PIECE = 64
_IN = 1
_OUT = 4
_FIRST = ("firmware.console_line", "firmware.console_desk")

running = []
"""The App at work, for functions called at the Python prompt."""


class Terminal:
    """stdin, stdout: the board's. poll: the module's class `poll`.

    Neither reading nor writing waits for the other side: sampling goes on.
    """

    def __init__(self, stdin, stdout, poll):
        self._reading = poll()
        self._reading.register(stdin, _IN)
        self._writing = poll()
        self._writing.register(stdout, _OUT)
        self._stdin = getattr(stdin, "buffer", stdin)
        self._stdout = getattr(stdout, "buffer", stdout)

    async def run(self, app) -> None:
        """Wait for a byte; then a session, until nobody types any more; for ever."""
        running[:] = [app]
        while True:
            if not self.ready():
                await app.clock.sleep_ms(_IDLE_MS)
                continue
            gc.collect()   # what is loaded now shall not lie between garbage
            try:
                for name in _FIRST:
                    __import__(name)
                    await app.clock.sleep_ms(0)
                from firmware.console_session import Session

                await Session(app, self).run()
            except MemoryError:
                _forget()
                while self.read():
                    pass
                await self.write(app.clock, b"\r\ntoo little memory for the console now\r\n")
            finally:
                _forget()

    def ready(self) -> bool:
        """True when a byte can be read."""
        return _any(self._reading)

    def read(self) -> bytes:
        """What has been typed, at most 64 bytes; b"" when nothing has."""
        typed = b""
        while len(typed) < _PIECE and self.ready():
            byte = self._stdin.read(1)
            if not byte:
                break
            typed += byte
        return typed

    async def write(self, clock, data: bytes) -> bool:
        """Show bytes, piece by piece; False when nobody took the rest within 2 s."""
        for at in range(0, len(data), _PIECE):
            patience = _STUCK_MS
            while not _any(self._writing):
                if patience <= 0:
                    return False
                await clock.sleep_ms(_RETRY_MS)
                patience -= _RETRY_MS
            self._stdout.write(data[at:at + _PIECE])
            await clock.sleep_ms(0)
        return True


def _any(poll) -> bool:
    for _ in poll.ipoll(0):
        return True
    return False


def _forget() -> None:
    """Give the console's memory back."""
    forget("firmware.console")
    gc.collect()
