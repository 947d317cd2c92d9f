# SPDX-License-Identifier: Apache-2.0
"""Virtual-time asyncio for tests on MicroPython.

The WebAssembly build's own asyncio is driven by the browser and has no `run`. This one has
MicroPython's names and order of execution (first come, first served), and when nothing is ready
the virtual clock of the `time` stand-in jumps to the next deadline.
"""

import time


class CancelledError(BaseException):
    pass


class TimeoutError(Exception):
    pass


class Deadlock(RuntimeError):
    """Every task waits and no deadline is due."""


_ready = []  # of [task, exception to throw or None]
_timers = []  # of (due in virtual us, sequence, task), sorted by the first two
_sequence = 0
_current = None


class Task:
    """One running coroutine; awaiting it gives its result or raises what ended it."""

    def __init__(self, coroutine):
        self.coro = coroutine
        self.data = None  # the exception that ended it
        self._result = None
        self._finished = False
        self._waiters = []
        self._place = None  # the list that this task waits in
        _ready.append([self, None])

    def done(self):
        return self._finished

    def cancel(self):
        if self._finished or self is _current:
            return False
        self._wake(CancelledError())
        return True

    def _wake(self, exception=None):
        """Move from wherever it waits to the ready queue."""
        if self._place is not None:
            for index, entry in enumerate(self._place):
                if entry is self or (isinstance(entry, tuple) and entry[2] is self):
                    del self._place[index]
                    break
            self._place = None
            _ready.append([self, exception])
        else:
            for entry in _ready:
                if entry[0] is self and exception is not None:
                    entry[1] = exception

    def _step(self, exception):
        global _current
        _current = self
        try:
            if exception is None:
                self.coro.send(None)
            else:
                self.coro.throw(exception)
        except StopIteration as end:
            self._result = end.value
            self._end(None)
        except (CancelledError, Exception) as error:
            self._end(error)
        finally:
            _current = None

    def _end(self, error):
        self._finished = True
        self.data = error
        lost = error is not None and not self._waiters and not isinstance(error, CancelledError)
        for task in list(self._waiters):
            task._wake()
        if lost:
            Loop.call_exception_handler(
                {"message": "Task exception wasn't retrieved", "exception": error, "future": self}
            )

    def __iter__(self):
        if not self._finished:
            yield from _wait_in(self._waiters)
        if self.data is not None:
            raise self.data
        return self._result


def _wait_in(place):
    """Suspend the current task in a list until `_wake`."""
    _current._place = place
    place.append(_current)
    yield


def _sleep_us(us):
    global _sequence
    _sequence += 1
    entry = (time.now_us + max(0, us), _sequence, _current)
    index = len(_timers)
    while index and _timers[index - 1][:2] > entry[:2]:
        index -= 1
    _timers.insert(index, entry)
    _current._place = _timers
    yield


async def sleep_ms(ms):
    await _sleep_us(ms * 1000)


async def sleep(seconds):
    await _sleep_us(int(seconds * 1000000))


def create_task(coroutine):
    return Task(coroutine)


def current_task():
    if _current is None:
        raise RuntimeError("no running event loop")
    return _current


async def _cancel_after(task, us, told):
    await _sleep_us(us)
    told.append(True)
    task._wake(CancelledError())


async def wait_for_ms(awaitable, ms):
    if ms is None:
        return await awaitable
    inner = awaitable if isinstance(awaitable, Task) else create_task(awaitable)
    told = []
    guard = create_task(_cancel_after(current_task(), ms * 1000, told))
    try:
        return await inner
    except CancelledError:
        inner.cancel()
        if told:
            raise TimeoutError
        raise
    finally:
        guard.cancel()


def wait_for(awaitable, seconds):
    return wait_for_ms(awaitable, None if seconds is None else int(seconds * 1000))


async def gather(*awaitables, return_exceptions=False):
    tasks = [a if isinstance(a, Task) else create_task(a) for a in awaitables]
    results = []
    for task in tasks:
        try:
            results.append(await task)
        except Exception as error:
            if not return_exceptions:
                for other in tasks:
                    other.cancel()
                raise
            results.append(error)
    return results


class Event:
    def __init__(self):
        self._set = False
        self._waiters = []

    def is_set(self):
        return self._set

    def set(self):
        self._set = True
        for task in list(self._waiters):
            task._wake()

    def clear(self):
        self._set = False

    async def wait(self):
        if not self._set:
            await _wait_in(self._waiters)
        return True


class ThreadSafeFlag(Event):
    """An event that one wait clears."""

    async def wait(self):
        if not self._set:
            await _wait_in(self._waiters)
        self._set = False


class Lock:
    def __init__(self):
        self._held = False
        self._waiters = []

    def locked(self):
        return self._held

    async def acquire(self):
        while self._held:
            await _wait_in(self._waiters)
        self._held = True
        return True

    def release(self):
        if not self._held:
            raise RuntimeError("Lock not acquired")
        self._held = False
        if self._waiters:
            self._waiters[0]._wake()

    async def __aenter__(self):
        return await self.acquire()

    async def __aexit__(self, kind, value, traceback):
        self.release()


class Loop:
    """What `get_event_loop` returns."""

    _handler = None

    def create_task(coroutine):
        return Task(coroutine)

    def set_exception_handler(handler):
        Loop._handler = handler

    def default_exception_handler(loop, context):
        import sys

        print(context["message"])
        sys.print_exception(context["exception"])

    def call_exception_handler(context):
        (Loop._handler or Loop.default_exception_handler)(Loop, context)

    def run_until_complete(coroutine):
        return run(coroutine)


def get_event_loop():
    return Loop


def new_event_loop():
    """Forget every task."""
    _ready.clear()
    _timers.clear()
    return Loop


def run(coroutine):
    """Run until this coroutine ends; its result, or what it raised. Raises Deadlock."""
    main = Task(coroutine)
    main._waiters.append(main)  # its exception is retrieved here
    while not main._finished:
        if not _ready:
            if not _timers:
                raise Deadlock("every task waits and nothing is due")
            time.now_us = max(time.now_us, _timers[0][0])
        while _timers and _timers[0][0] <= time.now_us:
            _timers[0][2]._wake()
        task, exception = _ready.pop(0)
        if not task._finished:
            task._step(exception)
    if main.data is not None:
        raise main.data
    return main._result
