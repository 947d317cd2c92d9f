# SPDX-License-Identifier: Apache-2.0
"""The hardware watchdog, and the one place that feeds it.

While the app is built, each step that ends feeds it. Then it is fed once a second while every
task that has a deadline meets it. A timer feeds it in maintenance only, for a bounded time.
"""

_TIMEOUT_MS = 8000
_STEP_MS = 1000
_PERSON_S = 900

_held = {"left": 0, "timer": None}


class Watchdog:
    """Starts with 8 s; no port can stop it again. machine: the module, or a stand-in.

    late: name of the task that missed its deadline, or None.
    """

    def __init__(self, machine):
        if _held["timer"] is not None:
            _held["timer"].deinit()
            _held["timer"] = None
        self._wdt = machine.WDT(timeout=_TIMEOUT_MS)
        self.late = None

    def step(self) -> None:
        """One step of building the app is done."""
        self._wdt.feed()

    def watch(self, tasks: dict, now_ms: int) -> None:
        """Feed it, unless one of the tasks (name -> object with `overdue(now_ms)`) is overdue."""
        for name in tasks:
            if tasks[name].overdue(now_ms):
                self.late = name
                return
        self.late = None
        self._wdt.feed()


def hold(machine, seconds: int = _PERSON_S) -> None:
    """A person is at the prompt: feed it by a timer, for at most `seconds` from now."""
    wdt = machine.WDT(timeout=_TIMEOUT_MS)
    _held["left"] = seconds * 1000 // _STEP_MS

    def tick(timer):
        if _held["left"] > 0:
            _held["left"] -= 1
            wdt.feed()

    if _held["timer"] is None:
        _held["timer"] = _timer(machine)
    _held["timer"].init(mode=machine.Timer.PERIODIC, period=_STEP_MS, callback=tick)


def _timer(machine):
    for number in (-1, 3, 1):  # RP2: -1; ESP32: 0 .. 3, C3: 0 and 1
        try:
            return machine.Timer(number)
        except ValueError:
            pass
    raise OSError("no timer for maintenance")
