# SPDX-License-Identifier: Apache-2.0
"""Virtual time: the clock jumps, interrupts fire on the way, every view of time agrees."""

import asyncio
import time as host_time

import pytest

from tools.emulator.hardware import WDT_RESET, BoardReset, Hardware
from tools.emulator.standin_machine import build as build_machine
from tools.emulator.standin_time import build_asyncio, build_time, ticks_diff
from tools.emulator.virtual import Deadlock, EndOfRun, VirtualClock


def board(end_s=None, **settings):
    hw = Hardware(VirtualClock(None if end_s is None else end_s * 1_000_000), **settings)
    return hw, build_time(hw), build_asyncio(hw), build_machine(hw)


def test_a_day_of_sleeping_takes_no_time():
    _, time, aio, _ = board(utc=1_000_000_000)
    begun = host_time.monotonic()

    async def day():
        for _ in range(1440):
            await aio.sleep_ms(60_000)

    aio.run(day())
    assert host_time.monotonic() - begun < 2
    assert time.time() == 1_000_000_000 + 86_400
    assert time.ticks_ms() == 86_400_000


def test_tasks_interleave_in_order_of_their_deadlines():
    _, time, aio, _ = board()
    seen = []

    async def tick(name, period_ms, count):
        for _ in range(count):
            await aio.sleep_ms(period_ms)
            seen.append((time.ticks_ms(), name))

    async def both():
        aio.create_task(tick("a", 300, 3))
        await tick("b", 500, 2)

    aio.run(both())
    assert seen == [(300, "a"), (500, "b"), (600, "a"), (900, "a"), (1000, "b")]


def test_ticks_wrap_at_two_to_the_thirty():
    _, time, _, _ = board(ticks_start_ms=(1 << 30) - 100)
    before = time.ticks_ms()
    time.sleep_ms(250)
    assert time.ticks_ms() == 150
    assert time.ticks_diff(time.ticks_ms(), before) == 250
    assert ticks_diff(before, time.ticks_ms()) == -250


def test_a_blocking_sleep_makes_other_tasks_late():
    _, time, aio, _ = board()
    late = []

    async def waiting():
        await aio.sleep_ms(10)
        late.append(time.ticks_ms())

    async def rude():
        aio.create_task(waiting())
        await aio.sleep_ms(0)
        time.sleep_ms(100)
        await aio.sleep_ms(1)

    aio.run(rude())
    assert late == [100]


def test_timer_interrupts_fire_inside_a_blocking_sleep():
    _, time, _, machine = board()
    fired = []
    timer = machine.Timer(period=40, mode=machine.Timer.PERIODIC,
                          callback=lambda t: fired.append(time.ticks_ms()))
    time.sleep_ms(130)
    timer.deinit()
    time.sleep_ms(100)
    assert fired == [40, 80, 120]


def test_thread_safe_flag_wakes_a_task_from_an_interrupt():
    _, time, aio, machine = board()
    flag = aio.ThreadSafeFlag()
    machine.Timer(period=70, mode=machine.Timer.ONE_SHOT, callback=lambda t: flag.set())

    async def wait():
        await flag.wait()
        return time.ticks_ms()

    assert aio.run(wait()) == 70


def test_watchdog_resets_unless_fed():
    _, time, _, machine = board()
    dog = machine.WDT(timeout=1000)
    for _ in range(5):
        time.sleep_ms(900)
        dog.feed()
    with pytest.raises(BoardReset) as reset:
        time.sleep_ms(1100)
    assert reset.value.cause == WDT_RESET
    assert time.ticks_ms() == 5500


def test_rp2_watchdog_refuses_more_than_its_hardware_has():
    _, _, _, machine = board()
    with pytest.raises(ValueError):
        machine.WDT(timeout=9000)


def test_the_run_ends_at_its_time_inside_tasks_too():
    hw, _, aio, _ = board(end_s=10)

    async def forever():
        while True:
            await aio.sleep_ms(3000)

    with pytest.raises(EndOfRun):
        aio.run(forever())
    assert hw.clock.now_us == 10_000_000


def test_waiting_for_nothing_is_a_deadlock_not_a_hang():
    _, _, aio, _ = board()

    async def stuck():
        await aio.Event().wait()

    with pytest.raises(Deadlock):
        aio.run(stuck())


def test_wait_for_ms_times_out_in_virtual_time():
    _, time, aio, _ = board()

    async def slow():
        await aio.sleep_ms(5000)

    async def limited():
        with pytest.raises(asyncio.TimeoutError):
            await aio.wait_for_ms(slow(), 200)

    aio.run(limited())
    assert time.ticks_ms() == 200


def test_unset_clock_starts_in_2021_and_rtc_sets_it():
    _, time, _, machine = board()
    assert time.gmtime()[0] == 2021
    machine.RTC().datetime((2026, 3, 2, 0, 12, 30, 0, 0))
    time.sleep(90)
    assert time.gmtime()[:6] == (2026, 3, 2, 12, 31, 30)
