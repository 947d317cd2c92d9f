# SPDX-License-Identifier: Apache-2.0
"""One fault per run at a chosen line of the board's own code: `inject ROOT SPEC.json PLAN.json`.

The emulated board runs once; at each chosen moment the process forks, the child raises the
exception in that line and runs to the end, and the parent goes on without it. PLAN:
    error     "MemoryError" or "KeyboardInterrupt"
    points    which lines, counted from power-on; left out: none, only count
    burst     how many of the lines that follow raise it too, as far as tracing comes back
    spare     places "file:line" that are left alone
    until_s   the fault comes before this virtual time; then the parent stops
    more_s    how long a child goes on after the fault, default: to the spec's end
    limit_s   real seconds that a child may take, default 60
Printed as JSON lines: {"point", "at", "t", "events", "end", "state"} of each child, then {"lines":
[[first point, "file:line"], ..], "count"} of the run without a fault.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from tools.emulator.board import Board

_ERRORS = {"MemoryError": MemoryError("allocation failed"),
           "KeyboardInterrupt": KeyboardInterrupt()}


class Injector:
    """Counts the lines that the board's files execute, and forks where PLAN says so."""

    def __init__(self, root: Path, spec: dict[str, Any], plan: dict[str, Any]):
        self._root = str(root.resolve())
        self._plan = plan
        self._points = set(plan.get("points", ()))
        self._error = _ERRORS[plan["error"]]
        self._left = 1
        self.count = 0
        self.firsts: dict[str, int] = {}
        self.hit: dict[str, Any] | None = None
        self.events: list[dict[str, Any]] = []
        self.board = Board(root, spec, self._see)

    def _see(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        if event["kind"] == "boot" and self.hit is not None:
            self._left = 0   # a reset ends a burst

    def run(self) -> str:
        sys.settrace(self._enter)
        try:
            return self.board.run()
        finally:
            self._off()

    def _off(self) -> None:
        sys.settrace(None)
        sys.setprofile(None)

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(self._root) else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event != "line":
            return self._line
        if self.hit is not None:
            if self._left == 0:
                self._off()
                return None
            if self._place(frame) not in self._plan.get("spare", ()):
                self._raise()
            return self._line
        now = self.board.clock.now_us / 1e6
        if now >= self._plan["until_s"]:
            self._off()
            return None
        self.count += 1
        place = self._place(frame)
        self.firsts.setdefault(place, self.count)
        if self.count in self._points and self._fork():
            self.hit = {"point": self.count, "at": place, "t": now}
            if "more_s" in self._plan:
                self.board.clock.end_us = self.board.clock.now_us + round(
                    1e6 * self._plan["more_s"])
            self._left = 1 + self._plan.get("burst", 0)
            self._raise()
        return self._line

    def _place(self, frame: FrameType) -> str:
        return f"{frame.f_code.co_filename[len(self._root) + 1:]}:{frame.f_lineno}"

    def _fork(self) -> bool:
        """True in the child; the parent comes back when the child is done."""
        before = self._flash()
        child = os.fork()
        if child == 0:
            signal.alarm(self._plan.get("limit_s", 60))
            return True
        _, status = os.waitpid(child, 0)
        self._restore(before)
        if status != 0:
            say({"point": self.count, "end": f"process ended with {status}", "events": [],
                 "at": "", "t": self.board.clock.now_us / 1e6, "state": None})
        return False

    def _flash(self) -> dict[Path, bytes]:
        """The files that a running board writes: all in the root."""
        files = [path for path in Path(self._root).iterdir() if path.is_file()]
        return {path: path.read_bytes() for path in files}

    def _restore(self, before: dict[Path, bytes]) -> None:
        """What the child wrote never was."""
        after = self._flash()
        for path in after.keys() - before.keys():
            path.unlink()
        for path, content in before.items():
            if after.get(path) != content:
                path.write_bytes(content)

    def _raise(self) -> None:
        """Raise the fault; tracing ends with it, a profiler brings it back for a burst."""
        self._left -= 1
        sys.setprofile(self._again if self._left else None)
        raise self._error

    def _again(self, frame: FrameType | None, event: str, argument: Any) -> None:
        sys.settrace(self._enter)
        while frame is not None:
            if frame.f_code.co_filename.startswith(self._root):
                frame.f_trace = self._line
            frame = frame.f_back

    def state(self) -> dict[str, Any] | None:
        """Of the app that runs at the end: tasks, alarms, problems, failures; None without."""
        app = self.board._main.get("app")
        if app is None:
            return None
        loop = self.board.modules["asyncio"].get_event_loop()
        tasks = sorted(_name(task) for task in asyncio.all_tasks(loop) if not task.done())
        told = [path.read_text() for path in sorted(Path(self._root).glob("records.jsonl*"))]
        return {"tasks": tasks, "records": "".join(told), "problems": app.problems,
                "pipelines": sorted(app.pipelines),
                "alarms": {name: alarm.state for name, alarm in app.alarms.items()},
                "failures": app.health.task_failures, "log": app.log.lines()}


def _name(task: Any) -> str:
    """What a task of the app is called: the name that it is kept under."""
    coroutine = task.get_coro()
    frame = coroutine.cr_frame
    kept = frame is not None and coroutine.cr_code.co_name == "keep"
    return str(frame.f_locals["name"]) if kept else str(coroutine.cr_code.co_name)


def say(line: dict[str, Any]) -> None:
    out = sys.__stdout__
    assert out is not None
    out.write(json.dumps(line) + "\n")
    out.flush()


def main() -> None:
    root, spec, plan = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    injector = Injector(root, json.loads(spec.read_text()), json.loads(plan.read_text()))
    end = injector.run()
    if injector.hit is not None:
        say({**injector.hit, "events": injector.events, "end": end, "state": injector.state()})
    else:
        say({"lines": sorted((n, place) for place, n in injector.firsts.items()),
             "count": injector.count, "end": end, "state": injector.state()})
    os._exit(0)


if __name__ == "__main__":
    main()
