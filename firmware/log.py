# SPDX-License-Identifier: Apache-2.0
"""The device's own log: a ring of lines in RAM and a bounded file, for people."""

INFO = "info"
WARN = "warn"
ERROR = "error"

_FILE = "log.txt"
_FILE_BYTES = 16384
_FILES = 2


class Log:
    """Newest `capacity` lines in a ring that drops the oldest; warnings and errors also to flash.

    Attributes: dropped (lines that left the ring), errors, unwritten (lines the flash refused),
    echo (called with each line, or None).
    """

    def __init__(self, clock, store=None, capacity: int = 32, echo=None):
        self._clock = clock
        self._store = store
        self._ring = [None] * capacity
        self._at = 0
        self.echo = echo
        self.dropped = 0
        self.errors = 0
        self.unwritten = 0
        self._held = None

    def add(self, level: str, text: str) -> None:
        """Note one line."""
        line = "%d.%d %s %s" % (self._clock.boot_id, self._clock.uptime_s(), level, text)
        if self._ring[self._at] is not None:
            self.dropped += 1
        self._ring[self._at] = line
        self._at = (self._at + 1) % len(self._ring)
        if level == ERROR:
            self.errors += 1
        if self.echo is not None:
            self.echo(line)
        if level != INFO and self._store is not None:
            if self._held is not None:
                self._held += line + "\n"
            else:
                self.write(line + "\n")

    def hold(self) -> None:
        """From now on nothing goes to flash, until `let_go`; no task may run meanwhile."""
        self._held = ""

    def let_go(self) -> str:
        """What was held back, for `write`."""
        held, self._held = self._held, None
        return held

    def write(self, lines: str) -> None:
        """Put lines that were held back on flash."""
        if lines and not self._store.append(_FILE, lines, _FILE_BYTES, _FILES):
            self.unwritten += 1

    def lines(self) -> list:
        """The lines in the ring, oldest first."""
        size = len(self._ring)
        ordered = [self._ring[(self._at + i) % size] for i in range(size)]
        return [line for line in ordered if line is not None]
