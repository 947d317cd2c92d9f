# SPDX-License-Identifier: Apache-2.0
"""Captures in: CSV, Edge Impulse data-acquisition JSON and .npy become int16 recordings.

CSV: the first line may name the columns; a column called time (or timestamp, time_s, time_ms, ...)
gives the rate; an empty cell is a missing sample. Edge Impulse: the `payload` of its acquisition
format (device_name, interval_ms, sensors, values); a signature is kept out of account. .npy:
numbers [n_samples] or [n_samples, n_channels]; int16 stays as it is.
"""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.datasets import Channel, DataSet, DataSetError, Recording, is_data_set, load

MISSING = -32768
_FULL = 32000
_SLOW_S = 0.5
_TIME_UNITS = {
    "time": 1.0,
    "timestamp": 1.0,
    "t": 1.0,
    "time_s": 1.0,
    "seconds": 1.0,
    "s": 1.0,
    "time_ms": 1e-3,
    "timestamp_ms": 1e-3,
    "ms": 1e-3,
    "time_us": 1e-6,
}

Floats = npt.NDArray[np.float64]


class CaptureError(DataSetError):
    """A capture that cannot be read; the message names the file and the line."""


@dataclass(frozen=True)
class Capture:
    """Physical values [n, channels] (NaN = missing sample), or stored int16 kept as they are."""

    name: str
    columns: tuple[tuple[str, str], ...]
    values: npt.NDArray[Any]
    interval_s: float | None = None
    times: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Labels:
    """What every recording of an import has in common."""

    kind: str = "operations"
    split: str = "train"
    label: str | None = None
    group: str = "all"


def read(path: Path) -> Capture:
    """Read one capture by its file name. Raises CaptureError."""
    readers = {".csv": read_csv, ".json": read_edge_impulse, ".npy": read_npy}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise CaptureError(f"{path}: unknown kind of file; give .csv, .json or .npy")
    try:
        return reader(path)
    except FileNotFoundError:
        raise CaptureError(f"{path} does not exist; check the name") from None
    except UnicodeDecodeError:
        raise CaptureError(f"{path} is not UTF-8 text; export it again") from None


def read_csv(path: Path) -> Capture:
    """Read a CSV file. Raises CaptureError with the line of the first bad cell."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        sample = file.read(4096)
        file.seek(0)
        delimiter = max(",;\t", key=sample.split("\n")[0].count)
        rows = [
            (number, row)
            for number, row in enumerate(csv.reader(file, delimiter=delimiter), 1)
            if any(cell.strip() for cell in row)
        ]
    if not rows:
        raise CaptureError(f"{path} is empty; record at least one sample")
    names = [f"ch{i}" for i in range(len(rows[0][1]))]
    if not all(_is_number(cell) for cell in rows[0][1]):
        names = [cell.strip() or f"ch{i}" for i, cell in enumerate(rows[0][1])]
        rows = rows[1:]
    if not rows:
        raise CaptureError(f"{path} has column names but no samples; record some")
    time_column = next((i for i, n in enumerate(names) if _time_unit(n) is not None), None)
    table = np.empty((len(rows), len(names)))
    for at, (number, row) in enumerate(rows):
        if len(row) != len(names):
            raise CaptureError(
                f"{path} line {number}: {len(row)} cells, but {len(names)} columns; correct it"
            )
        for i, cell in enumerate(row):
            table[at, i] = _cell(cell, i == time_column, f"{path} line {number}, {names[i]}")
    seconds = None
    if time_column is not None:
        unit = _time_unit(names[time_column]) or 1.0
        seconds = _seconds(table[:, time_column] * unit, [n for n, _ in rows], path)
        table = np.delete(table, time_column, axis=1)
        names = names[:time_column] + names[time_column + 1 :]
    if not names:
        raise CaptureError(f"{path} has a time column only; add a channel")
    interval, times = _timing(seconds)
    return Capture(path.stem, tuple(_unit(n) for n in names), table, interval, times)


def _is_number(cell: str) -> bool:
    """A number, an empty cell or a time: what a sample row may hold."""
    if not cell.strip():
        return True
    try:
        float(cell)
    except ValueError:
        return _iso(cell) is not None
    return True


def _iso(cell: str) -> float | None:
    try:
        moment = datetime.fromisoformat(cell.strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def _time_unit(name: str) -> float | None:
    return _TIME_UNITS.get(name.strip().lower())


def _cell(cell: str, is_time: bool, where: str) -> float:
    text = cell.strip()
    if not text and not is_time:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        moment = _iso(text) if is_time else None
        if moment is None:
            raise CaptureError(f"{where}: {text!r} is not a number; correct the cell") from None
        return moment
    if not math.isfinite(value):
        raise CaptureError(f"{where}: {text} is not finite; leave a missing sample's cell empty")
    return value


def _seconds(seconds: Floats, numbers: Sequence[int], path: Path) -> Floats:
    back = np.flatnonzero(np.diff(seconds) < 0)
    if len(back):
        raise CaptureError(
            f"{path} line {numbers[int(back[0]) + 1]}: time runs backwards; sort the samples"
        )
    return seconds


def _timing(seconds: Floats | None) -> tuple[float | None, npt.NDArray[np.int64] | None]:
    """The interval, and whole UTC seconds where the steps are irregular."""
    if seconds is None or len(seconds) < 2:
        return None, None
    steps = np.diff(seconds)
    interval = float(np.median(steps))
    if interval <= 0:
        return None, None
    if interval >= _SLOW_S and np.abs(steps - interval).max() > 0.25 * interval:
        return interval, np.round(seconds).astype(np.int64)
    return float((seconds[-1] - seconds[0]) / (len(seconds) - 1)), None


def _unit(name: str) -> tuple[str, str]:
    """A column name like `temperature [degC]` or `temperature (degC)` as name and unit."""
    for opening, closing in ("[]", "()"):
        if name.endswith(closing) and opening in name:
            head, unit = name[:-1].rsplit(opening, 1)
            return head.strip(), unit.strip()
    return name, ""


def read_edge_impulse(path: Path) -> Capture:
    """Read the Edge Impulse data-acquisition JSON. Raises CaptureError."""
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise CaptureError(f"{path}: not valid JSON ({error}); export it again") from None
    payload = whole.get("payload") if isinstance(whole, dict) else None
    if not isinstance(payload, dict):
        raise CaptureError(f"{path} has no payload; give an Edge Impulse acquisition file")
    sensors, rows = payload.get("sensors"), payload.get("values")
    interval = payload.get("interval_ms")
    if not isinstance(sensors, list) or not sensors or not isinstance(rows, list) or not rows:
        raise CaptureError(f"{path}: payload needs sensors and values; export it again")
    if isinstance(interval, bool) or not isinstance(interval, (int, float)) or not interval > 0:
        raise CaptureError(f"{path}: interval_ms is {interval!r}; give milliseconds above 0")
    columns = tuple(
        (str(s.get("name", f"ch{i}")), str(s.get("units", "")))
        for i, s in enumerate(sensors)
        if isinstance(s, dict)
    )
    table = np.empty((len(rows), len(columns)))
    for at, row in enumerate(rows):
        cells = row if isinstance(row, list) else [row]
        if len(cells) != len(columns):
            raise CaptureError(
                f"{path}: values[{at}] has {len(cells)} numbers, but there are {len(columns)} "
                "sensors; correct it"
            )
        for i, cell in enumerate(cells):
            good = isinstance(cell, (int, float)) and not isinstance(cell, bool)
            if not good or not math.isfinite(cell):
                raise CaptureError(
                    f"{path}: values[{at}] of {columns[i][0]} is {cell!r}, not a finite "
                    "number; correct it"
                )
            table[at, i] = cell
    return Capture(path.stem, columns, table, interval / 1000)


def read_npy(path: Path) -> Capture:
    """Read numbers [n] or [n, channels] from a .npy file. Raises CaptureError."""
    try:
        values = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise CaptureError(
            f"{path}: not a readable .npy file ({error}); export it again"
        ) from None
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or values.size == 0 or values.dtype.kind not in "iuf":
        raise CaptureError(
            f"{path}: {values.dtype} {list(values.shape)}; numbers [samples, channels] are needed"
        )
    if values.dtype.kind == "f":
        bad = np.argwhere(np.isinf(values))
        if len(bad):
            raise CaptureError(
                f"{path} sample {bad[0][0]}, channel {bad[0][1]}: infinite; correct it"
            )
        nan = np.argwhere(np.isnan(values))
        if len(nan):
            raise CaptureError(f"{path} sample {nan[0][0]}, channel {nan[0][1]}: NaN; correct it")
    columns = tuple((f"ch{i}", "") for i in range(values.shape[1]))
    if values.dtype != np.int16:
        values = values.astype(np.float64)
    return Capture(path.stem, columns, values)


def nice_scale(low: float, high: float) -> tuple[float, float]:
    """Scale of 1, 2 or 5 times a power of ten and offset that put low..high into int16."""
    offset = 0.0
    reach = max(abs(low), abs(high))
    if high - low < reach / 4:
        step = 10.0 ** math.floor(math.log10(max(high - low, reach * 1e-4, 1e-9)))
        offset = round((low + high) / 2 / step) * step
        reach = max(high - offset, offset - low)
    need = max(reach, 1e-9) / _FULL
    decade = 10.0 ** math.floor(math.log10(need))
    factor = next(f for f in (1, 2, 5, 10) if f * decade >= need * (1 - 1e-9))
    return float(f"{factor * decade:.6g}"), float(f"{offset:.9g}")


def choose_channels(
    captures: Sequence[Capture], scale: float | None = None
) -> tuple[Channel, ...]:
    """One scale and offset per channel for all captures together."""
    first = captures[0]
    for capture in captures[1:]:
        if [n for n, _ in capture.columns] != [n for n, _ in first.columns]:
            raise CaptureError(
                f"{capture.name} has channels {', '.join(n for n, _ in capture.columns)}, but "
                f"{first.name} has {', '.join(n for n, _ in first.columns)}; import them apart"
            )
    channels = []
    for i, (name, unit) in enumerate(first.columns):
        if all(c.values.dtype == np.int16 for c in captures):
            channels.append(Channel(name, unit, scale or 1.0))
            continue
        values = np.concatenate([np.asarray(c.values[:, i], np.float64) for c in captures])
        known = values[~np.isnan(values)]
        if not len(known):
            raise CaptureError(f"channel {name} has no samples at all; leave the column out")
        low, high = float(known.min()), float(known.max())
        channels.append(Channel(name, unit, *((scale, 0.0) if scale else nice_scale(low, high))))
    return tuple(channels)


def quantise(capture: Capture, channels: Sequence[Channel]) -> npt.NDArray[np.int16]:
    """Stored int16 samples of a capture. Raises CaptureError where a value does not fit."""
    if capture.values.dtype == np.int16:
        return np.asarray(capture.values, np.int16)
    scale = np.array([c.scale for c in channels])
    offset = np.array([c.offset for c in channels])
    stored = np.round((capture.values - offset) / scale)
    over = np.argwhere(np.abs(np.nan_to_num(stored)) > 32767)
    if len(over):
        at, i = over[0]
        raise CaptureError(
            f"{capture.name} sample {at}: {channels[i].name} = {capture.values[at, i]:g} does not "
            f"fit the scale {channels[i].scale:g}; use a larger one"
        )
    return np.where(np.isnan(stored), MISSING, stored).astype(np.int16)


def data_set(
    captures: Sequence[Capture],
    labels: Labels,
    rate_hz: float | None = None,
    scale: float | None = None,
    name: str = "capture",
    channels: Sequence[Channel] | None = None,
) -> DataSet:
    """An in-memory data set of captures that belong together, stored as `channels` says."""
    found = choose_channels(captures, scale)
    channels = found if channels is None or len(channels) != len(found) else tuple(channels)
    interval = 1 / rate_hz if rate_hz else captures[0].interval_s
    for capture in captures:
        if not rate_hz and capture.interval_s and interval:
            if abs(capture.interval_s - interval) > 0.02 * interval:
                raise CaptureError(
                    f"{capture.name} has an interval of {capture.interval_s:g} s, "
                    f"{captures[0].name} of {interval:g} s; import them apart"
                )
    recordings = tuple(
        Recording(
            c.name, quantise(c, channels), labels.split, labels.label, labels.group, times=c.times
        )
        for c in captures
    )
    gone = any((r.samples == MISSING).any() for r in recordings)
    slow = interval is not None and interval >= _SLOW_S
    task = "events" if slow and labels.label is None else "anomaly"
    if labels.label not in (None, "normal", "anomalous"):
        task = "classification"
    return DataSet(
        name=name,
        kind=labels.kind,
        task=task,
        channels=tuple(channels),
        recordings=recordings,
        domain="slow" if slow else "waveform",
        rate_hz=float(f"{1 / interval:.9g}") if interval and not slow else None,
        interval_s=float(f"{interval:.9g}") if interval and slow else None,
        missing=MISSING if gone else None,
    )


def open_any(path: Path, kind: str = "operations") -> DataSet:
    """A data set folder, or a single capture as a data set with one training recording."""
    if path.is_dir() or not path.exists():
        return load(path)
    return data_set([read(path)], Labels(kind), name=path.stem)


def save(data: DataSet, folder: Path) -> None:
    """Write a data set folder: everything appears at once or not at all."""
    if folder.exists():
        raise CaptureError(f"{folder} exists; choose another folder, or --add to extend it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=folder.name + ".", suffix=".tmp", dir=folder.parent))
    try:
        entries = [_write_recording(temporary, r) for r in data.recordings]
        text = json.dumps(describe(data, entries), indent=1)
        (temporary / "dataset.json").write_text(text + "\n", encoding="utf-8")
        temporary.chmod(0o755)
        os.rename(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def add(data: DataSet, folder: Path) -> None:
    """Add recordings to a folder; dataset.json is replaced last, so a break changes nothing."""
    if not is_data_set(folder):
        raise CaptureError(f"{folder} is not a data set; import without --add first")
    known = load(folder)
    if [c.name for c in known.channels] != [c.name for c in data.channels]:
        raise CaptureError(
            f"{folder} has channels {', '.join(c.name for c in known.channels)}, the capture "
            f"{', '.join(c.name for c in data.channels)}; import into another folder"
        )
    if known.seconds_per_sample and data.seconds_per_sample:
        if abs(known.seconds_per_sample / data.seconds_per_sample - 1) > 0.02:
            raise CaptureError(
                f"{folder} has {known.seconds_per_sample:g} s per sample, the capture "
                f"{data.seconds_per_sample:g}; resample it or import into another folder"
            )
    taken = {r.name for r in known.recordings}
    fresh = []
    for r in data.recordings:
        name = next(
            n for n in (r.name, *(f"{r.name}_{i}" for i in range(2, 10000))) if n not in taken
        )
        taken.add(name)
        fresh.append(replace(r, name=name))
    description = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    description["recordings"] += [_write_recording(folder, r) for r in fresh]
    if data.missing is not None:
        description["missing"] = data.missing
    handle, temporary = tempfile.mkstemp(suffix=".tmp", dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(json.dumps(description, indent=1) + "\n")
    os.chmod(temporary, 0o644)
    os.replace(temporary, folder / "dataset.json")


def _write_recording(folder: Path, recording: Recording) -> dict[str, Any]:
    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in recording.name) or "recording"
    np.save(folder / f"{name}.npy", np.ascontiguousarray(recording.samples, np.int16))
    entry: dict[str, Any] = {
        "file": f"{name}.npy",
        "label": recording.label,
        "split": recording.split,
        "group": recording.group,
        "start_utc": None,
        "events": [{"start": e.start, "end": e.end, "label": e.label} for e in recording.events],
    }
    if recording.times is not None:
        np.save(folder / f"{name}_times.npy", recording.times)
        entry["times_file"] = f"{name}_times.npy"
    return entry


def describe(data: DataSet, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The content of dataset.json for recordings already written."""
    found: dict[str, Any] = {
        "name": data.name,
        "kind": data.kind,
        "task": data.task,
        "rate_hz": data.rate_hz,
        "interval_s": data.interval_s,
        "domain": data.domain,
        "fit": data.fit,
        "channels": [c.facts() for c in data.channels],
        "recordings": entries,
    }
    if data.missing is not None:
        found["missing"] = data.missing
    if data.label_roles:
        found["label_roles"] = dict(data.label_roles)
    return found
