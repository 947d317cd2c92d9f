# SPDX-License-Identifier: Apache-2.0
"""The `time` and `asyncio` modules of an emulated board, both on the board's virtual clock."""

import asyncio as host_asyncio
import calendar
import time as host_time
from collections.abc import Coroutine
from types import ModuleType
from typing import Any

from tools.emulator.hardware import TICKS_PERIOD, Hardware
from tools.emulator.virtual import VirtualLoop


def ticks_diff(end: int, start: int) -> int:
    """MicroPython's wrap-safe difference: in -2**29 .. 2**29 - 1."""
    half = TICKS_PERIOD // 2
    return ((end - start + half) & (TICKS_PERIOD - 1)) - half


def build_time(hw: Hardware) -> ModuleType:
    """Return a `time` module: MicroPython's functions only, epoch 1970 as on rp2 since 1.23."""
    module = ModuleType("time")

    def broken_down(seconds: float | None = None) -> tuple[int, ...]:
        t = host_time.gmtime(hw.epoch_us() // 1_000_000 if seconds is None else seconds)
        return (t.tm_year, t.tm_mon, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, t.tm_wday,
                t.tm_yday)

    module.__dict__.update(
        time=lambda: hw.epoch_us() // 1_000_000,
        time_ns=lambda: hw.epoch_us() * 1000,
        ticks_ms=lambda: hw.ticks_us() // 1000 % TICKS_PERIOD,
        ticks_us=lambda: hw.ticks_us() % TICKS_PERIOD,
        ticks_cpu=lambda: hw.ticks_us() % TICKS_PERIOD,
        ticks_add=lambda ticks, delta: (ticks + delta) % TICKS_PERIOD,
        ticks_diff=ticks_diff,
        sleep=lambda seconds: hw.sleep_us(round(seconds * 1e6)),
        sleep_ms=lambda ms: hw.sleep_us(ms * 1000),
        sleep_us=hw.sleep_us,
        gmtime=broken_down, localtime=broken_down,
        mktime=lambda t: calendar.timegm(tuple(t[:6]) + (0, 0, 0)))
    return module


class ThreadSafeFlag:
    """Set from an interrupt, awaited by one task, cleared when the wait ends."""

    def __init__(self) -> None:
        self._event = host_asyncio.Event()

    def set(self) -> None:
        self._event.set()

    def clear(self) -> None:
        self._event.clear()

    async def wait(self) -> None:
        await self._event.wait()
        self._event.clear()


def build_asyncio(hw: Hardware) -> ModuleType:
    """Return an `asyncio` module with MicroPython's names, running on the virtual loop."""
    module = ModuleType("asyncio")
    loops: list[VirtualLoop] = []

    def loop() -> VirtualLoop:
        if not loops:
            loops.append(VirtualLoop(hw.clock))
        return loops[0]

    def new_event_loop() -> VirtualLoop:
        loops.clear()
        return loop()

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return loop().run_until_complete(coroutine)

    def create_task(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return loop().create_task(coroutine)

    async def sleep_ms(ms: int) -> None:
        await host_asyncio.sleep(max(0, ms) / 1000)

    async def wait_for_ms(awaitable: Any, ms: int) -> Any:
        return await host_asyncio.wait_for(awaitable, ms / 1000)

    module.__dict__.update(
        run=run, create_task=create_task, new_event_loop=new_event_loop, get_event_loop=loop,
        sleep=host_asyncio.sleep, sleep_ms=sleep_ms, wait_for=host_asyncio.wait_for,
        wait_for_ms=wait_for_ms, gather=host_asyncio.gather,
        current_task=host_asyncio.current_task, Event=host_asyncio.Event, Lock=host_asyncio.Lock,
        ThreadSafeFlag=ThreadSafeFlag, CancelledError=host_asyncio.CancelledError,
        TimeoutError=host_asyncio.TimeoutError)
    return module
