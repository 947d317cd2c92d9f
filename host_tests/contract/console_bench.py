# SPDX-License-Identifier: Apache-2.0
"""An app at work with somebody at its serial line, for the tests of the console."""

import binascii
import json
from array import array

from firmware.app import App
from firmware.clock import Clock
from firmware.drivers.replay import Replay
from firmware.terminal import Terminal
from test_firmware_app import GOLDEN, TEMPERATURE, Machine, MemoryStore, Scheduler, configuration

PATH = "alarms.temp_high.limit"


class Store(MemoryStore):
    """`fail`: names whose replacement fails; `broken`: raises KeyboardInterrupt at that write."""

    def __init__(self, files):
        super().__init__(files)
        self.fail = ()
        self.broken = -1
        self.writes = 0

    def replace(self, name, data):
        self.writes += 1
        self._count()
        if name in self.fail:
            return False
        return super().replace(name, data)

    def append(self, name, line, max_bytes, files=1):
        self.writes += 1
        if name == "audit.log":
            self._count()
        if name in self.fail:
            return False
        return super().append(name, line, max_bytes, files)

    def _count(self):
        if self.broken == 0:
            raise KeyboardInterrupt()
        self.broken -= 1

    def rotate(self, name, files):
        if name in self.files:
            self.files[name + ".1"] = self.files.pop(name)
        return True


class SerialLine:
    """The serial line: what is typed and what was shown."""

    def __init__(self):
        self.typed = b""
        self.shown = b""
        self.taken = True
        self.left = 0
        self.interrupted = 0

    def ready(self):
        return len(self.typed) > 0

    def read(self):
        self.interrupted -= 1
        if self.interrupted == 0:
            return b"\x03"
        more, self.typed = self.typed[:64], self.typed[64:]
        return more

    async def write(self, clock, data):
        self.shown += data
        return self.taken

    async def unplugged(self, clock, data):
        """`write` of a line that is unplugged after `left` pieces: it gives up waiting."""
        self.left -= 1
        return self.left > 0

    run = Terminal.run


class Bench:
    """An app at work and somebody who types."""

    def __init__(self, change=None, limit_s=60, motor=False):
        config = configuration()
        if not motor:
            del config["pipelines"]["motor"], config["alarms"]["bearing"]
        config["pipelines"]["room"]["sensor"]["wifi_password"] = "hunter22"
        config["alarms"]["temp_low"] = {"source": "room.temperature", "side": "low", "limit": 2.0}
        config["outputs"]["stop"]["latch"] = True
        if change is not None:
            change(config)
        self.store = Store({"config.json": json.dumps(config).encode(),
                            "models/motor.tcb": binascii.unhexlify(GOLDEN["bundle"])})
        self.line = SerialLine()
        self.start()
        self.scheduler.run(limit_s * 1000)

    def start(self):
        self.scheduler = scheduler = Scheduler()
        drivers = {
            "slow": lambda settings, clock, store, *more: Replay(
                clock, TEMPERATURE, 17, array("h", GOLDEN["temperature"])),
            "fast": lambda settings, clock, store, *more: Replay(
                clock, [GOLDEN["channel"]], GOLDEN["rate_mhz"], array("h", GOLDEN["vibration"]))}
        self.app = App(Clock(scheduler, scheduler, 3), self.store, Machine, drivers, echo=None)
        scheduler.create_task(self.app.run(self.line))

    def type(self, text, seconds=3):
        """Type text; returns what was shown within that time."""
        self.line.shown = b""
        self.line.typed += text if isinstance(text, bytes) else text.encode()
        self.scheduler.run(self.scheduler.now_ms + seconds * 1000)
        return self.line.shown.decode()

    def ask(self, command, seconds=3):
        """The answer to a script's line: (lines, how it ended)."""
        lines = [text[3:] for text in self.type("#1 %s\r" % command, seconds).split("\r\n")
                 if text[:3] == "#1 "]
        return lines[:-1], lines[-1]

    def saved(self):
        return json.loads(self.store.files["config.json"].decode())
