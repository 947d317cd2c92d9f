# SPDX-License-Identifier: Apache-2.0
"""The demonstration's report: one self-contained HTML page."""

from html import escape
from pathlib import Path
from typing import Any

from tools.demo import plots

_STYLE = Path(__file__).with_name("report.css")


def clock_text(seconds: float) -> str:
    """Seconds of the day as HH:MM."""
    minutes = int(seconds // 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _tile(value: str, words: str) -> str:
    return f"<div class=tile><b>{escape(value)}</b><span>{escape(words)}</span></div>"


def _tiles(result: dict[str, Any]) -> str:
    line, total = result["line"], result["bytes"]["total"]
    return "<div class=tiles>" + "".join((
        _tile(f"{result['faults_found']} of {result['faults_injected']}", "injected faults found"),
        _tile(f"{line['found']} of {line['bad']}",
              f"bad parts stopped the line, of {line['parts']:,} made"),
        _tile(str(result["false_alarms"]), "false alarms"),
        _tile(f"1 : {total['ratio']:,}", "bytes sent to bytes measured"))) + "</div>"


def _faults(result: dict[str, Any]) -> str:
    rows = []
    for fault in result["faults"]:
        delay = fault["delay_s"]
        found = "not found" if delay is None else \
            f"found at {clock_text(fault['detected'])}, after {delay / 60:.0f} min, " \
            f"by {fault['rule']}"
        rows.append(f"<tr><td>{escape(fault['name'])}<td>{escape(fault['board'])}"
                    f"<td>{clock_text(fault['start'])}<td>{escape(found)}")
    return ("<div class=scroll><table class=stack><tr><th>what was injected<th>board<th>at"
            "<th>result" + "".join(rows) + "</table></div>")


def _alarms(result: dict[str, Any]) -> str:
    rows = []
    for span in sorted(result["alarms"], key=lambda entry: entry["start"]):
        until = "still on" if span["open"] else clock_text(span["end"])
        reasons = ", ".join(f"{name} {share} %" for name, share in span["reasons"])
        if span["label"]:
            reasons = f"{span['label']}: {reasons}" if reasons else span["label"]
        stopped = " (line stopped)" if "stop" in span["outputs"] else ""
        rows.append(f"<tr><td>{clock_text(span['start'])}<td>{until}<td>{escape(span['board'])}"
                    f"<td>{escape(span['rule'])}{stopped}<td>{span['value']:.4g}"
                    f"<td>{escape(reasons) or '&ndash;'}")
    return ("<div class=scroll><table class=stack><tr><th>from<th>to<th>board<th>rule<th>value"
            "<th>why (strongest features)" + "".join(rows) + "</table></div>")


def page(runs: dict[str, Any], result: dict[str, Any]) -> str:
    """The whole page; `runs` are finished `BoardRun`s, `result` what `figures.compute` gave."""
    low = min(run.start_s for run in runs.values()) / 3600
    high = max(run.last_t for run in runs.values()) / 3600
    span = (low, high)
    seconds = result["seconds"]
    return f"""<!doctype html><html lang=en><meta charset=utf-8>
<meta name=viewport content="width=device-width,initial-scale=1">
<title>Tocsin: a virtual day</title><style>{_STYLE.read_text()}</style>
<main><header><h1>A virtual day of one site</h1>
<p>Three emulated boards run the unchanged firmware: a motor whose bearing starts to fail, a cold
room with a door left open and a compressor that gives up, and a press that makes some bad parts.
Each decides on the spot and sends only what matters.</p></header>
{_tiles(result)}{_faults(result)}
<h2>Cold room</h2>{plots.temperature(runs["room"], result, span)}
{plots.pattern(runs["room"], result, span)}
<h2>Motor</h2>{plots.motor_score(runs["motor"], result, span)}
{plots.velocity(runs["motor"], result, span)}
<h2>Line</h2>{plots.parts(runs["line"], result, span)}
<h2>Measured and sent</h2>{plots.data(result)}
<h2>Alarms, with reasons</h2>{_alarms(result)}
<footer>Made by <code>make demo</code> in {seconds['total']:.0f} s, of which training took
{seconds['training']:.0f} s; all figures are in report.json. Plants, sensors and time are simulated
(tools/emulator); spectra come from the emulated ulab
backend.</footer></main></html>"""
