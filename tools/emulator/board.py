# SPDX-License-Identifier: Apache-2.0
"""One emulated board in one process: `python -m tools.emulator.board DIRECTORY SPEC.json`.

DIRECTORY is the board's file system, with boot.py and main.py as they are on a real one. SPEC:
    name            of the board                  end_s       when the run ends (virtual seconds)
    utc             at power-on, or null          ulab        true, "complex" or false (none)
    ticks_start_ms  ticks_ms() at power-on        platform    "rp2" or "esp32"
    arch            number of the architecture in sys.implementation._mpy, default 0 (none)
    ulab_us         virtual time that an FFT of ulab takes, default 0, like all other code
    plant           what the driver `plant` simulates, or null (see plant_driver.py)
    plant_start_s   the plant's time of day at power-on, default 0
    chips           register-level chips on its buses (see chip_plants.py)
    pins            which pins are reported (default all)
    watch_s         how often the app's status is reported      max_boots   default 8
    serial          {"keys": [[seconds, text], ..]} or {"port": n, "pace": x}, see serial.py
    operator        {"ack_after_s": n} acknowledges latched outputs n seconds after they tripped
Everything visible from outside goes to stdout as JSON lines: pins, console, status, resets.
The board's own files see MicroPython's modules; nothing else in the process does.
"""

import builtins
import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from tools.emulator import (
    chip_plants,
    plant_driver,
    prompt,
    standin_machine,
    standin_onewire,
    standin_system,
    standin_time,
    standin_ulab,
    watch,
)
from tools.emulator.hardware import PWRON_RESET, SOFT_RESET, BoardReset, Hardware
from tools.emulator.serial import Serial, build_select
from tools.emulator.virtual import Deadlock, EndOfRun, VirtualClock

_ABSENT = ("machine", "network", "ulab", "rp2", "esp32", "micropython")


class _Console:
    """The board's stdout: whole lines become observations; bytes go to the serial line too."""

    def __init__(self, hw: Hardware):
        self._hw = hw
        self._line = ""
        self.serial: Serial | None = None
        self.buffer = SimpleNamespace(write=self._write_bytes)

    def write(self, text: str) -> int:
        self._write_bytes(text.replace("\n", "\r\n").encode())
        return len(text)

    def _write_bytes(self, data: bytes) -> int:
        if self.serial is not None:
            self.serial.send(data)
        text = bytes(data).decode("utf-8", "replace").replace("\r\n", "\n")
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._hw.observe("console", text=line)
        return len(data)

    def flush(self) -> None:
        pass


class Board:
    """The board's process: import hook, file system, boots, watching.

    Only one may exist per process, because it owns the process's import system.
    """

    def __init__(self, root: Path, spec: dict[str, Any], report: Any):
        self.root = root.resolve()
        self.spec = spec
        self._report = report
        self.clock = VirtualClock(round(spec.get("end_s", 86_400) * 1e6))
        self.hw = Hardware(
            self.clock, name=spec.get("name", "board"), utc=spec.get("utc"),
            ticks_start_ms=spec.get("ticks_start_ms", 0), ulab=spec.get("ulab", False),
            platform=spec.get("platform", "rp2"),
            observe=self._observe)
        self.console = _Console(self.hw)
        self.serial = Serial(self.hw, self.console)
        self.console.serial = self.serial
        self.modules: dict[str, ModuleType] = {}
        chip_plants.wire(self.hw, spec.get("chips", []), spec.get("plant_start_s", 0.0))
        self._main: dict[str, Any] = {}
        self._tripped: dict[str, float] = {}
        self._host_import = builtins.__import__
        self._host_open = builtins.open

    def _observe(self, kind: str, fields: dict[str, Any]) -> None:
        pins = self.spec.get("pins")
        if kind != "pin" or pins is None or fields["pin"] in pins:
            self._report({"kind": kind, **fields})

    def run(self) -> str:
        """Boot, and boot again after each reset, until the run ends; return why it ended."""
        builtins.__import__ = self._import
        builtins.open = self._open
        sys.stdout = self.console
        self._start_serial()
        sys.path[:0] = [str(self.root), str(self.root / "lib")]
        cause, reason = PWRON_RESET, "end"
        try:
            for _ in range(self.spec.get("max_boots", 8)):
                try:
                    self._boot(cause)
                    reason = "main.py returned"
                    break
                except BoardReset as reset:
                    cause = reset.cause
            else:
                reason = "too many resets"
        except EndOfRun:
            reason = "end"
        except Deadlock as error:
            reason = str(error)
        finally:
            builtins.__import__, builtins.open = self._host_import, self._host_open
            sys.stdout = sys.__stdout__
        return reason

    def _start_serial(self) -> None:
        serial = self.spec.get("serial") or {}
        self.serial.type_later(serial.get("keys", []))
        if "port" in serial:
            self.clock.pace = serial.get("pace", 1.0)
            self.serial.listen(serial["port"])

    def _boot(self, cause: int) -> None:
        self.hw.power_up(cause)
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None) or "").startswith(str(self.root)):
                del sys.modules[name]
        self._build_modules()
        self.serial.raw = self.serial.raw and cause == SOFT_RESET
        self.hw.observe("boot", cause=cause)
        if self.spec.get("watch_s"):
            self._watch_later()
        self._main = {"__name__": "__main__"}
        ended = self._execute("boot.py")
        if ended and not self.serial.raw:
            ended = self._execute("main.py")
        if self.spec.get("serial") or not ended:
            prompt.run(self.serial, self._main, str(self.root / "prompt"))

    def _execute(self, name: str) -> bool:
        """Run a file of the board, if it is there; False when an exception got out of it."""
        path = self.root / name
        if not path.exists():
            return True
        self._main["__file__"] = str(path)
        try:
            exec(compile(path.read_text(), str(path), "exec"), self._main)
        except Deadlock:
            raise
        except (Exception, KeyboardInterrupt):  # MicroPython shows it and gives the prompt
            self.console.write(traceback.format_exc())
            return False
        return True

    def _build_modules(self) -> None:
        hw = self.hw
        self.modules = {
            "machine": standin_machine.build(hw), "time": standin_time.build_time(hw),
            "asyncio": standin_time.build_asyncio(hw), "network": standin_system.build_network(),
            "micropython": standin_system.build_micropython(hw, self.serial),
            "select": build_select(), "gc": standin_system.build_gc(),
            "os": standin_system.build_os(self.root),
            "sys": standin_system.build_sys(
                hw.platform, self.spec.get("arch", 0), self.serial,
                bool(self.spec.get("serial"))),
            **standin_onewire.build(hw), **standin_system.build_port(hw, self.root)}
        if hw.ulab:
            cost = self.spec.get("ulab_us", 0)
            self.modules.update(
                standin_ulab.build(hw.ulab == "complex", lambda: hw.sleep_us(cost)))
        if self.spec.get("plant"):
            sys.modules["firmware.drivers.plant"] = plant_driver.build(
                hw, self.spec["plant"], self.spec.get("plant_start_s", 0.0))

    def _from_board(self, namespace: dict[str, Any] | None) -> bool:
        return namespace is not None and str(namespace.get("__file__", "")).startswith(
            str(self.root))

    def _import(self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (),
                level: int = 0) -> ModuleType:
        if level == 0 and self._from_board(globals):
            if name in self.modules:
                return self.modules[name] if fromlist else self.modules[name.split(".")[0]]
            if name.split(".")[0] in _ABSENT:
                raise ImportError(f"no module named '{name}'")
        return self._host_import(name, globals, locals, fromlist, level)

    def _open(self, file: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
        if isinstance(file, str) and self._from_board(sys._getframe(1).f_globals):
            file = standin_system.board_path(self.root, file)
            if "b" not in mode and not rest:
                named.setdefault("encoding", "utf-8")
        return self._host_open(file, mode, *rest, **named)

    def _watch_later(self) -> None:
        self.clock.call_at(self.clock.now_us + round(self.spec["watch_s"] * 1e6), self._watch)

    def _watch(self) -> None:
        """Report the app's status from outside, and play the operator at the line."""
        self._watch_later()
        app = self._main.get("app")
        if app is None:
            return
        self.hw.observe("status", status=watch.status(app))
        operator = self.spec.get("operator")
        if operator is None:
            return
        now = self.clock.now_us / 1e6
        for name in app.outputs.tripped():
            since = self._tripped.setdefault(name, now)
            if now - since >= operator["ack_after_s"]:
                del self._tripped[name]
                importlib.import_module("firmware.operator").release(app, name)
                self.hw.observe("ack", output=name)


def main() -> None:
    root, spec_path = Path(sys.argv[1]), Path(sys.argv[2])
    out = sys.__stdout__
    assert out is not None

    def report(event: dict[str, Any]) -> None:
        out.write(json.dumps(event) + "\n")

    board = Board(root, json.loads(spec_path.read_text()), report)
    reason = board.run()
    report({"kind": "end", "t": board.clock.now_us / 1e6, "reason": reason})
    out.flush()
    os._exit(0)   # tasks of the board are still pending; nothing of theirs is to be tidied up


if __name__ == "__main__":
    main()
