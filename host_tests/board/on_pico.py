# SPDX-License-Identifier: Apache-2.0
"""Runs on the (emulated) Pico: times of whole windows, their steps and the kernels, as JSON.

Times are microseconds by `time.ticks_us`, with the bytecode around the native code and without
the call of the measuring function.
"""

import json
import os
import time
from array import array

from firmware.health import ARTEFACTS, Account
from firmware.loader import load
from firmware.pipeline import Pipeline
from firmware.store import Store
from tocsin.dsp.framing import Framer
from tocsin.kernels import scale
from tocsin.monitor.alarm import Alarm

_PERIOD_MS = 102
_RULE = {
    "side": "high", "limit": 1.5, "warning": 1.0, "dead_band": 0.1, "delay_s": 10,
    "warning_delay_s": None, "cumulative_s": None, "cumulative_window_s": None, "latch": False,
    "data_missing_s": 60, "sensor_fault_s": None, "max_gap_s": None, "suppress": [],
    "suppress_max_s": 3600,
}  # fmt: skip
_SETTINGS = {
    "cold_chain": None,
    "run_gate": None,
    "vibration": {
        "value": "x velocity rms", "zones": [2.8, 7.1, 11.2], "baseline_windows": 8,
        "drift_shift": 6,
    },
}  # fmt: skip


class Sensor:
    """What a pipeline wants to know of a driver."""

    parts = False
    rate_mhz = 2_500_000

    def __init__(self):
        self.channels = [{"name": n, "unit": "g", "scale": 0.0039, "offset": 0.0} for n in "xyz"]


def microseconds(work, times: int = 8) -> float:
    """Mean time of one call of `work()`, without calling it."""
    return round(_loop(work, times) - _loop(_nothing, times), 1)


def _nothing():
    pass


def _loop(work, times):
    start = time.ticks_us()
    for _ in range(times):
        work()
    return time.ticks_diff(time.ticks_us(), start) / times


def pipeline(name: str) -> Pipeline:
    """The firmware's pipeline of /models/NAME with an alarm on the score."""
    sensor = Sensor()
    model = load(Store(os, "/"), name, sensor)
    account = Account(dict.fromkeys(ARTEFACTS, "never"))
    made = Pipeline("motor", _SETTINGS, sensor, model, account, _changed)
    made.watch("score_high", _RULE, "score")
    return made


def _changed(source, alarm, mask):
    """Alarms that change are not what is measured."""


def blocks() -> list:
    """The windows in /windows.bin, interleaved int16, 256 samples of three axes each."""
    size = 2 * 3 * 256
    with open("/windows.bin", "rb") as file:
        data = file.read()
    return [array("h", data[at : at + size]) for at in range(0, len(data), size)]


def whole(path: Pipeline, signals: list) -> list:
    """Microseconds of `feed`, from interleaved samples to the alarm, for each window."""
    found = []
    now = 0
    for block in signals * 2:
        now += _PERIOD_MS
        start = time.ticks_us()
        path.feed(block, 256, now)
        found.append(time.ticks_diff(time.ticks_us(), start))
    return found[len(signals) :]


def steps(path: Pipeline, block) -> dict:
    """Microseconds of each step of a window, on its own."""
    found = {}
    framer = Framer(3, 256, 256)

    def frame():
        framer.feed(block, 0, 256)
        framer.release()

    found["frame"] = microseconds(frame)
    extractor = path.model.extractor
    vector = extractor.vector
    for group in extractor.groups:
        name = type(group).__name__.lower()
        spent = microseconds(lambda group=group: group.run(256, vector))
        if name == "spectral":
            alone = microseconds(group.source.run)
            found["spectrum"] = found.get("spectrum", 0) + alone
            spent -= alone
            name = "bands"
        found[name] = found.get(name, 0) + spent
    _decide(path, vector, found)
    return found


def _decide(path, vector, found):
    """The steps from the vector on."""
    model = path.model
    scorer = model.scorer
    z = array("h", vector)
    alarm = Alarm("score_high", _RULE, 1 / 256)
    table = model.bundle.scaler
    found["scale"] = microseconds(lambda: scale(vector, table, z))
    found["kmeans"] = microseconds(lambda: scorer.kmeans.update(z))
    found["mlp"] = microseconds(lambda: scorer.network.update(z))
    spent = found["scale"] + found["kmeans"] + found["mlp"]
    found["score"] = microseconds(lambda: scorer.score(vector)) - spent
    found["smoothing"] = microseconds(lambda: model.decision.update(scorer.last))
    found["alarm"] = microseconds(lambda: alarm.update(scorer.last, 1000))


def main(name: str) -> None:
    """Print the figures of one model as a line of JSON."""
    path = pipeline(name)
    signals = blocks()
    times = whole(path, signals)
    found = steps(path, signals[0])
    found["rest"] = times[0] - sum(found.values())
    print(json.dumps({"us": times, "steps": found, "features": path.model.bundle.n_features}))
