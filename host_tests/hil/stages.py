# SPDX-License-Identifier: Apache-2.0
"""What the suite does to a board, stage by stage; each returns what there is to be judged."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from host_tests.hil import backup
from host_tests.hil.rig import DECIDED, HilError, Rig
from host_tests.hil.subject import ALARM, FAILING, FAULT_WINDOW, WINDOW_MS, Subject
from tools.boards import link as boards_link
from tools.serial_link import Link, LinkError

LIMIT = 6.5
LEARN = 20
CRASHES = 5
HOUR_WINDOWS = 480
REAL_HOUR_WINDOWS = 3_600_000 // WINDOW_MS
_STEP = 30
_GLANCE_S = 0.5
_KEY_S = 0.15
QUESTIONS = (
    "help", "status", f"show alarms.{ALARM}", f"set alarms.{ALARM}.limit {LIMIT}", "status",
)
_PROBE = "import hil_probe\n"
_ROOMY = "import gc\ngc.threshold(20000)\nimport on_pico\n"


@dataclass(frozen=True)
class Things:
    """subject: what is watched. bench: (model, windows) that are timed. modules: .mpy files."""

    subject: Subject
    bench: tuple[Path, Path]
    modules: list[Path]


@dataclass
class Boot:
    """One boot. asked: [command, lines of its answer]; probe: what hil_probe measured; starts:
    start records, the newest last; configs: as pulled, in order."""

    asked: list[tuple[str, list[str]]] = field(default_factory=list)
    probe: dict[str, Any] = field(default_factory=dict)
    starts: list[dict[str, Any]] = field(default_factory=list)
    configs: list[dict[str, Any]] = field(default_factory=list)
    said: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    def answer(self, command: str) -> str:
        """The newest answer to a command."""
        return "\n".join([lines for asked, lines in self.asked if asked == command][-1])

    def times(self, command: str) -> list[list[int]]:
        """[first byte, end] in ms of the board's time, for each time the command was asked."""
        asked = [name for name, _ in self.asked]
        return [t for name, t in zip(asked, self.probe["answers"]) if name == command]


class Questions(Link):
    """The console of a running board; keeps what was asked, in the order of the probe's times."""

    def __init__(self, port: Any, seconds: float, boot: Boot):
        super().__init__(port, seconds)
        self._boot = boot
        self.typing = False

    def _write(self, data: bytes) -> None:
        """A question as a person types it: the console gets ready meanwhile."""
        if self.typing:
            for byte in data[:-1]:
                super()._write(bytes([byte]))
                time.sleep(_KEY_S)
            data = data[-1:]
        super()._write(data)

    def ask(self, command: str) -> list[str]:
        lines = super().ask(command)
        self._boot.asked.append((command, lines))
        return lines


@contextlib.contextmanager
def _console(rig: Rig, boot: Boot) -> Iterator[Questions]:
    """A session, opened: the first line typed loads the console."""
    with rig.line() as port:
        console = Questions(port, rig.timeout_s, boot)
        console.ask("who suite")
        yield console


def deploy(rig: Rig, things: Things) -> list[dict[str, Any]]:
    """The same deployment twice, from a board that has none of the files of the suite."""
    made = things.subject
    arguments: list[object] = ["--no-reset", "--config", made.config_file, "--model", made.model]
    arguments += ["--model", things.bench[0]]
    for path in (*made.recordings, things.bench[1], *things.modules):
        arguments += ["--file", path]
    backup.clear(rig)
    found = []
    for _ in range(2):
        begin = time.monotonic()
        found.append({**rig.deploy(*arguments), "wall_s": time.monotonic() - begin})
    rig.install_probe()
    return found


def first_boot(rig: Rig) -> Boot:
    """Reset; ask; push a configuration; set a limit; commission; Ctrl-C."""
    rig.reset()
    boot = Boot(said=rig.listen(DECIDED))
    with _console(rig, boot) as console:
        _read_on(console)
        console.typing = True
        for command in QUESTIONS[:3]:
            console.ask(command)
        console.typing = False
        config = console.config()
        config["pipelines"]["main"]["sensor"] = {"driver": "replay", "file": FAILING}
        try:
            boot.more["pushed"] = console.push(config, lambda sent, of: None)
        except LinkError as error:  # told by its test; the stages to come need the recording
            boot.more["pushed"] = str(error)
            console.ask(f"set pipelines.main.sensor.file {FAILING}")
            console.ask("set pipelines.main.sensor.loop false")
        console.typing = True
        for command in QUESTIONS[3:]:
            console.ask(command)
        console.typing = False
        _learn(console, boot)
    _stop(rig, boot, 1)
    return boot


def _read_on(console: Questions) -> None:
    """As a person who reads before typing on: the console loads ahead for two seconds."""
    end = _uptime_s(console) + 2
    while _uptime_s(console) <= end:
        time.sleep(_GLANCE_S)


def _uptime_s(console: Questions) -> int:
    """Whole seconds of the board's time."""
    hours, minutes, seconds = console.ask("status")[0].split("  up ")[1].split()[0].split(":")
    return 3600 * int(hours) + 60 * int(minutes) + int(seconds)


def _learn(console: Questions, boot: Boot) -> None:
    """Commissioning, and whether its result stays as it is."""
    console.ask(f"learn {LEARN}")
    for _ in range(3 * LEARN * WINDOW_MS // 1000):
        console.ask("live 1")
        if console.ask("learn")[-1].startswith("not learning"):
            break
    else:
        raise HilError("commissioning did not end")
    boot.configs.append(console.config())
    console.ask("live 1")
    boot.configs.append(console.config())


def _stop(rig: Rig, boot: Boot, starts: int, presses: int = 1) -> None:
    """Ctrl-C, and read what was measured."""
    boot.more["stopped"] = rig.interrupt(presses)
    with rig.prompt() as link:
        boot.probe = json.loads(link.run(_PROBE + "hil_probe.report()\n"))
        text = link.run(_PROBE + f"hil_probe.tail('/records.jsonl', 'start', {starts})\n")
        boot.starts = [json.loads(line) for line in text.splitlines()]
        if ALARM in {name for _, name, _ in boot.probe["changes"]}:
            boot.more["onset"] = json.loads(link.run(_ONSET))


_ONSET = f"""
import json
a = app.alarms[{ALARM!r}]
print(json.dumps([a.excursion().since_ms,
                  app.samplers["main"].driver._start_ms + {FAULT_WINDOW * WINDOW_MS}]))
"""


def bench(rig: Rig) -> dict[str, float]:
    """Microseconds of a whole window and of kernels, in a heap without the app.

    Of each window the shortest of three counts: USB or the timer that feeds the watchdog may
    interrupt one; of all windows the longest.
    """
    link = boards_link.Link(rig.port, rig.timeout_s)
    try:
        runs = [json.loads(link.run(_ROOMY + "on_pico.window('bench.tcb')\n"))["us"]
                for _ in range(3)]  # fmt: skip
        kernels = json.loads(link.run(_ROOMY + "on_pico.kernels()\n"))
    finally:
        link.close()
    whole = max(min(us) for us in zip(*runs))
    return {"window_3x256_us": whole, **{f"{name}_us": us for name, us in kernels.items()}}


def hour(rig: Rig, fast: bool) -> list[tuple[int, int]]:
    """[(windows, bytes of heap in use)] while the app runs for an hour's windows."""
    windows = HOUR_WINDOWS if fast else REAL_HOUR_WINDOWS
    with rig.prompt() as link:
        text = link.run(_PROBE + f"hil_probe.hour('main', {windows}, {_STEP}, {fast})\n")
    rows = [line.split() for line in text.splitlines()]
    return [(int(a), int(b)) for a, b in (r for r in rows if len(r) == 2) if a.isdigit()]


def mpremote(rig: Rig) -> list[Any]:
    """The real mpremote at the prompt that Ctrl-C left."""
    return [rig.mpremote("exec", "print(list(app.pipelines), 6 * 7)"),
            rig.mpremote("fs", "ls", ":/models")]  # fmt: skip


def second_boot(rig: Rig) -> Boot:
    """Ctrl-D; wait for the alarm; ask."""
    boot = Boot(said=rig.listen(DECIDED, begin=b"\x04"))
    boot.said += rig.listen(f"{ALARM} alarm", f"{ALARM} warning,alarm")
    with _console(rig, boot) as console:
        for command in ("status", "alarms", f"show alarms.{ALARM}", "show alarms.score_high"):
            console.ask(command)
    _stop(rig, boot, 1, presses=3)
    return boot


def crashes(rig: Rig) -> tuple[Boot, Boot]:
    """(the boot in safe mode, the next one)."""
    with rig.prompt() as link:
        link.run(f"with open('/hil_crash', 'w') as file: file.write('{CRASHES}')\n")
    rig.reset()
    safe = Boot(said=rig.listen(DECIDED))
    with _console(rig, safe) as console:
        console.ask("status")
        console.ask("alarms")
    after = Boot(said=rig.listen(DECIDED, begin=b"\x15reboot yes\r"))
    with _console(rig, after) as console:
        console.ask("status")
        console.ask(f"show alarms.{ALARM}")
    _stop(rig, after, 2)
    return safe, after
