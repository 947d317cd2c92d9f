# SPDX-License-Identifier: Apache-2.0
"""The same features in float64: what they would be without integer arithmetic.

Same scales as the device's outputs, but neither rounded nor saturated (log2 outputs stop at 0, as
theirs do), so that the cost of the integers can be told from the cost of the features.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tocsin.dsp.moments import KINDS

_WINDOWS = {
    "none": (1.0,),
    "hann": (0.5, 0.5),
    "flattop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
}


def window_table(name: str, length: int) -> np.ndarray:
    """The periodic window function itself, float64 [length]."""
    angle = 2 * np.pi * np.arange(length) / length
    terms = [(-1) ** j * a * np.cos(j * angle) for j, a in enumerate(_WINDOWS[name])]
    return np.sum(terms, axis=0)


def log2_scale(energy: np.ndarray, offset: np.ndarray | float = 0.0) -> np.ndarray:
    """256 * log2(energy) + offset, at least 0; 0 for no energy."""
    with np.errstate(divide="ignore"):
        return np.maximum(256 * np.log2(energy) + offset, 0.0)


def _power(source: Any, frame: np.ndarray) -> np.ndarray:
    """Mean square per bin [bins, windows]; plain squares of a given spectrum."""
    if source.given:
        return frame.astype(np.float64) ** 2
    x = frame[frame.shape[0] - source.length :].astype(np.float64)
    window = window_table(source.window_fn, source.length)[:, None]
    spectrum = np.fft.rfft((x - x.mean(axis=0)) * window, source.n, axis=0)
    return 2 * np.abs(spectrum) ** 2 / (source.n * (window**2).sum())


def spectral(group: Any, x: np.ndarray, count: int, out: np.ndarray) -> None:
    p = _power(group.source, x[group.channel])
    _read_off(group.items, p, 0 if group.source.given else 2048, out)


def envelope(group: Any, x: np.ndarray, count: int, out: np.ndarray) -> None:
    v = x[group.channel].astype(np.float64)
    v -= v.mean(axis=0)
    psi = np.zeros_like(v)
    psi[1:-1] = v[1:-1] ** 2 - v[:-2] * v[2:]
    blocks = len(v) // group.decimation
    means = psi[: blocks * group.decimation].reshape(blocks, group.decimation, -1).mean(axis=1)
    _read_off(group.items, _power(group.source, means), 2048, out)


def _read_off(items: list[Any], p: np.ndarray, zero: int, out: np.ndarray) -> None:
    bins = np.arange(len(p))[:, None]
    for item in items:
        name = type(item).__name__
        if name == "Bands":
            for i in range(item.table[0]):
                band = p[item.table[1 + 2 * i] : item.table[2 + 2 * i]]
                out[item.at + i] = log2_scale(band.sum(axis=0), zero)
        elif name == "Lines":
            first, count = item.weights[:2]
            used = np.array(item.weights[2::2], dtype=bool)
            out[item.at] = log2_scale(p[first : first + count][used].sum(axis=0), zero)
        elif name == "Velocity":
            first, count = item.weights[:2]
            near = slice(first, first + count)
            energy = (p[near] * (first / bins[near]) ** 2).sum(axis=0)
            value = log2_scale(energy, item.offset)
            out[item.at] = 2 ** (value / 512) * (value > 0) if item.rms else value
        else:
            inside = (bins >= item.lo) & (bins < item.hi)
            if item.kind != "centroid":
                peak = item.lo + np.argmax(p[item.lo : item.hi], axis=0)
                inside = np.abs(bins - peak) <= 1
            total = (p * inside).sum(axis=0)
            if item.kind == "peak_log2":
                out[item.at] = log2_scale(total, zero)
            else:
                divisor = np.where(total > 0, total, 1)
                out[item.at] = 16 * (p * inside * bins).sum(axis=0) / divisor


def statistics_of(group: Any) -> list[tuple[str, int, int]]:
    """(kind, index in the vector, fractional bits) of each statistic of a `Moments` group."""
    table = group.table
    return [(KINDS[table[i]], table[i + 1], table[i + 2]) for i in range(1, len(table), 3)]


def moments(group: Any, x: np.ndarray, count: int, out: np.ndarray) -> None:
    frame = x[group.channel]
    frame = (frame[len(frame) - group.n :] if group.n else frame[:count]).astype(np.float64)
    mean = frame.mean(axis=0)
    v = frame - mean
    square = (v**2).mean(axis=0)
    rms = np.sqrt(square)
    safe = np.where(rms > 0, rms, 1.0)
    for kind, at, q in statistics_of(group):
        if kind == "mean":
            value = mean * 2.0**q
        elif kind == "rms":
            value = rms * 2.0**q
        elif kind == "rms_log2":
            value = log2_scale(square, 2048)
        elif kind == "std_log2":
            value = log2_scale(1 + square)
        elif kind == "peak":
            value = np.abs(v).max(axis=0) * 2.0**q
        elif kind == "peak_to_peak":
            value = np.ptp(v, axis=0) * 2.0**q
        elif kind == "crest_factor":
            value = 256 * np.abs(v).max(axis=0) / safe
        elif kind == "skewness":
            value = 256 * (v**3).mean(axis=0) / safe**3
        elif kind == "kurtosis":
            value = 256 * (v**4).mean(axis=0) / safe**4
        else:
            above = frame > mean
            value = (above[1:] != above[:-1]).sum(axis=0)
        out[at] = value


def slow(group: Any, x: np.ndarray, count: int, out: np.ndarray) -> None:
    for item in group.items:
        frame = x[item.channel].astype(np.float64)
        out[item.at] = _SLOW[item.formula.__name__](item, frame, frame[-item.n :])


def _level(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    return newest.mean(axis=0) * 2.0**item.q


def _change(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    start = len(frame) - item.reach
    return (newest.mean(axis=0) - frame[start : start + item.n].mean(axis=0)) * 2.0**item.q


def _deviation(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    return (newest.mean(axis=0) - frame[-item.long :].mean(axis=0)) * 2.0**item.q


def _slope(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    t = np.arange(item.n) - (item.n - 1) / 2
    return (t[:, None] * newest).sum(axis=0) / (t**2).sum() * item.n * 2.0**item.q


def _range(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    return np.ptp(newest, axis=0) * 2.0**item.q


def _duty_cycle(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    sign = 1 if item.on >= item.off else -1
    state = np.zeros(newest.shape[1])
    total = np.zeros(newest.shape[1])
    for v in newest * sign:
        state = np.where(v >= item.on * sign, 1, np.where(v <= item.off * sign, 0, state))
        total += state
    return 4096 * total / item.n


def _time_since_change(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    result = []
    for level in newest.mean(axis=0).tolist():
        if item.fresh or abs(level - item.state) >= item.delta:
            item.fresh, item.state, item.age = False, level, 0
        else:
            item.age += 1
        result.append(item.age)
    return np.array(result)


def _averages(item: Any, newest: np.ndarray) -> np.ndarray:
    """EWMA after, and step before, each update [2, windows]."""
    result = []
    for level in newest.mean(axis=0).tolist():
        if item.fresh:
            item.fresh, item.state = False, level
        step = level - item.state
        item.state += step / 2**item.shift
        result.append((item.state, step))
    return np.array(result).T * 2.0**item.q


def _ewma(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    return _averages(item, newest)[0]


def _ewma_deviation(item: Any, frame: np.ndarray, newest: np.ndarray) -> np.ndarray:
    return _averages(item, newest)[1]


_SLOW = {
    f.__name__: f
    for f in (
        _level, _change, _deviation, _slope, _range, _duty_cycle, _time_since_change, _ewma,
        _ewma_deviation,
    )
}  # fmt: skip


def parts(group: Any, x: np.ndarray, count: int, out: np.ndarray) -> None:
    frame = x[group.channel][:count].astype(np.float64)
    for kind, at, parameter, q in group.items:
        if kind == "block_means":
            for j in range(parameter):
                start = j * count // parameter
                end = max(start + 1, (j + 1) * count // parameter)
                out[at + j] = frame[start:end].mean(axis=0) * 2.0**q
        elif kind == "resample":
            places = np.linspace(0, count - 1, parameter) if parameter > 1 else np.zeros(1)
            low = np.minimum(places.astype(int), max(count - 2, 0))
            high = np.minimum(low + 1, count - 1)
            part = (places - low)[:, None]
            out[at : at + parameter] = frame[low] * (1 - part) + frame[high] * part
        elif kind == "value":
            index = parameter if parameter >= 0 else max(0, count + parameter)
            out[at] = frame[min(index, count - 1)]
        elif kind == "length":
            out[at] = count
        elif kind == "mean_abs_step":
            steps = np.abs(np.diff(frame, axis=0))
            out[at] = steps.mean(axis=0) * 2.0**q if count > 1 else 0.0
        else:
            out[at] = getattr(np, kind)(frame, axis=0)


def images(group: Any, x: np.ndarray, count: int, out: np.ndarray) -> None:
    for kind, at, rows, columns, tile_rows, tile_columns, q in group.items:
        image = x[group.channel][: rows * columns].astype(np.float64).reshape(rows, columns, -1)
        if kind == "image_steps_x":
            image = np.abs(np.diff(image, axis=1))
        elif kind == "image_steps_y":
            image = np.abs(np.diff(image, axis=0))
        for i in range(tile_rows):
            band = image[i * rows // tile_rows : (i + 1) * rows // tile_rows]
            for j in range(tile_columns):
                tile = band[:, j * columns // tile_columns : (j + 1) * columns // tile_columns]
                if not tile.shape[0] * tile.shape[1]:
                    out[at] = 0.0
                elif kind == "image_mins":
                    out[at] = tile.min(axis=(0, 1))
                elif kind == "image_ranges":
                    out[at] = np.ptp(tile, axis=(0, 1))
                else:
                    out[at] = tile.mean(axis=(0, 1)) * 2.0**q
                at += 1


COMPUTE = {
    "Spectral": spectral,
    "Envelope": envelope,
    "Moments": moments,
    "Slow": slow,
    "Parts": parts,
    "Images": images,
}
