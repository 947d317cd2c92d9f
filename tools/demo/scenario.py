# SPDX-License-Identifier: Apache-2.0
"""The demonstration's site: three boards, what they watch, and what goes wrong on that day."""

from typing import Any

UTC_START = 1_772_409_600            # Monday 2026-03-02, 00:00
DAY_S = 86_400
SEED = 7

MOTOR_FAULT_S = 12 * 3600.0
DOOR_LEFT_OPEN_S = (15.5 * 3600, 15.9 * 3600)
COMPRESSOR_FAILS_S = 18 * 3600.0
BAD_PARTS = [
    (25_500, "short"), (29_700, "tilted"), (33_900, "cracked"), (38_400, "tilted"),
    (46_800, "short"), (50_400, "cracked"), (52_200, "tilted"), (52_300, "tilted"),
    (52_500, "tilted"), (59_400, "cracked"), (66_000, "short"), (73_200, "tilted"),
]

STOP_PIN = 15
ACK_AFTER_S = 60                     # the operator takes a bad part away and acknowledges

_SINK = [{"driver": "file", "max_bytes": 1_000_000, "files": 2}]
_PLACEMENT = {"raw": "never", "features": "never", "scores": "on_alarm", "alarms": "always",
              "summaries": "always"}


def _config(name: str, pipeline: dict[str, Any], alarms: dict[str, Any],
            outputs: dict[str, Any]) -> dict[str, Any]:
    pipeline = {"placement": _PLACEMENT, **pipeline}
    return {"version": 1, "device": {"id": name, "site": "demo"}, "pipelines": {name: pipeline},
            "alarms": alarms, "outputs": outputs, "sinks": _SINK}


def motor() -> dict[str, Any]:
    """Board 1: bursts of two windows every two minutes, scored while the motor runs."""
    return _config("motor", {
        "sensor": {"driver": "plant"}, "model": "motor.tcb", "summary_every_s": 3600,
        "schedule": {"every_s": 120, "windows": 2},
        "run_gate": {"source": "x rms log2", "on": -15.5, "off": -16.5},
        "vibration": {"value": "x velocity rms", "zones": [1.12, 2.8, 7.1],
                      "baseline_windows": 60}}, {
        "bearing": {"source": "motor.score", "side": "high", "limit": 1.5, "warning": 1.2,
                    "delay_s": 480, "dead_band": 0.2},
        "velocity": {"source": "motor.x velocity rms", "side": "high", "limit": 2.8,
                     "delay_s": 240, "dead_band": 0.1}},
        {"lamp": {"driver": "led", "pin": 25, "alarms": ["bearing", "velocity"]}})


def room() -> dict[str, Any]:
    """Board 2: probe, door, compressor and defrost contact every ten seconds."""
    return _config("room", {
        "sensor": {"driver": "plant", "period_ms": 10_000}, "model": "room.tcb",
        "summary_every_s": 3600,
        "cold_chain": {"temperature": "temperature", "humidity": "humidity", "mkt_h": 24,
                       "door": {"input": "door"},
                       "defrost": {"input": "defrost", "start": 6.0, "end": 5.0, "max_s": 3600},
                       "compressor": {"input": "compressor", "on": 1, "window_s": 3600}}}, {
        "temp_high": {"source": "room.temperature", "side": "high", "limit": 8.0,
                      "delay_s": 900, "dead_band": 0.5, "suppress": ["defrost"]},
        "temp_low": {"source": "room.temperature", "side": "low", "limit": 2.0, "delay_s": 600,
                     "dead_band": 0.3},
        "door_open": {"source": "room.door_open_s", "side": "high", "limit": 240},
        "pattern": {"source": "room.score", "side": "high", "limit": 1.0, "delay_s": 600,
                    "dead_band": 0.2, "suppress": ["defrost"]},
        "duty": {"source": "room.duty", "side": "high", "limit": 0.85, "delay_s": 300,
                 "dead_band": 0.05}},
        {"siren": {"driver": "relay", "pin": 14, "alarms": ["temp_high", "temp_low"]},
         "lamp": {"driver": "led", "pin": 25, "alarms": ["door_open", "pattern", "duty"]}})


def line() -> dict[str, Any]:
    """Board 3: a verdict per part; a bad one stops the line until somebody acknowledges."""
    return _config("line", {
        "sensor": {"driver": "plant", "stop_pin": STOP_PIN}, "model": "line.tcb",
        "summary_every_s": 3600}, {
        "bad_part": {"source": "line.bad", "side": "high", "limit": 1, "data_missing_s": None}},
        {"stop": {"driver": "relay", "pin": STOP_PIN, "alarms": ["bad_part"], "latch": True}})


def boards(hours: float = 24.0, start_s: float = 0.0) -> dict[str, dict[str, Any]]:
    """name -> {"config", "spec"}: what to deploy and how to run it (see emulator/board.py)."""
    plants = {
        "motor": {"kind": "motor", "seed": SEED, "fault_at_s": MOTOR_FAULT_S},
        "room": {"kind": "room", "seed": SEED, "scenario": {
            "door_left_open": list(DOOR_LEFT_OPEN_S),
            "compressor_fails_at": COMPRESSOR_FAILS_S}},
        "line": {"kind": "press", "seed": SEED,
                 "bad": [entry for entry in BAD_PARTS if entry[0] >= start_s]}}
    configs = {"motor": motor(), "room": room(), "line": line()}
    result = {}
    for name, plant in plants.items():
        spec = {"name": name, "utc": UTC_START + int(start_s), "plant": plant, "pins": [14, 15],
                "plant_start_s": start_s, "end_s": hours * 3600, "watch_s": 60, "ulab": True}
        if name == "line":
            spec["operator"] = {"ack_after_s": ACK_AFTER_S}
        result[name] = {"config": configs[name], "spec": spec}
    return result
