# SPDX-License-Identifier: Apache-2.0
"""A technician's session on an emulated Pico that samples 3 channels at 3.2 kHz meanwhile.

    python -m host_tests.board.console_on_pico         prints a table; needs MICROPYTHON_UF2

The sensor is a chip with a FIFO of 512 samples (that of an LSM6DSOX) which fills by the board's
clock: what is not fetched in time is lost and counted. Every window is scored.
"""

import json
import re
import sys

import numpy as np

from tools import loaded
from tools.emulator.pico import MISSING, Pico, image_from_environment, tree
from tools.mpy import board_files
from tools.train import template as templates
from tools.train import twin
from tools.train.bundle_format import Model
from tools.train.pack import pack
from tools.train.quantize import fit_scaler, quantize_clusters, quantize_scaler

DRIVER = """
import time
from array import array

FIFO = 512

class Chip:
    parts = False
    rate_mhz = 3_200_000
    dropped = 0

    def __init__(self, clock):
        self.channels = [{"name": n, "unit": "g", "scale": 0.01, "offset": 0.0} for n in "xyz"]
        self.made = self.taken = self.deepest = self._rest = 0
        self._clock = clock
        self._then = None
        self._noise = array("h", [(i * 7919) % 601 - 300 for i in range(3 * 128)])

    def _fill(self):
        now = time.ticks_us()
        if self._then is None:
            self._then = now
        rest = self._rest + time.ticks_diff(now, self._then) * 32
        self._then = now
        self.made += rest // 10000
        self._rest = rest % 10000

    async def read(self, block):
        while True:
            self._fill()
            waiting = self.made - self.taken
            if waiting > self.deepest:
                self.deepest = waiting
            if waiting > FIFO:
                self.dropped += waiting - FIFO
                self.taken += waiting - FIFO
            if waiting >= 128:
                break
            await self._clock.sleep_ms(5)
        block[:] = self._noise
        self.taken += 128
        return 128

def make(settings, clock, store, hardware=None):
    return Chip(clock)
"""

COMMANDS = (
    "status", "sensors", "alarms", "help", "show alarms.score_high",
    "set alarms.score_high.limit 2.5", "set alarms.score_high.limit 1_000",
    "set alarms.score_high.delay_s 20", "calibrate z 0.1", "learn 20", "learn", "reset all",
    "ack", "log", "audit", "network", "export config", "statsu", "status",
)
_ANSWERED = re.compile(rb"#\d+ (ok|error[^\r\n]*)\r\n")


def model() -> tuple[dict, bytes]:
    """Features and a bundle of the vibration template for 3 axes at 3.2 kHz: 8 clusters."""
    facts = {**loaded._facts("vibration"), "rate_hz": 3200}
    conf = templates.configure(templates.load("vibration"), facts, 4096)
    features = twin.extract(conf, loaded._frames(conf))
    scaler = quantize_scaler(*fit_scaler(features))
    n = features.shape[1]
    clusters = quantize_clusters(np.zeros((8, n)), np.full(8, 3.0), unit=64)
    names = [f"f{i}" for i in range(n)]
    made = Model(conf=conf, feature_names=names, scaler=scaler, clusters=clusters, classes=[],
                 decision=templates.load("vibration").decision)
    return conf, pack(made, loaded._frames(conf)[:1])


def files() -> dict[str, bytes]:
    """The file system of a Pico with the vibration template's model, its config and the chip."""
    conf, bundle = model()
    config = loaded.device_config("vibration", conf)
    config["pipelines"]["main"]["sensor"] = {"driver": "steady"}
    found = tree(board_files("armv6m"))
    found["/firmware/drivers/steady.py"] = DRIVER.encode()
    found["/config.json"] = json.dumps(config).encode()
    found["/models/main.tcb"] = bundle
    return found


class Session:
    """Types lines on the board's USB line and takes the time on the board until the answer."""

    def __init__(self, pico: Pico):
        self._pico = pico
        self._cdc = pico.device.cdc
        self._seen = bytearray()
        self._until = None
        self.to_send: list[int] = []
        self._at = 0.0
        self._number = 0
        self._cdc.on_serial_data = self._take
        self._alarm = pico.device.simulator.clock.create_alarm(self._feed)
        self._alarm.schedule(1_000_000)

    def _take(self, data: bytes) -> None:
        self._seen += data
        if self._until and self._until.search(self._seen):
            self._at = self._pico.seconds
            self._pico.device.simulator.stopped = True

    def _feed(self) -> None:
        while self.to_send and self._cdc.tx_fifo.item_count < 256:
            self._cdc.send_serial_byte(self.to_send.pop(0))
        self._alarm.schedule(1_000_000)

    def wait(self, pattern: re.Pattern[bytes], limit_s: float = 30.0) -> str:
        """Run the board until it has shown the pattern; returns all it showed."""
        self._until = pattern
        self._pico._run_until_stopped(limit_s, f"did not show {pattern.pattern!r}")
        text = self._seen.decode(errors="replace")
        self._seen.clear()
        return text

    def rest(self, seconds: float) -> None:
        """Let the board work for a while."""
        self._until = None
        clock = self._pico.device.simulator.clock
        clock.create_alarm(self._pico._stop).schedule(round(seconds * 1e9))
        self._pico._run_until_stopped(seconds + 1, "lost its clock")

    def ask(self, command: str, limit_s: float = 30.0) -> tuple[float, float, str]:
        """(s to the first line of the answer, s to its end, the answer) on the board's clock."""
        self._number += 1
        begin = self._pico.seconds
        self.to_send.extend(f"#{self._number} {command}\r".encode())
        first: list[float] = []
        before = self._take

        def take(data: bytes) -> None:
            if not first:
                first.append(self._pico.seconds)
            before(data)

        self._cdc.on_serial_data = take
        text = self.wait(_ANSWERED, limit_s)
        self._cdc.on_serial_data = self._take
        return first[0] - begin, self._at - begin, text


def run(image, commands=COMMANDS, show=print) -> dict:
    """The session; {"answers": [[command, first s, last s]], "made", "taken", "dropped", ..}."""
    pico = Pico(image, files())
    session = Session(pico)
    show(session.wait(re.compile(rb"running: main")) + f" after {pico.seconds:.1f} s")
    session.to_send.extend(b"who anna\r")
    show(session.wait(re.compile(rb"you are anna")))
    session.rest(1.0)   # a person reads before typing on; modules are loaded meanwhile
    answers = []
    for command in commands:
        first, last, text = session.ask(command)
        answers.append([command, first, last])
        show(f"{first * 1000:6.0f} {last * 1000:6.0f} ms  {command}\n{text}")
    counts = json.loads(pico.run(_COUNTS))
    return {"answers": answers, **counts}


_COUNTS = """
import gc, json
d = app.samplers["main"].driver
gc.collect()
print(json.dumps({"made": d.made, "taken": d.taken, "dropped": d.dropped, "deepest": d.deepest,
                  "windows": app.pipelines["main"].windows, "problems": app.problems,
                  "free": gc.mem_free()}))
"""


def main() -> int:
    image = image_from_environment()
    if image is None:
        print(MISSING, file=sys.stderr)
        return 2
    found = run(image)
    print({key: value for key, value in found.items() if key != "answers"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
