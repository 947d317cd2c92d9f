# SPDX-License-Identifier: Apache-2.0
"""Run the demonstration: train, deploy, a virtual day on three boards, report."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from tools import datasets
from tools.demo import figures, report, scenario, training
from tools.emulator.deploy import PROJECT, deploy
from tools.train import fit, pack

_REFRESH_S = 0.25


class DemoError(RuntimeError):
    """The demonstration could not go on; the message says which board and why."""


class BoardRun:
    """One board's process and everything it reported."""

    def __init__(self, name: str, folder: Path, board: dict[str, Any], bundle: bytes):
        self.name = name
        self.root = deploy(folder / name, board["config"],
                           {board["config"]["pipelines"][name]["model"]: bundle})
        self.spec = board["spec"]
        self.start_s = self.spec["plant_start_s"]
        self.events: list[dict[str, Any]] = []
        self.last_t = 0.0
        self.status: dict[str, Any] = {}
        self.alarms = 0
        self._errors = (folder / f"{name}.err").open("w+")
        spec_path = folder / f"{name}.json"
        spec_path.write_text(json.dumps(self.spec))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools.emulator.board", str(self.root), str(spec_path)],
            stdout=subprocess.PIPE, stderr=self._errors, text=True, cwd=PROJECT)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event = json.loads(line)
            event["t"] += self.start_s
            self.last_t = event["t"]
            self.events.append(event)
            if event["kind"] == "status":
                self.status = event["status"]
            elif event["kind"] == "console" and " alarm: " in event["text"]:
                self.alarms += 1

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def finish(self) -> None:
        """Wait for the end. Raises DemoError when the board didn't reach it."""
        self._thread.join()
        self.process.wait()
        ended = self.events and self.events[-1].get("reason") == "end"
        self._errors.seek(0)
        errors = self._errors.read().strip()
        self._errors.close()
        if not ended:
            reason = self.events[-1].get("reason") if self.events else None
            raise DemoError(f"board {self.name} stopped early ({reason}): "
                            f"{errors.splitlines()[-1] if errors else 'no message'}")

    def sent_bytes(self) -> int:
        """Everything the device sent: alarms, summaries, and its own start and health records."""
        return sum(path.stat().st_size for path in self.root.glob("records.jsonl*"))

    def records(self) -> list[dict[str, Any]]:
        """What the device sent: its file sink, oldest first."""
        lines: list[str] = []
        for name in ("records.jsonl.1", "records.jsonl"):
            path = self.root / name
            if path.exists():
                lines += path.read_text().splitlines()
        return [json.loads(line) for line in lines]


def table(runs: list[BoardRun]) -> Table:
    """The live table: one row per board."""
    shown = Table(title="One virtual day, three emulated boards")
    for heading in ("board", "time of day", "state", "score", "alarms", "raw bytes", "sent bytes"):
        shown.add_column(heading, justify="left" if heading in ("board", "state") else "right")
    for run in runs:
        status = run.status.get("pipelines", {}).get(run.name, {})
        state = status.get("state", "starting")
        if status and not status["running"]:
            state += " (machine off)"
        if run.status.get("tripped"):
            state += ", stop"
        colour = {"alarm": "red", "warning": "yellow"}.get(status.get("state", ""), "green")
        score = status.get("values", {}).get("score")
        raw = status.get("bytes", {}).get("raw", 0)
        shown.add_row(run.name, report.clock_text(run.last_t), f"[{colour}]{state}[/]",
                      "" if score is None else f"{score:.2f}", str(run.alarms),
                      f"{raw:,}", f"{run.sent_bytes():,}")
    return shown


def train_all(folder: Path, console: Console) -> dict[str, bytes]:
    """Simulate training data and train the three models by the ordinary training path."""
    bundles = {}
    for name in ("motor", "room", "line"):
        begun = time.monotonic()
        data = datasets.load(getattr(training, name)(folder / "data" / name))
        template = training.template(name)
        model = fit.train(data, template)[0]
        bundles[name] = model.bundle(data.training(model.key))
        pack.write(folder / f"{name}.tcb", bundles[name])
        console.print(f"  {name}: template {template.name}, {len(bundles[name]):,} bytes, "
                      f"{time.monotonic() - begun:.1f} s")
    return bundles


def run(out: Path, hours: float = 24.0, start_s: float = 0.0,
        console: Console | None = None) -> dict[str, Any]:
    """Run it all, leave report.html and report.json in `out`, return the figures."""
    console = console or Console()
    begun = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    console.print("Training three models on simulated normal data")
    bundles = train_all(out, console)
    trained = time.monotonic()
    boards = scenario.boards(hours, start_s)
    runs = [BoardRun(name, out / "boards", boards[name], bundles[name]) for name in boards]
    with Live(table(runs), console=console, refresh_per_second=4) as live:
        while any(one.running for one in runs):
            time.sleep(_REFRESH_S)
            live.update(table(runs))
        live.update(table(runs))
    if not console.is_terminal:
        console.print()  # rich leaves the table's last line open there
    for one in runs:
        one.finish()
    result = figures.compute({one.name: one for one in runs}, start_s, start_s + hours * 3600)
    result["seconds"] = {"training": round(trained - begun, 1),
                         "total": round(time.monotonic() - begun, 1)}
    (out / "report.json").write_text(json.dumps(result, indent=1))
    (out / "report.html").write_text(report.page({one.name: one for one in runs}, result))
    console.print(figures.summary(result))
    console.print(f"Report: {out / 'report.html'}")
    return result
