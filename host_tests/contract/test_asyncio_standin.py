# SPDX-License-Identifier: Apache-2.0
"""The asyncio and time stand-ins of the MicroPython tests behave like the real ones."""

import asyncio
import unittest

from noalloc import MICROPYTHON


async def _note(log, name, pause):
    for _ in range(3):
        log.append(name)
        await asyncio.sleep(pause)
    return name


async def _fail():
    await asyncio.sleep(0)
    raise ValueError("failed on purpose")


class TestAsyncio(unittest.TestCase):
    def test_tasks_take_turns_by_their_deadlines(self):
        async def body():
            log = []
            slow = asyncio.create_task(_note(log, "slow", 0.03))
            fast = asyncio.create_task(_note(log, "fast", 0.02))
            self.assertEqual((await slow, await fast), ("slow", "fast"))
            return log

        self.assertEqual(asyncio.run(body()), ["slow", "fast", "fast", "slow", "fast", "slow"])

    def test_exception_of_a_task_reaches_who_awaits_it(self):
        async def body():
            with self.assertRaises(ValueError):
                await asyncio.create_task(_fail())
            with self.assertRaises(ValueError):
                await _fail()

        asyncio.run(body())

    def test_exception_of_the_main_coroutine_leaves_run(self):
        with self.assertRaises(ValueError):
            asyncio.run(_fail())

    def test_cancel_runs_finally_blocks(self):
        log = []

        async def sleeper():
            try:
                await asyncio.sleep(1000)
            finally:
                log.append("finally")

        async def body():
            task = asyncio.create_task(sleeper())
            await asyncio.sleep(0)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        asyncio.run(body())
        self.assertEqual(log, ["finally"])

    def test_wait_for_times_out_and_cancels(self):
        async def body():
            event = asyncio.Event()
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(event.wait(), 0.01)
            event.set()
            return await asyncio.wait_for(_note([], "in time", 0), 5)

        self.assertEqual(asyncio.run(body()), "in time")

    def test_event_wakes_all_and_lock_lets_one_in(self):
        log = []

        async def waiter(event, lock, name):
            await event.wait()
            async with lock:
                log.append(name)
                await asyncio.sleep(0)
                log.append(name)

        async def body():
            event, lock = asyncio.Event(), asyncio.Lock()
            tasks = [asyncio.create_task(waiter(event, lock, name)) for name in "abc"]
            await asyncio.sleep(0)
            self.assertEqual(log, [])
            event.set()
            await asyncio.gather(*tasks)

        asyncio.run(body())
        self.assertEqual(log, ["a", "a", "b", "b", "c", "c"])

    def test_gather_keeps_order_and_returns_exceptions(self):
        async def body():
            slow, fast = _note([], "slow", 0.01), _note([], "fast", 0)
            return await asyncio.gather(slow, fast, _fail(), return_exceptions=True)

        first, second, third = asyncio.run(body())
        self.assertEqual((first, second), ("slow", "fast"))
        self.assertIsInstance(third, ValueError)


@unittest.skipUnless(MICROPYTHON, "virtual time belongs to the MicroPython variants")
class TestVirtualTime(unittest.TestCase):
    def test_a_day_passes_at_once(self):
        import time

        async def body():
            before = time.time()
            await asyncio.sleep(86400)
            await asyncio.sleep_ms(500)
            return time.time() - before

        self.assertEqual(asyncio.run(body()), 86400)

    def test_ticks_wrap_like_on_a_board(self):
        import time

        start = time.ticks_add((1 << 30) - 5, 0)
        self.assertEqual(time.ticks_diff(time.ticks_add(start, 10), start), 10)
        self.assertEqual(time.ticks_diff(start, time.ticks_add(start, 10)), -10)

    def test_calendar(self):
        import time

        self.assertEqual(time.gmtime(0), (1970, 1, 1, 0, 0, 0, 3, 1))
        self.assertEqual(time.gmtime(951782400 + 3661), (2000, 2, 29, 1, 1, 1, 1, 60))

    def test_deadlock_is_reported(self):
        async def body():
            await asyncio.Event().wait()

        with self.assertRaises(RuntimeError):
            asyncio.run(body())
        asyncio.new_event_loop()

    def test_flag_set_from_outside_is_cleared_by_one_wait(self):
        async def body():
            flag = asyncio.ThreadSafeFlag()
            flag.set()
            await flag.wait()
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for_ms(flag.wait(), 5)

        asyncio.run(body())
