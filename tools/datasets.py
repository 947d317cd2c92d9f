# SPDX-License-Identifier: Apache-2.0
"""Data sets: folders with a dataset.json and int16 .npy arrays, all kinds and tasks alike.

A recording is the unit that is never split: a file of its own, or one part of a stacked array.
Samples stay as stored (int16, physical = stored * scale + offset per channel), because the device
computes on the same integers. tools/README.md describes the folder format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

KINDS = ("vibration", "cold_chain", "quality", "operations")
TASKS = ("anomaly", "classification", "events")
DOMAINS = ("waveform", "spectrum", "slow", "vector", "image")
ROLES = ("anomaly", "benign", "ignore", "context")
POOLED = "pooled"

Samples = npt.NDArray[np.int16]


class DataSetError(ValueError):
    """A data set that cannot be read; the message says what to change."""


@dataclass(frozen=True)
class Channel:
    """One column: physical = stored * scale + offset."""

    name: str
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0

    def facts(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "scale": self.scale,
            "offset": self.offset,
        }


@dataclass(frozen=True)
class Event:
    """A labelled stretch of samples, end exclusive."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Recording:
    """int16 samples [n_samples, n_channels] with what is known about them.

    times: int64 UTC seconds per sample of an irregular log, else None.
    """

    name: str
    samples: Samples
    split: str = "train"
    label: str | None = None
    group: str = "all"
    events: tuple[Event, ...] = ()
    times: npt.NDArray[np.int64] | None = None
    other_labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DataSet:
    """A loaded data set. `stacked`: every recording is one part of equal length."""

    name: str
    kind: str
    task: str
    channels: tuple[Channel, ...]
    recordings: tuple[Recording, ...]
    domain: str = "waveform"
    fit: str = POOLED
    rate_hz: float | None = None
    interval_s: float | None = None
    stacked: bool = False
    normal_label: str | None = None
    leaky_channels: tuple[str, ...] = ()
    label_roles: Mapping[str, str] = field(default_factory=dict)
    missing: int | None = None
    image_shape: tuple[int, int] | None = None
    float_baseline: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def seconds_per_sample(self) -> float | None:
        """Sample period in seconds, None where the axis is not time or not known."""
        if self.rate_hz:
            return 1.0 / self.rate_hz
        return self.interval_s

    def of_split(self, split: str) -> list[Recording]:
        return [r for r in self.recordings if r.split == split]

    def with_recordings(self, recordings: Iterable[Recording]) -> DataSet:
        return replace(self, recordings=tuple(recordings))

    def without_channels(self, names: Iterable[str]) -> DataSet:
        """The same set with the named channels left out."""
        gone = set(names)
        keep = [i for i, c in enumerate(self.channels) if c.name not in gone]
        if not keep:
            raise DataSetError(f"{self.name}: every channel is left out; keep at least one")
        return replace(
            self,
            channels=tuple(self.channels[i] for i in keep),
            recordings=tuple(replace(r, samples=r.samples[:, keep]) for r in self.recordings),
            leaky_channels=tuple(n for n in self.leaky_channels if n not in gone),
        )

    def with_target(self, target: str) -> DataSet:
        """The same parts labelled by one of their other labels."""
        if any(target not in r.other_labels for r in self.recordings):
            known = ", ".join(self.targets()) or "none"
            raise DataSetError(f"{self.name} has no labels {target!r}; it has: {known}")
        return replace(
            self,
            normal_label=None,
            recordings=tuple(replace(r, label=r.other_labels[target]) for r in self.recordings),
        )

    def targets(self) -> list[str]:
        """Names of further labels that parts carry besides the main one."""
        return sorted({name for r in self.recordings for name in r.other_labels})

    def model_key(self, recording: Recording) -> str:
        """Which model scores a recording: its group's where that has train data, else the pool."""
        if self.fit != "per_group":
            return POOLED
        trained = any(r.split == "train" and r.group == recording.group for r in self.recordings)
        return recording.group if trained else POOLED

    def training(self, key: str) -> list[Recording]:
        """The train recordings behind one model key."""
        train = self.of_split("train")
        return train if key == POOLED else [r for r in train if r.group == key]

    def role(self, event: Event) -> str:
        """What an event means: anomaly, benign, ignore or context."""
        return self.label_roles.get(event.label, "context")

    def facts(self, train: Iterable[Recording]) -> dict[str, Any]:
        """What a template needs to know to be resolved; ranges and fill from `train` only."""
        data = np.concatenate([r.samples for r in train])
        ranges, fill = [], []
        for column in data.T:
            valid = column[column != self.missing] if self.missing is not None else column
            valid = valid if len(valid) else np.zeros(1, np.int16)
            ranges.append([int(valid.min()), int(valid.max())])
            fill.append(int(np.median(valid)))
        lengths = {len(r.samples) for r in self.recordings}
        return {
            "channels": [c.facts() for c in self.channels],
            "rate_hz": self.rate_hz,
            "interval_s": self.interval_s,
            "domain": self.domain,
            "length": lengths.pop() if self.stacked and len(lengths) == 1 else None,
            "image_shape": list(self.image_shape) if self.image_shape else None,
            "missing": self.missing,
            "ranges": ranges,
            "fill": fill if self.missing is not None else None,
        }


def load(folder: str | Path) -> DataSet:
    """Read a data set folder. Raises DataSetError with the file and what is wrong with it."""
    path = Path(folder)
    description = _read_json(path / "dataset.json")
    if not isinstance(description, dict):
        raise DataSetError(f"{path / 'dataset.json'}: must be a JSON object; see tools/README.md")
    name = str(description.get("name") or path.name)
    channels = tuple(
        _channel(entry, i, path) for i, entry in enumerate(_list(description, "channels", path))
    )
    if not channels:
        raise DataSetError(f"{path}: no channels; name at least one in dataset.json")
    recordings: list[Recording] = []
    stacked = False
    for entry in _list(description, "recordings", path):
        if entry.get("stacked"):
            stacked = True
            recordings += _stacked(path, entry, len(channels))
        else:
            recordings.append(_single(path, entry, len(channels)))
    if not recordings:
        raise DataSetError(f"{path}: no recordings; add at least one to dataset.json")
    shape = description.get("image_shape")
    return DataSet(
        name=name,
        kind=_choice(description, "kind", KINDS, path),
        task=_choice(description, "task", TASKS, path),
        domain=_choice(description, "domain", DOMAINS, path, "waveform"),
        fit=_choice(description, "fit", (POOLED, "per_group"), path, POOLED),
        channels=channels,
        recordings=tuple(recordings),
        rate_hz=_positive(description, "rate_hz", path),
        interval_s=_positive(description, "interval_s", path),
        stacked=stacked,
        normal_label=description.get("normal_label"),
        leaky_channels=tuple(description.get("leaky_channels", ())),
        label_roles=dict(description.get("label_roles", {})),
        missing=description.get("missing"),
        image_shape=(int(shape[0]), int(shape[1])) if shape else None,
        float_baseline=dict(description.get("float_baseline", {})),
        folder=path,
    )


def is_data_set(path: Path) -> bool:
    return (path / "dataset.json").is_file()


def expand(path: Path) -> list[Path]:
    """A data set, a readable file, or a folder of data sets -> the things to load, by name."""
    if is_data_set(path) or path.is_file():
        return [path]
    if not path.exists():
        raise DataSetError(
            f"{path} does not exist; give a data set folder or a CSV, JSON or npy file"
        )
    found = sorted(p for p in path.iterdir() if p.is_dir() and is_data_set(p))
    if not found:
        raise DataSetError(f"{path} holds no dataset.json, nor do its sub-folders")
    return found


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataSetError(
            f"{path} is missing; a data set is a folder with a dataset.json"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataSetError(f"{path}: not valid JSON ({error}); correct it") from None


def _list(description: Mapping[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    value = description.get(key)
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        raise DataSetError(f"{path / 'dataset.json'}: {key} must be a list of objects")
    return value


def _choice(
    description: Mapping[str, Any],
    key: str,
    choices: tuple[str, ...],
    path: Path,
    default: str | None = None,
) -> str:
    value = description.get(key, default)
    if value not in choices:
        raise DataSetError(
            f"{path / 'dataset.json'}: {key} is {value!r}; use {', '.join(choices)}"
        )
    return str(value)


def _positive(description: Mapping[str, Any], key: str, path: Path) -> float | None:
    value = description.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e9:
        raise DataSetError(f"{path / 'dataset.json'}: {key} is {value!r}; give a number above 0")
    return float(value)


def _channel(entry: Mapping[str, Any], index: int, path: Path) -> Channel:
    scale, offset = entry.get("scale", 1.0), entry.get("offset", 0.0)
    if (
        not all(isinstance(v, (int, float)) and np.isfinite(v) for v in (scale, offset))
        or not scale
    ):
        raise DataSetError(
            f"{path / 'dataset.json'}: channel {index} needs a finite scale other than 0"
        )
    return Channel(
        str(entry.get("name", f"ch{index}")),
        str(entry.get("unit", "")),
        float(scale),
        float(offset),
    )


def _array(path: Path, dimensions: int, channels: int) -> Samples:
    try:
        values = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise DataSetError(f"{path} is missing; dataset.json names it") from None
    except (ValueError, OSError, EOFError) as error:
        raise DataSetError(
            f"{path}: not a readable .npy file ({error}); export it again"
        ) from None
    if values.dtype != np.int16 or values.ndim != dimensions:
        raise DataSetError(
            f"{path}: {values.ndim}-D {values.dtype}, but {dimensions}-D int16 is needed; "
            "bring it in with `tocsin capture-import`"
        )
    if values.shape[-1] != channels:
        raise DataSetError(
            f"{path}: {values.shape[-1]} channels, but dataset.json names {channels}; correct one"
        )
    return values


def _events(entry: Mapping[str, Any], length: int, path: Path) -> tuple[Event, ...]:
    events = []
    for e in entry.get("events") or ():
        try:
            event = Event(int(e["start"]), int(e["end"]), str(e["label"]))
        except (KeyError, TypeError, ValueError):
            raise DataSetError(f"{path}: an event needs start, end and label; got {e!r}") from None
        if not 0 <= event.start < event.end <= length:
            raise DataSetError(f"{path}: event {e!r} is outside the {length} samples; correct it")
        events.append(event)
    return tuple(events)


def _split(entry: Mapping[str, Any], path: Path) -> str:
    return _choice(entry, "split", ("train", "test"), path.parent, "train")


def _single(path: Path, entry: Mapping[str, Any], channels: int) -> Recording:
    file = path / str(entry.get("file"))
    samples = _array(file, 2, channels)
    times = None
    if entry.get("times_file"):
        times = np.load(path / str(entry["times_file"]), allow_pickle=False).astype(np.int64)
        if times.shape != (len(samples),):
            raise DataSetError(
                f"{file}: {len(samples)} samples but {len(times)} times; export again"
            )
    label = entry.get("label")
    return Recording(
        name=file.stem,
        samples=samples,
        split=_split(entry, file),
        label=None if label is None else str(label),
        group=str(entry.get("group") or "all"),
        events=_events(entry, len(samples), file),
        times=times,
    )


def _labels(path: Path, name: str | None, count: int, file: Path) -> list[str | None]:
    if name is None:
        return [None] * count
    values = _read_json(path / name)
    if not isinstance(values, list) or len(values) != count:
        raise DataSetError(
            f"{path / name}: must be a list of {count} entries, one per part of {file}"
        )
    return [None if v is None else str(v) for v in values]


def _stacked(path: Path, entry: Mapping[str, Any], channels: int) -> list[Recording]:
    file = path / str(entry.get("file"))
    parts = _array(file, 3, channels)
    count = len(parts)
    labels = _labels(path, entry.get("labels_file"), count, file)
    groups = _labels(path, entry.get("groups_file"), count, file)
    others = {
        target: _labels(path, name, count, file)
        for target, name in (entry.get("other_labels") or {}).items()
    }
    split = _split(entry, file)
    return [
        Recording(
            name=f"{file.stem}[{i}]",
            samples=parts[i],
            split=split,
            label=labels[i],
            group=groups[i] or "all",
            other_labels={target: str(values[i]) for target, values in others.items()},
        )
        for i in range(count)
    ]
