# SPDX-License-Identifier: Apache-2.0
"""The demonstration's figures: what was injected, what the devices reported, how late."""

from typing import Any

from tools.demo import scenario
from tools.emulator.plant_motor import Motor

_AFTER_S = 3600                       # alarms this long after a fault still belong to it


def alarm_spans(run: Any, end_s: float) -> list[dict[str, Any]]:
    """Every time a rule was in alarm: rule, start, end (seconds of the day), value, reasons."""
    spans: list[dict[str, Any]] = []
    opened: dict[str, dict[str, Any]] = {}
    for record in run.records():
        if record["kind"] != "alarm":
            continue
        at = record["up_s"] + run.start_s
        rule = record["rule"]
        if "alarm" in record["events"] and rule not in opened:
            opened[rule] = {"board": run.name, "rule": rule, "start": at, "end": end_s,
                            "open": True, "value": record["value"],
                            "reasons": record.get("reasons") or [], "label": record.get("label"),
                            "outputs": record["outputs"]}
            spans.append(opened[rule])
        elif rule in opened and record["new"] != "alarm":
            opened[rule].update(end=at, open=False)
            del opened[rule]
    return spans


def _faults() -> list[dict[str, Any]]:
    """What was injected: name, board, the rules that may report it, start and end."""
    return [
        {"name": "bearing defect", "board": "motor", "rules": ["bearing", "velocity"],
         "start": scenario.MOTOR_FAULT_S, "end": float(scenario.DAY_S)},
        {"name": "door left open", "board": "room",
         "rules": ["door_open", "temp_high", "pattern", "duty"],
         "start": scenario.DOOR_LEFT_OPEN_S[0], "end": scenario.DOOR_LEFT_OPEN_S[1]},
        {"name": "failing compressor", "board": "room", "rules": ["duty", "temp_high", "pattern"],
         "start": scenario.COMPRESSOR_FAILS_S, "end": float(scenario.DAY_S)}]


def _line_figures(run: Any, spans: list[dict[str, Any]]) -> dict[str, Any]:
    """Match every part made with the verdicts: a stop belongs to the part made just before."""
    parts = [event for event in run.events if event["kind"] == "part"]
    bad = [event for event in parts if event["made"] != "good"]
    stops = [span["start"] for span in spans]
    found = [event for event in bad if any(-1 <= s - event["t"] <= 3 for s in stops)]
    named = [event for event in found
             if any(-1 <= s["start"] - event["t"] <= 3 and s["label"] == event["made"]
                    for s in spans)]
    false = [s for s in stops if not any(-1 <= s - event["t"] <= 3 for event in bad)]
    return {"parts": len(parts), "bad": len(bad), "found": len(found), "named": len(named),
            "false_stops": len(false), "stops": len(stops)}


def compute(runs: dict[str, Any], start_s: float, end_s: float) -> dict[str, Any]:
    """All figures of a run between two times of day (seconds)."""
    spans = {name: alarm_spans(run, end_s) for name, run in runs.items()}
    faults, explained = [], []
    for fault in _faults():
        if not start_s <= fault["start"] < end_s:
            continue
        mine = [s for s in spans[fault["board"]]
                if s["rule"] in fault["rules"]
                and fault["start"] <= s["start"] <= fault["end"] + _AFTER_S]
        explained += mine
        first = min((s["start"] for s in mine), default=None)
        faults.append({**fault, "detected": first,
                       "rule": next((s["rule"] for s in mine if s["start"] == first), None),
                       "delay_s": None if first is None else round(first - fault["start"])})
        if fault["board"] == "motor" and first is not None:
            motor = Motor(scenario.SEED, scenario.MOTOR_FAULT_S)
            faults[-1]["severity"] = round(motor.severity(first), 4)
    line = _line_figures(runs["line"], spans["line"])
    false = [s for name in ("motor", "room") for s in spans[name] if s not in explained]
    size = {}
    for name, run in runs.items():
        raw_bytes = run.status["pipelines"][name]["bytes"]["raw"]
        sent_bytes = run.sent_bytes()
        size[name] = {"raw": raw_bytes, "sent": sent_bytes,
                      "ratio": raw_bytes // max(1, sent_bytes)}
    raw = sum(entry["raw"] for entry in size.values())
    sent = sum(entry["sent"] for entry in size.values())
    return {
        "faults": faults, "faults_found": sum(f["detected"] is not None for f in faults),
        "faults_injected": len(faults), "line": line,
        "false_alarms": len(false) + line["false_stops"],
        "false_alarm_list": [[s["board"], s["rule"], s["start"]] for s in false],
        "bytes": {**size, "total": {"raw": raw, "sent": sent, "ratio": raw // max(1, sent)}},
        "alarms": [s for name in spans for s in spans[name]]}


def summary(result: dict[str, Any]) -> str:
    """A few lines for the terminal."""
    lines = []
    for fault in result["faults"]:
        found = "NOT FOUND" if fault["delay_s"] is None else \
            f"found after {fault['delay_s'] / 60:.0f} min by {fault['rule']}"
        lines.append(f"  {fault['name']}: {found}")
    line, total = result["line"], result["bytes"]["total"]
    lines.append(f"  bad parts: {line['found']} of {line['bad']} stopped the line, "
                 f"{line['named']} named rightly, {line['parts']:,} parts made")
    lines.append(f"  false alarms: {result['false_alarms']}")
    lines.append(f"  bytes: {total['raw']:,} raw, {total['sent']:,} sent (1 : {total['ratio']:,})")
    lines.append(f"  {result['seconds']['total']} s, of which training "
                 f"{result['seconds']['training']} s")
    return "\n".join(lines)
