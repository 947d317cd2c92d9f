# SPDX-License-Identifier: Apache-2.0
"""Virtual time: a clock that jumps to whatever is due next, and an asyncio loop that lives on it.

Computing costs no virtual time; waiting costs no real time. Interrupts (timers, watchdog, trigger
inputs) are entries in the clock's queue and fire exactly when the clock passes them, both while
the loop sleeps and inside a blocking `time.sleep`.
"""

import asyncio
import heapq
import selectors
import time
from collections.abc import Callable
from typing import Any

_POLL_EVERY = 256


class Deadlock(RuntimeError):
    """Nothing is ready, nothing is due: every task waits for something that can't happen."""


class EndOfRun(SystemExit):
    """The agreed end of virtual time; a SystemExit because asyncio lets only that kind through."""


class Interrupt:
    """One entry in the clock's queue; `cancel()` makes it do nothing."""

    __slots__ = ("due_us", "callback", "cancelled")

    def __init__(self, due_us: int, callback: Callable[[], Any]):
        self.due_us = due_us
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class VirtualClock:
    """Microseconds since power-on, moved only by `advance_to` and `wait`.

    pace: virtual seconds per real one, for somebody who watches; None: as fast as it goes.
    """

    def __init__(self, end_us: int | None = None):
        self.now_us = 0
        self.end_us = end_us
        self.over = False   # the end has been reached
        self.pace: float | None = None
        self._queue: list[tuple[int, int, Interrupt]] = []
        self._count = 0

    def call_at(self, due_us: int, callback: Callable[[], Any]) -> Interrupt:
        """Run `callback` as an interrupt at `due_us` (at once if that is past)."""
        interrupt = Interrupt(max(due_us, self.now_us), callback)
        self._count += 1
        heapq.heappush(self._queue, (interrupt.due_us, self._count, interrupt))
        return interrupt

    def next_us(self) -> int | None:
        """When the next interrupt is due, or None."""
        while self._queue and self._queue[0][2].cancelled:
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def advance_to(self, target_us: int) -> None:
        """Move the clock to `target_us`, firing every interrupt on the way, in order.

        Raises EndOfRun when the end of the run is reached.
        """
        while True:
            due = self.next_us()
            if due is None or due > target_us:
                break
            self._stop_at_end(due)
            _, _, interrupt = heapq.heappop(self._queue)
            self.now_us = max(self.now_us, due)
            interrupt.callback()
        self._stop_at_end(target_us)
        self.now_us = max(self.now_us, target_us)

    def wait(self, duration_us: int) -> None:
        """Let time pass, in real time as well when there is a pace."""
        if self.pace:
            time.sleep(duration_us / 1e6 / self.pace)
        self.advance_to(self.now_us + duration_us)

    def _stop_at_end(self, target_us: int) -> None:
        if self.end_us is not None and target_us >= self.end_us:
            self.now_us = self.end_us
            self.over = True
            raise EndOfRun


class _VirtualSelector(selectors.DefaultSelector):
    """A selector that, instead of waiting, moves the clock to the next thing that is due.

    Real file descriptors are looked at once in _POLL_EVERY calls only, as a board has none.
    """

    def __init__(self, clock: VirtualClock):
        super().__init__()
        self._clock = clock
        self._calls = 0

    def select(self, timeout: float | None = None) -> Any:
        self._calls += 1
        events = super().select(0) if self._calls % _POLL_EVERY == 0 else []
        if events or timeout == 0:
            return events
        clock = self._clock
        interrupt = clock.next_us()
        if timeout is None:
            if interrupt is None:
                raise Deadlock("every task waits and nothing is due")
            target = interrupt
        else:
            target = clock.now_us + max(1, round(timeout * 1e6))
            if interrupt is not None and interrupt < target:
                target = interrupt
        clock.wait(max(0, target - clock.now_us))
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop whose `time()` is the virtual clock, in seconds."""

    def __init__(self, clock: VirtualClock):
        self.clock = clock
        super().__init__(_VirtualSelector(clock))
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self.clock.now_us / 1e6
