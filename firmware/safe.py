# SPDX-License-Identifier: Apache-2.0
"""The app after five crashes in a row: thresholds on channels, a heartbeat, a retry in an hour.

No model, no derived value, no gate and no schedule; an alarm on one of those watches its sensor
with safe limits. A pipeline in whose building the last safe boot ended is left out.
"""

import json

from firmware.app import App
from firmware.supervisor import keep

_RETRY_S = 3600
_NOTE = "safe.txt"
_FLASH_MS = (100, 150, 100, 1650)


class SafeApp(App):
    """An `App` without the parts that may have crashed."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.problems.insert(0, "safe mode: the board crashed again and again, see /crash.txt; "
                                "thresholds only, tries again in an hour")
        self.watched = {}  # one broken sensor does not stop the others here

    def prepare(self, name: str, build) -> None:
        """Build pipeline `name` without the optional parts, unless the last attempt crashed."""
        last = self.store.read(_NOTE)
        if last == name.encode():
            self.store.replace(_NOTE, b"")
            raise ValueError("left out: the last safe boot ended while it was built")
        settings = self.config["pipelines"][name]
        for section in ("model", "run_gate", "vibration", "cold_chain", "schedule"):
            settings[section] = None
        self.store.replace(_NOTE, name.encode())
        build(name)
        self.store.replace(_NOTE, b"")

    def keep_state(self) -> None:
        """What was saved stays as it is for the next attempt."""

    async def run(self, terminal=None) -> None:
        self.clock.spawn(keep(self, "heartbeat", self._heartbeat))
        self.clock.spawn(keep(self, "retry", self._retry))
        await super().run(terminal)

    async def _heartbeat(self) -> None:
        """Two short flashes every two seconds on the board's LED."""
        led = self._led()
        while led is not None:
            for i in range(len(_FLASH_MS)):
                led(1 - i % 2)
                await self.clock.sleep_ms(_FLASH_MS[i])

    def _led(self):
        """The board's LED as a callable: of the board file, or the port's own; None without."""
        pin = self.machine.Pin
        try:
            name = json.loads(self.store.read("board.json", 4096) or "{}").get("led", "LED")
            return pin(name, pin.OUT, value=0).value
        except (ValueError, TypeError, AttributeError):
            return None

    async def _retry(self) -> None:
        await self.clock.sleep_ms(_RETRY_S * 1000)
        self.boot.expect("retry")
        self.machine.reset()
