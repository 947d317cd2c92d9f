# SPDX-License-Identifier: Apache-2.0
"""Runs on the (emulated) Pico: times of whole windows, their steps, kernels and ulab, as JSON.

Times are microseconds by `time.ticks_us`, with the bytecode around the native code and without
the call of the measuring function.
"""

import gc
import json
import os
import time
from array import array

from firmware.health import ARTEFACTS, Account
from firmware.loader import load
from firmware.pipeline import Pipeline
from firmware.store import Store
from tocsin import kernels as k
from tocsin.dsp.framing import Framer
from tocsin.dsp.windows import make_window
from tocsin.kernels.plan import REMOVE_MEAN, make_plan
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
    """Mean time of one call of `work()`, without calling it; the first call loads its kernel."""
    work()
    gc.collect()
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
    _settle()
    return made


def _settle():
    """What follows allocates nothing that stays: no collection comes in between."""
    gc.threshold(-1)
    gc.collect()


def _changed(source, alarm, mask):
    """Alarms that change are not what is measured."""


def blocks() -> list:
    """The windows in /windows.bin, interleaved int16, 256 samples of three axes each."""
    size = 2 * 3 * 256
    with open("/windows.bin", "rb") as file:
        data = file.read()
    return [array("h", data[at : at + size]) for at in range(0, len(data), size)]


def whole(path: Pipeline, signals: list) -> list:
    """Microseconds of `feed`, from interleaved samples to the alarm, for each window.

    The filters are full and the baseline is learnt by then.
    """
    found = [0] * len(signals)
    now = 0
    for _ in range(3):
        for i in range(len(signals)):
            now += _PERIOD_MS
            start = time.ticks_us()
            path.feed(signals[i], 256, now)
            found[i] = time.ticks_diff(time.ticks_us(), start)
    return found


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
    table = scorer._scaler
    found["scale"] = microseconds(lambda: k.scale(vector, table, z))
    found["kmeans"] = microseconds(lambda: scorer.kmeans.update(z))
    found["mlp"] = microseconds(lambda: scorer.network.update(z))
    spent = found["scale"] + found["kmeans"] + found["mlp"]
    found["score"] = microseconds(lambda: scorer.score(vector)) - spent
    found["smoothing"] = microseconds(lambda: model.decision.update(scorer.last))
    found["alarm"] = microseconds(lambda: alarm.update(scorer.last, 1000))


def window(name: str) -> None:
    """Print the figures of one model as a line of JSON."""
    path = pipeline(name)
    signals = blocks()
    times = whole(path, signals)
    found = steps(path, signals[0])
    found["rest"] = times[0] - sum(found.values())
    print(json.dumps({"us": times, "steps": found, "features": path.model.extractor.n_features}))


def _noise(n):
    """Samples that look random, the same everywhere."""
    values, state = array("h", bytes(2 * n)), 1
    for i in range(n):
        state = state * 75 % 65537
        values[i] = (state - 32768) // 8
    return values


def kernels() -> None:
    """Print microseconds of each kernel, called from bytecode, as a line of JSON."""
    found = {}
    _settle()
    for n in (256, 1024):
        _on_samples(n, found)
    _on_models(found)
    print(json.dumps(found))


def _on_samples(n, found):
    """Kernels that work on n samples or their spectrum."""
    x, table, plan = _noise(n), make_window("hann", n, n), make_plan(n, n, REMOVE_MEAN)
    work, half, raw = k.make_work(n), array("h", bytes(n)), array("i", bytes(64))
    vector = array("h", bytes(64))
    edges = array("h", [16])
    for i in range(16):
        edges.extend(array("h", [i * n // 32, (i + 1) * n // 32]))
    rows = array("h", [4, 2, 0, 0, 6, 1, 0, 7, 2, 0, 8, 3, 0])
    spec, block = array("h", [3, n, 0]), _noise(3 * n)
    for name, call in (
        ("rfft", lambda: k.rfft(x, table, plan, work)),
        ("spectrum", lambda: k.spectrum(x, table, plan, work)),
        ("band_log2", lambda: k.band_log2(work, edges, 0, vector)),
        ("moments", lambda: k.moments(x, n, raw)),
        ("statistics", lambda: k.statistics(raw, rows, vector)),
        ("teager", lambda: k.teager(x, 8, half, n)),
        ("deinterleave", lambda: k.deinterleave(block, 0, spec, x)),
    ):
        found["%s_%d" % (name, n)] = microseconds(call)


def _on_models(found):
    """Kernels of the models."""
    vector, words = array("h", bytes(64)), array("i", bytes(64))
    scaler = array("h", [16] + [0, 100, 7] * 16)
    found["scale_16"] = microseconds(lambda: k.scale(vector, scaler, vector))
    clusters, centroids = array("i", [8, 16, 0, 0] + [16384] * 8), array("h", bytes(256))
    found["kmeans_16x8"] = microseconds(lambda: k.kmeans(vector, centroids, clusters, words))
    layer = array("i", [128, 128, 0, -128, 127, 0, 0, 0] + [100, 16384, 0, -7] * 128)
    weights, y = array("b", bytes(128 * 128)), array("b", bytes(128))
    found["fc_s8_128x128"] = microseconds(lambda: k.fc_s8(y, weights, layer, y))


def ulab() -> None:
    """Print microseconds of ulab's FFT and ours (mean, window, block exponent) per size, as JSON.

    {} where the image has no ulab.
    """
    found = {}
    try:
        from ulab import numpy
    except ImportError:
        numpy = None
    _settle()
    if numpy is not None:
        for n in (256, 1024):
            found[str(n)] = _against(numpy, n)
    print(json.dumps(found))


def _against(numpy, n):
    x, table, plan = _noise(n), make_window("hann", n, n), make_plan(n, n, REMOVE_MEAN)
    work = k.make_work(n)
    samples = numpy.array(x)
    theirs = microseconds(lambda: numpy.fft.fft(samples), 3)
    return {"ulab_us": theirs, "rfft_us": microseconds(lambda: k.rfft(x, table, plan, work))}
