# SPDX-License-Identifier: Apache-2.0
"""Evaluates many data sets and says honestly where a template reaches the float baseline."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tools import metrics
from tools.datasets import load
from tools.train import evaluate as evaluation
from tools.train import template as templates

TOLERANCE = 0.02
_SHOWN = {
    "anomaly": (
        "recording_auc",
        "window_auc",
        "alarm_rate_normal",
        "alarm_rate_anomalous",
        "false_alarms_per_hour",
        "false_alarms_per_recording",
        "detection_delay_s",
    ),
    "classification": (
        "balanced_accuracy",
        "macro_f1",
        "auc",
        "recording_accuracy",
        "normal_only_auc",
    ),
    "events": (
        "events_found",
        "false_alarms_per_day",
        "point_f1",
        "far_pct",
        "mar_pct",
        "detection_delay_s",
    ),
}
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Row = tuple[str, str, str, str, str, str]


def run(
    folders: Sequence[Path],
    template: str | None = None,
    jobs: int | None = None,
    done: Callable[[str], None] | None = None,
) -> dict[str, dict[str, Any]]:
    """Evaluate each folder, by default with the template of its kind; results in the given order.

    The sets are spread over processes of one thread each.
    """
    jobs = min(jobs or os.cpu_count() or 1, len(folders))
    found: dict[str, dict[str, Any]] = {}
    if jobs <= 1:
        for folder in folders:
            name, result = _attempt(folder, template)
            found[name] = result
            if done:
                done(name)
        return found
    before = {key: os.environ.get(key) for key in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(jobs, mp_context=context) as pool:
            waiting = [pool.submit(_attempt, folder, template) for folder in folders]
            try:
                for future in as_completed(waiting):
                    name, _ = future.result()
                    if done:
                        done(name)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            return dict(future.result() for future in waiting)
    finally:
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.update({key: value})


def evaluate_folder(folder: Path, template: str | None = None) -> tuple[str, dict[str, Any]]:
    """Evaluate one data set folder with a template (None: the one of its kind)."""
    data = load(folder)
    result = evaluation.evaluate(data, templates.load(template or data.kind))
    result["verdict"] = verdict(result)
    return data.name, result


def _attempt(folder: Path, template: str | None) -> tuple[str, dict[str, Any]]:
    """Evaluate a folder; what is wrong with it comes back as {"error": one line}."""
    try:
        return evaluate_folder(folder, template)
    except ValueError as error:
        return folder.name, {"error": " ".join(str(error).split())}


def main_figure(task: str) -> str:
    """The figure that decides."""
    return {"anomaly": "recording_auc", "classification": "balanced_accuracy"}.get(
        task, "event_f1"
    )


def value(figures: Mapping[str, Any], name: str) -> float | None:
    """A figure, with event F1 worked out."""
    if name == "event_f1":
        return metrics.event_f1(dict(figures)) if "events_found" in figures else None
    found = figures.get(name)
    return float(found) if isinstance(found, (int, float)) else None


def verdict(result: Mapping[str, Any]) -> str:
    """One phrase: how the integers compare with the baseline."""
    integer, base = result["integer"], result.get("baseline") or {}
    if not base:
        return "no baseline"
    if result["task"] == "events":
        return _events_verdict(integer, base)
    names = [main_figure(result["task"])]
    if result["task"] == "anomaly":
        names.append("window_auc")
    gaps = []
    for name in names:
        ours, theirs = value(integer, name), value(base, name)
        if ours is not None and theirs is not None:
            gaps.append(ours - theirs)
    if not gaps:
        return "no baseline"
    worst = min(gaps)
    if worst < -TOLERANCE:
        return f"below baseline by {-worst:.3f}"
    return "better" if worst > TOLERANCE else "reached"


def _events_verdict(integer: Mapping[str, Any], base: Mapping[str, Any]) -> str:
    if base.get("false_alarms_per_day") is None and base.get("point_f1") is not None:
        gap = (integer.get("point_f1") or 0.0) - base["point_f1"]
        if gap < -TOLERANCE:
            return f"below baseline by {-gap:.3f} in point F1"
        return "better in point F1" if gap > TOLERANCE else "reached in point F1"
    events = max(integer["events"], 1)
    found = (integer["events_found"] - base["events_found"]) / events
    more = (integer["false_alarms_per_day"] or 0.0) - (base["false_alarms_per_day"] or 0.0)
    if found >= -TOLERANCE and more <= TOLERANCE:
        return "better" if found > TOLERANCE or more < -TOLERANCE else "reached"
    gap = metrics.event_f1(dict(integer)) - metrics.event_f1(dict(base))
    against = f"found {integer['events_found']} against {base['events_found']}, "
    against += f"false alarms {integer['false_alarms']} against {base['false_alarms']}"
    if gap < -TOLERANCE:
        return f"below baseline: {against}"
    return f"{'better' if gap > TOLERANCE else 'reached'} as event F1: {against}"


def rows(sets: Mapping[str, Mapping[str, Any]]) -> Iterable[Row]:
    """Lines of the table: set, figure, integer, float, baseline, verdict."""
    for name, result in sets.items():
        if "error" in result:
            yield name, "", "", "", "", f"not evaluated: {result['error']}"
            continue
        first = True
        for figure in _SHOWN[result["task"]]:
            cells = [value(result.get(k) or {}, figure) for k in ("integer", "float", "baseline")]
            if (
                figure == "false_alarms_per_recording"
                and "false_alarms_per_hour" in result["integer"]
            ):
                continue
            if cells[0] is None:
                continue
            texts = [_text(figure, c) for c in cells]
            if figure == "events_found":
                texts = [f"{t}/{result['integer']['events']}" if t else t for t in texts]
            yield (
                name if first else "",
                figure.replace("_", " "),
                texts[0],
                texts[1],
                texts[2],
                result.get("verdict", "") if first else "",
            )
            first = False
        for target, found in (result.get("targets") or {}).items():
            yield (
                "",
                f"{target}: balanced accuracy",
                _text("", found["integer"]["balanced_accuracy"]),
                _text("", found["float"]["balanced_accuracy"]),
                _text("", value(found.get("baseline") or {}, "balanced_accuracy")),
                "",
            )


def show(sets: Mapping[str, Mapping[str, Any]], console: Console) -> None:
    """Print the rows of all sets."""
    table = Table(box=None, pad_edge=False)
    for head in ("set", "figure", "integer", "float", "baseline", "verdict"):
        right = head in ("integer", "float", "baseline")
        table.add_column(head, justify="right" if right else "left", overflow="fold")
    for row in rows(sets):
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)


def _text(figure: str, number: float | None) -> str:
    if number is None:
        return ""
    if figure == "events_found":
        return f"{number:.0f}"
    return f"{number:.4f}" if abs(number) < 10 else f"{number:.1f}"


def document(sets: Mapping[str, Mapping[str, Any]], seconds: float) -> str:
    """The text of build/evaluate.json."""
    good = {name: result for name, result in sets.items() if "error" not in result}
    whole: dict[str, Any] = {"sets": _rounded(good), "seconds": round(seconds, 1)}
    if len(good) < len(sets):
        whole["failed"] = {name: sets[name]["error"] for name in sets if name not in good}
    return json.dumps(whole, indent=1) + "\n"


def _rounded(item: Any) -> Any:
    if isinstance(item, dict):
        return {key: _rounded(entry) for key, entry in item.items()}
    if isinstance(item, (list, tuple)):
        return [_rounded(entry) for entry in item]
    return float(f"{float(item):.6g}") if isinstance(item, float) else item
