# SPDX-License-Identifier: Apache-2.0
"""A technician's session on an emulated Pico that samples an accelerometer at 3 x 3.3 kHz.

    python -m host_tests.board.console_on_pico [lsm6dsox | adxl345] [OPTION ...] [COMMAND ...]

prints a table of times; needs MICROPYTHON_UF2. --fast-flash: erasing and programming take no
time, what is left is computing; --pasted: the lines come at once; --ballast=BYTES: so much of the
heap is taken; --entries=N: in the audit log, 100; --texts: the answers too.

Every window is scored meanwhile. The chip's registers and FIFO are modelled
(tools/emulator/chips), SPI takes its time, and the flash is busy for as long as a Pico's is when
it erases and programs. What is lost is counted by the driver, by the sampler and, as overruns, by
the chip.
"""

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tools import loaded
from tools.emulator.chips.adxl345 import Adxl345
from tools.emulator.chips.lsm6dsox import Lsm6dsox
from tools.emulator.pico import MISSING, Pico, PicoError, image_from_environment, tree
from tools.emulator.pico_bus import now_us, wire
from tools.emulator.pico_flash import FAST, NANOS, SlowFlash
from tools.mpy import board_files
from tools.train import template as templates
from tools.train import twin
from tools.train.bundle_format import Model
from tools.train.pack import pack
from tools.train.quantize import fit_scaler, quantize_clusters, quantize_scaler

_SPI = {"id": 0, "sck": 18, "mosi": 19, "miso": 16, "cs": 17}
_KEY_S = 0.05


class _Watched:
    """Adds the deepest level that the FIFO had when the board looked."""

    deepest = 0

    def _advance(self) -> None:
        super()._advance()  # type: ignore[misc]
        self.deepest = max(self.deepest, len(self.fifo))  # type: ignore[attr-defined]


class _Lsm6dsox(_Watched, Lsm6dsox):
    rate_hz, scale, more = 3333, 0.000488, {}


class _Adxl345(_Watched, Adxl345):
    rate_hz, scale, more = 3200, 0.0039, {"interrupt": 15}


CHIPS: dict[str, Any] = {"lsm6dsox": _Lsm6dsox, "adxl345": _Adxl345}

COMMANDS = (
    "who anna", "help", "status", "sensors", "live main 2", "alarms", "log", "network",
    "show", "show alarms.score_high", "show alarms.score_high.limit",
    "set alarms.score_high.limit 2.5", "set alarms.score_high.limit 1_000",
    "set alarms.score_high.delay_s 20", "set pipelines.main.summary_every_s 600",
    "ack", "reset level_high", "reset all", "calibrate z 0.1", "calibrate z 0.2",
    "learn 20", "learn", "learn stop", "test horn", "release horn", "audit",
    "export config", "export log", "export audit", "export records", "statsu", "status",
)  # fmt: skip
_ANSWERED = re.compile(rb"#\d+ (ok|error[^\r\n]*)\r\n")


def model(rate_hz: int, scale: float) -> tuple[dict, bytes]:
    """Features and a bundle of the vibration template for 3 axes: 8 clusters."""
    channels = [{"name": n, "unit": "g", "scale": scale, "offset": 0.0} for n in "xyz"]
    facts = {**loaded._facts("vibration"), "rate_hz": rate_hz, "channels": channels}
    conf = templates.configure(templates.load("vibration"), facts, 4096)
    features = twin.extract(conf, loaded._frames(conf))
    scaler = quantize_scaler(*fit_scaler(features))
    n = features.shape[1]
    clusters = quantize_clusters(np.zeros((8, n)), np.full(8, 3.0), unit=64)
    names = [f"f{i}" for i in range(n)]
    made = Model(conf=conf, feature_names=names, scaler=scaler, clusters=clusters, classes=[],
                 decision=templates.load("vibration").decision)
    return conf, pack(made, loaded._frames(conf)[:1])


def configuration(chip: str, conf: dict) -> dict:
    """Six alarms, so that the file is no smaller than those of real machines; one stands."""
    config = loaded.device_config("vibration", conf)
    kind = CHIPS[chip]
    config["pipelines"]["main"]["sensor"] = {
        "driver": chip, "spi": _SPI, "rate_hz": kind.rate_hz, **kind.more}
    for name in ("f0", "f3", "f6", "f9"):
        config["alarms"][name + "_high"] = {
            "source": "main." + name, "side": "high", "limit": 90.0, "warning": 80.0,
            "delay_s": 30, "dead_band": 1.0}
    config["alarms"]["score_high"]["delay_s"] = 3600
    config["alarms"]["level_high"]["limit"] = 0.001
    config["outputs"]["horn"] = {"driver": "buzzer", "pin": 14, "alarms": ["f0_high"]}
    return config


def audited(entries: int) -> dict[str, bytes]:
    """The files of an audit log of so many changes."""
    from firmware.audit import Audit
    from firmware.clock import Clock
    from firmware.store import Store
    from tools.emulator import hardware, standin_time
    from tools.emulator.virtual import VirtualClock

    board = hardware.Hardware(VirtualClock())
    clock = Clock(standin_time.build_time(board), standin_time.build_asyncio(board), 1)
    with tempfile.TemporaryDirectory() as folder:
        import os

        log = Audit(Store(os, folder + "/"), clock)
        for i in range(entries):
            log.add("anna", "set", "alarms.score_high.limit", 8.0 - i, 7.0 - i, "0" * 16)
        return {"/" + path.name: path.read_bytes() for path in Path(folder).iterdir()}


def files(chip: str = "lsm6dsox", entries: int = 0) -> dict[str, bytes]:
    """The file system of a Pico with the vibration template's model and its config."""
    kind = CHIPS[chip]
    conf, bundle = model(kind.rate_hz, kind.scale)
    found = tree(board_files("armv6m"))
    found["/config.json"] = json.dumps(configuration(chip, conf)).encode()
    found["/models/main.tcb"] = bundle
    found.update(audited(entries))
    return found


class Session:
    """Types lines on the board's USB line and takes the time on the board until the answer."""

    def __init__(self, pico: Pico):
        self._pico = pico
        self._cdc = pico.device.cdc
        self._seen = bytearray()
        self._line = bytearray()
        self._lines: list[tuple[float, bytes]] = []
        self._until: re.Pattern[bytes] | None = None
        self._typed: list[tuple[float, int]] = []
        self._number = 0
        self._entered = 0.0
        self._cdc.on_serial_data = self._take
        self._alarm = pico.device.simulator.clock.create_alarm(self._feed)
        self._alarm.schedule(1_000_000)

    def _take(self, data: bytes) -> None:
        self._seen += data
        self._line += data
        while b"\n" in self._line:
            shown, _, self._line = self._line.partition(b"\n")
            self._lines.append((self._pico.seconds, bytes(shown)))
        if self._until and self._until.search(self._seen):
            self._pico.device.simulator.stopped = True

    def _feed(self) -> None:
        now = self._pico.seconds
        while self._typed and self._typed[0][0] <= now and self._cdc.tx_fifo.item_count < 256:
            code = self._typed.pop(0)[1]
            self._cdc.send_serial_byte(code)
            self._entered = now
        self._pico.line.send()
        self._alarm.schedule(1_000_000)

    def _run(self, limit_s: float, what: str) -> None:
        simulator = self._pico.device.simulator
        end = self._pico.seconds + limit_s
        simulator.stopped = False
        while not simulator.stopped:
            self._pico.step()
            if self._pico.seconds > end:
                raise PicoError(f"{what} within {limit_s:g} s; it showed {bytes(self._seen)!r}")

    def wait(self, pattern: re.Pattern[bytes], limit_s: float = 30.0) -> str:
        """Run the board until it has shown the pattern; returns all it showed."""
        self._until = pattern
        self._run(limit_s, f"did not show {pattern.pattern!r}")
        text = self._seen.decode(errors="replace")
        self._seen.clear()
        return text

    def rest(self, seconds: float) -> None:
        """Let the board work for a while."""
        self._until = None
        self._pico.device.simulator.clock.create_alarm(self._pico._stop).schedule(
            round(seconds * 1e9))
        self._run(seconds + 1, "lost its clock")

    def type(self, text: str, key_s: float = 0.0) -> None:
        """Type keys `key_s` apart."""
        at = self._pico.seconds
        for i, code in enumerate(text.encode()):
            self._typed.append((at + i * key_s, code))

    def ask(self, command: str, key_s: float = 0.0, limit_s: float = 30.0) -> dict:
        """Ask as a script does; {"command", "first", "gap" (longest, s), "last", "text"}.

        Times are the board's, from the end of the line.
        """
        self._number += 1
        self._lines = []
        tag = f"#{self._number} "
        self.type(f"{tag}{command}\r", key_s)
        text = self.wait(_ANSWERED, limit_s)
        shown = [at for at, line in self._lines if line.startswith(tag.encode())]
        times = [self._entered, *shown]
        gaps = [b - a for a, b in zip(times, times[1:])]
        return {"command": command, "first": gaps[0], "gap": max(gaps), "last": sum(gaps),
                "text": text}


class Board:
    """A Pico at work with a chip and somebody at its serial line.

    entries: those in its audit log. ballast: bytes of its heap that something else has taken.
    slow: the flash takes a real one's time.
    """

    def __init__(self, image, chip: str = "lsm6dsox", entries: int = 0, ballast: int = 0,
                 slow: bool = True):
        found = files(chip, entries)
        if ballast:
            keep = "ballast = [bytes(1000) for _ in range(%d)]\n" % (ballast // 1000)
            found["/main.py"] = keep.encode() + found["/main.py"]
        self.pico = Pico(image, found)
        self.flash = SlowFlash(self.pico, NANOS if slow else FAST)
        kind = CHIPS[chip]
        noise = np.random.default_rng(1).normal(0, 0.3, (4096, 3)).round(4).tolist()
        self.chip = kind(now_us(self.pico), lambda index, t_s: noise[index % 4096])
        wire(self.pico, self.chip, select=_SPI["cs"], interrupt=kind.more.get("interrupt"))
        self.session = Session(self.pico)
        self.session.wait(re.compile(rb"running: main"))
        self.up_s = self.pico.seconds

    def ask(self, commands, key_s: float = _KEY_S, pause_s: float = 0.3, show=None) -> list[dict]:
        """The answers, with the erases and programs of the flash that each cost."""
        answers = []
        for command in commands:
            before = self.flash.erases, self.flash.programs, self.chip.overruns
            answer = self.session.ask(command, key_s)
            self.session.rest(pause_s)
            answer["erases"] = self.flash.erases - before[0]
            answer["programs"] = self.flash.programs - before[1]
            answer["overruns"] = self.chip.overruns - before[2]
            answers.append(answer)
            if show:
                show(line(answer))
        return answers

    def counts(self) -> dict:
        """What was lost, and what is left of the heap; stops the app."""
        chip = {"made": self.chip.index, "overruns": self.chip.overruns,
                "deepest": self.chip.deepest}
        return {**chip, **json.loads(self.pico.run(_COUNTS))}


def line(answer: dict) -> str:
    """A row of the table."""
    return "%5.0f %5.0f %6.0f ms %3d %4d %5d  %s" % (
        answer["first"] * 1000, answer["gap"] * 1000, answer["last"] * 1000, answer["erases"],
        answer["programs"], answer["overruns"], answer["command"])


HEAD = "first   gap    last  erases programs lost"

_COUNTS = """
import gc, json
s = app.samplers["main"]
gc.collect()
print(json.dumps({"dropped": s.driver.dropped, "late": s.late, "failed": s.failed, "cut": s.lost,
                  "windows": app.pipelines["main"].windows, "problems": app.problems,
                  "free": gc.mem_free()}))
"""


def main() -> int:
    image = image_from_environment()
    if image is None:
        print(MISSING, file=sys.stderr)
        return 2
    words = sys.argv[1:]
    chip = words.pop(0) if words and words[0] in CHIPS else "lsm6dsox"
    pasted = "--pasted" in words
    ballast = [int(word[10:]) for word in words if word.startswith("--ballast=")]
    entries = [int(word[10:]) for word in words if word.startswith("--entries=")] or [100]
    commands = [word for word in words if not word.startswith("--")] or COMMANDS
    board = Board(image, chip, entries=entries[-1], ballast=sum(ballast),
                  slow="--fast-flash" not in words)
    print(f"{chip} runs after {board.up_s:.1f} s", flush=True)
    print(HEAD, flush=True)

    def show(row: str) -> None:
        print(row, flush=True)

    answers = board.ask(commands, 0.0 if pasted else _KEY_S, show=show)
    if "--texts" in words:
        for answer in answers:
            print(answer["text"])
    print(board.counts(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
