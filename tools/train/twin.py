# SPDX-License-Identifier: Apache-2.0
"""The extractor over many windows at once, in numpy, bit-exact with lib/tocsin/dsp.

frames: int16 [windows, window, channels], in the order of time where a feature keeps state (one
call is one series). Groups, tables and scales are the device's own objects; only the loops differ.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from typing import Any

import numpy as np

from tocsin.dsp.features import Extractor

from . import twin_float
from . import twin_kernels as kernels
from .twin_fixed import exp2_q8, isqrt, mean_q, ratio, sat16, shift_round

_ELEMENTS = 65536
_STATE_Q = 13


def frames_of(config: dict[str, Any], series: np.ndarray) -> np.ndarray:
    """Cut int16 [samples, channels] into windows exactly as the device's Framer does.

    Missing samples are held, `prime` fills the first window with the first sample. The result is
    a read-only view [windows, window, channels], without a copy where the series needs no change.
    """
    window, hop = config["window"], config["hop"]
    if hop <= window:
        series = fill_missing(config, series[None])[0]
    if config.get("prime") and hop < window and len(series):
        series = np.concatenate([np.repeat(series[:1], window - hop, axis=0), series])
    if len(series) < window:
        return np.empty((0, window, series.shape[1]), dtype=np.int16)
    views = np.lib.stride_tricks.sliding_window_view(series, window, axis=0)[::hop]
    frames = views.transpose(0, 2, 1)
    if hop <= window:
        return frames
    return fill_missing(config, frames.reshape(1, -1, frames.shape[2])).reshape(frames.shape)


def window_ends(config: dict[str, Any], samples: int) -> np.ndarray:
    """Index of the newest sample of each window that `frames_of` makes of so many samples."""
    window, hop = config["window"], config["hop"]
    first = min(window, hop) if config.get("prime") else window
    return np.arange(first - 1, samples, hop)


def fill_missing(config: dict[str, Any], frames: np.ndarray) -> np.ndarray:
    """Hold the newest good sample over missing ones, per frame; the channel's fill before it."""
    missing = config.get("missing")
    if missing is None:
        return frames
    gone = frames == missing
    if not gone.any():
        return frames
    position = np.arange(frames.shape[1])[None, :, None]
    newest = np.maximum.accumulate(np.where(gone, -1, position), axis=1)
    held = np.take_along_axis(frames, np.maximum(newest, 0), axis=1)
    fill = np.array([c.get("fill", 0) for c in config["channels"]], dtype=np.int16)
    return np.where(newest < 0, fill, held).astype(np.int16)


def extract(
    config: dict[str, Any], frames: np.ndarray, counts: np.ndarray | None = None
) -> np.ndarray:
    """Return int16 [windows, n_features]: for each window what Extractor.extract gives.

    counts: samples of each part (the rest of its frame is its last sample). Missing samples that
    are still in the frames are held per frame. Raises FeatureError for a bad configuration.
    """
    return _extract(config, frames, counts, EXACT, np.int16)


def extract_float(
    config: dict[str, Any], frames: np.ndarray, counts: np.ndarray | None = None
) -> np.ndarray:
    """Return float64 [windows, n_features]: the same features in ideal arithmetic, same scales."""
    return _extract(config, frames, counts, twin_float.COMPUTE, np.float64)


def _extract(
    config: dict[str, Any],
    frames: np.ndarray,
    counts: np.ndarray | None,
    compute: dict[str, Callable[..., None]],
    dtype: type,
) -> np.ndarray:
    extractor = Extractor(config)
    window = config["window"]
    channels = len(config["channels"])
    if frames.ndim != 3 or frames.shape[1:] != (window, channels):
        raise ValueError(
            f"frames of shape {frames.shape}: need [windows, {window}, {channels}] int16"
        )
    out: np.ndarray = np.zeros((extractor.n_features, len(frames)), dtype=dtype)
    step = max(64, _ELEMENTS // window)
    for start in range(0, len(frames), step):
        chunk = fill_missing(config, frames[start : start + step])
        x = np.ascontiguousarray(chunk.transpose(2, 1, 0))
        part = None if counts is None else np.asarray(counts[start : start + step])
        target = out[:, start : start + step]
        for group in extractor.groups:
            function = compute[type(group).__name__]
            if part is None or type(group).__name__ not in ("Moments", "Parts"):
                function(group, x, window, target)
                continue
            for count in np.unique(part):
                chosen = part == count
                piece = target[:, chosen]
                function(group, x[:, :, chosen], int(count), piece)
                target[:, chosen] = piece
    return np.ascontiguousarray(out.T)


def _power(source: Any, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray | int]:
    """Twin of `PowerSpectrum.run` and `GivenSpectrum.run`: p [bins, windows] and the offset."""
    if source.given:
        wide = frame.astype(np.int64)
        return np.minimum(wide * wide, (1 << 30) - 1), -2048
    tail = frame[frame.shape[0] - source.length :]
    p, exponent = kernels.spectrum(tail, source.window, _plan(source))
    return p, (exponent.astype(np.int64) << 8) + source.scale


def _plan(source: Any) -> kernels.Plan:
    if not hasattr(source, "numpy_plan"):
        source.numpy_plan = kernels.Plan(source.plan)
    return source.numpy_plan


def _spectral(group: Any, x: np.ndarray, count: int, out: np.ndarray) -> None:
    p, offset = _power(group.source, x[group.channel])
    _read_off(group.items, p, offset, out)


def _envelope(group: Any, x: np.ndarray, count: int, out: np.ndarray) -> None:
    envelope, exponent = kernels.teager(x[group.channel], group.decimation)
    p, offset = _power(group.source, envelope)
    _read_off(group.items, p, offset + (exponent.astype(np.int64) << 9), out)


def _read_off(items: list[Any], p: np.ndarray, offset: np.ndarray | int, out: np.ndarray) -> None:
    """Twin of the `run` methods of what reads a power spectrum p [bins, windows]."""
    for item in items:
        name = type(item).__name__
        if name == "Bands":
            bands = kernels.band_log2(p, item.table, offset + 2048)
            out[item.at : item.at + item.table[0]] = bands
        elif name == "Lines":
            out[item.at] = kernels.weighted_log2(p, item.weights, offset + 2048)
        elif name == "Velocity":
            value = kernels.weighted_log2(p, item.weights, offset + item.offset).astype(np.int64)
            if item.rms:
                value = np.where(value > 0, np.minimum(exp2_q8(value >> 1), 32767), 0)
            out[item.at] = value
        elif item.kind == "centroid":
            out[item.at] = sat16(kernels.centroid(p, item.lo, item.hi))
        else:
            out[item.at] = _peak(item, p, offset)


def _peak(item: Any, p: np.ndarray, offset: np.ndarray | int) -> np.ndarray:
    """The strongest line with its neighbours: one small spectrum per window."""
    result = np.empty(p.shape[1], dtype=np.int64)
    peak = kernels.peak_bin(p, item.lo, item.hi)
    for bin_ in np.unique(peak):
        chosen = peak == bin_
        lo, hi = max(int(bin_) - 1, 0), min(int(bin_) + 2, item.bins)
        if item.kind == "peak_frequency":
            result[chosen] = sat16(kernels.centroid(p[:, chosen], lo, hi))
        else:
            part = offset[chosen] if isinstance(offset, np.ndarray) else offset
            table = array("h", [1, lo, hi])
            result[chosen] = kernels.band_log2(p[:, chosen], table, part + 2048)[0]
    return result


def _moments(group: Any, x: np.ndarray, count: int, out: np.ndarray) -> None:
    frame = x[group.channel]
    frame = frame[len(frame) - group.n :] if group.n else frame[:count]
    raw = kernels.moments(frame).astype(np.int64)
    squares = (raw[7] << 15) + raw[8]
    cubes = (raw[9] << 15) + raw[10]
    fourths = (raw[11] << 15) + raw[12]
    n, s, varies = raw[0], raw[5], squares > 0
    log2 = kernels.log2_q8(squares) - kernels.log2_q8(n)
    t = (28 - (log2 >> 8)) >> 1
    mean_square = ratio(squares, n, 2 * t)
    root = isqrt(mean_square)
    for kind, at, q in twin_float.statistics_of(group):
        if kind == "mean":
            out[at] = sat16((raw[1] << q) + shift_round(raw[2], 14 - q))
            continue
        if kind == "rms":
            value = shift_round(root, np.minimum(t + s - q, 20))
        elif kind == "rms_log2":
            value = np.maximum(0, log2 - (s << 9) + 2048)
        elif kind == "std_log2":
            small = kernels.log2_q8(256 + ratio(squares, n, 8 - 2 * s)) - 2048
            value = np.where(log2 - (s << 9) > 20 << 8, log2 - (s << 9), small)
        elif kind == "peak":
            value = shift_round(raw[13], s - q)
        elif kind == "peak_to_peak":
            value = shift_round(raw[4] - raw[3], -q)
        elif kind == "crest_factor":
            value = isqrt(ratio(raw[13] * raw[13] * n, squares, 16))
        elif kind == "skewness":
            value = ratio(ratio(np.abs(cubes), squares, 28), root, t - 7) * np.sign(cubes)
        elif kind == "kurtosis":
            value = ratio(ratio(fourths, squares, 26), mean_square, 8 + 2 * t)
        else:
            value = raw[6]
        out[at] = sat16(np.where(varies, value, 0))


def _slow(group: Any, x: np.ndarray, count: int, out: np.ndarray) -> None:
    for item in group.items:
        frame = x[item.channel]
        out[item.at] = sat16(_SLOW[item.formula.__name__](item, frame, frame[-item.n :]))


def _level(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    return mean_q(newest.sum(axis=0, dtype=np.int64), item.n, item.q)


def _change(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    start = len(frame) - item.reach
    older = frame[start : start + item.n].sum(axis=0, dtype=np.int64)
    return _level(item, frame, newest) - mean_q(older, item.n, item.q)


def _deviation(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    older = frame[-item.long :].sum(axis=0, dtype=np.int64)
    return _level(item, frame, newest) - mean_q(older, item.long, item.q)


def _slope(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    m = len(item.blocks)
    blocks = kernels.block_means(newest, m).astype(np.int64)
    weights = 2 * np.arange(m) + 1 - m
    return mean_q(6 * (weights[:, None] * blocks).sum(axis=0), m * m - 1, item.q)


def _range(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    return shift_round(newest.max(axis=0).astype(np.int64) - newest.min(axis=0), -item.q)


def _on(item: Any, newest: np.ndarray) -> np.ndarray:
    """How many samples are on, by the hysteresis; off before the first."""
    sign = 1 if item.on >= item.off else -1
    v = newest.astype(np.int64) * sign
    decided = np.where(v >= item.on * sign, 1, np.where(v <= item.off * sign, 0, -1))
    rows = np.arange(len(v))[:, None]
    last = np.maximum.accumulate(np.where(decided >= 0, rows, -1), axis=0)
    state = np.take_along_axis(decided, np.maximum(last, 0), axis=0)
    return np.where(last < 0, 0, state).sum(axis=0)


def _duty_cycle(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    return mean_q(_on(item, newest), item.n, 12)


def _ages(item: Any, levels: np.ndarray) -> np.ndarray:
    """Windows since the level moved; the item keeps the state from chunk to chunk."""
    result = np.empty(len(levels), dtype=np.int64)
    for i, level in enumerate(levels.tolist()):
        if item.fresh or abs(level - item.state) >= item.delta:
            item.fresh, item.state, item.age = False, level, 0
        elif item.age < 32767:
            item.age += 1
        result[i] = item.age
    return result


def _time_since_change(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    return _ages(item, _level(item, frame, newest))


def _averages(item: Any, newest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """EWMA state after, and step before, each update, both Q13."""
    levels = mean_q(newest.sum(axis=0, dtype=np.int64), item.n, _STATE_Q)
    states = np.empty_like(levels)
    steps = np.empty_like(levels)
    half = 1 << (item.shift - 1)
    for i, level in enumerate(levels.tolist()):
        if item.fresh:
            item.fresh, item.state = False, level
        step = level - item.state
        item.state += (step + half) >> item.shift
        states[i], steps[i] = item.state, step
    return states, steps


def _ewma(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    return shift_round(_averages(item, newest)[0], _STATE_Q - item.q)


def _ewma_deviation(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    return shift_round(_averages(item, newest)[1], _STATE_Q - item.q)


_SLOW = {
    f.__name__: f
    for f in (
        _level, _change, _deviation, _slope, _range, _duty_cycle, _time_since_change, _ewma,
        _ewma_deviation,
    )
}  # fmt: skip


def _parts(group: Any, x: np.ndarray, count: int, out: np.ndarray) -> None:
    frame = x[group.channel][:count]
    for kind, at, parameter, q in group.items:
        if kind == "block_means":
            starts = np.arange(parameter) * count // parameter
            ends = np.maximum(starts + 1, np.arange(1, parameter + 1) * count // parameter)
            for j in range(parameter):
                total = frame[starts[j] : ends[j]].sum(axis=0, dtype=np.int64)
                out[at + j] = sat16(mean_q(total, int(ends[j] - starts[j]), q))
        elif kind == "resample":
            out[at : at + parameter] = kernels.resample(frame, parameter)
        elif kind == "value":
            index = parameter if parameter >= 0 else max(0, count + parameter)
            out[at] = frame[min(index, count - 1)]
        elif kind == "length":
            out[at] = count
        elif kind == "mean_abs_step":
            steps = np.abs(np.diff(frame.astype(np.int64), axis=0)).sum(axis=0)
            out[at] = sat16(mean_q(steps, count - 1, q)) if count > 1 else 0
        else:
            out[at] = getattr(np, kind)(frame, axis=0)


def _images(group: Any, x: np.ndarray, count: int, out: np.ndarray) -> None:
    for kind, at, rows, columns, tile_rows, tile_columns, q in group.items:
        image = x[group.channel][: rows * columns].astype(np.int64).reshape(rows, columns, -1)
        if kind == "image_steps_x":
            image = np.abs(np.diff(image, axis=1))
        elif kind == "image_steps_y":
            image = np.abs(np.diff(image, axis=0))
        for i in range(tile_rows):
            band = image[i * rows // tile_rows : (i + 1) * rows // tile_rows]
            for j in range(tile_columns):
                tile = band[:, j * columns // tile_columns : (j + 1) * columns // tile_columns]
                out[at] = sat16(_tile(kind, tile, q))
                at += 1


def _tile(kind: str, tile: np.ndarray, q: int) -> np.ndarray:
    size = tile.shape[0] * tile.shape[1]
    if not size:
        return np.zeros(tile.shape[2], dtype=np.int64)
    if kind == "image_mins":
        return tile.min(axis=(0, 1))
    if kind == "image_ranges":
        return tile.max(axis=(0, 1)) - tile.min(axis=(0, 1))
    return mean_q(tile.sum(axis=(0, 1)), size, q)


EXACT = {
    "Spectral": _spectral,
    "Envelope": _envelope,
    "Moments": _moments,
    "Slow": _slow,
    "Parts": _parts,
    "Images": _images,
}


def bench(seconds: float = 2.0) -> dict[str, float]:
    """Windows of 256 samples per CPU second of one core, through 16 bands and six moments."""
    kinds = ("rms_log2", "crest_factor", "skewness", "kurtosis", "zero_crossings", "peak_to_peak")
    features: list[dict[str, Any]] = [{"kind": kind, "channel": 0} for kind in kinds]
    edges = [edge for i in range(16) for edge in (8 * i + (i == 0), 8 * i + 8)]
    features.insert(
        0, {"kind": "band_log2", "channel": 0, "n": 256, "window_fn": "hann", "edges": edges}
    )
    config = {"window": 256, "hop": 256, "channels": [{"name": "x"}], "features": features}
    noise = np.random.default_rng(1).normal(0, 3000, (8192, 256, 1)).astype(np.int16)
    extract(config, noise[:512])
    windows, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        extract(config, noise)
        windows += len(noise)
    return {"windows_per_s": windows / (time.process_time() - start)}


if __name__ == "__main__":
    print(f"{bench()['windows_per_s']:.0f} windows of 256 samples per second on one core")
