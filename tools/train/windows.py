# SPDX-License-Identifier: Apache-2.0
"""From recordings to feature vectors, by the device's integers and in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.datasets import Recording
from tools.train import twin

_HELD_SHARE = 0.1


@dataclass(frozen=True)
class Windows:
    """Feature vectors of recordings in order.

    vectors: int16 [n, d]; exact: float64 [n, d] on the same scale, or None. owner [n]: index of
    the recording; ends [n]: index of the newest sample; complete [n]: at most a tenth of the
    window was missing and its newest sample was not.
    """

    vectors: npt.NDArray[np.int16]
    exact: npt.NDArray[np.float64] | None
    owner: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    complete: npt.NDArray[np.bool_]

    def of(self, index: int) -> slice:
        """The windows of one recording."""
        first, last = np.searchsorted(self.owner, [index, index + 1])
        return slice(int(first), int(last))


def compute(
    config: dict[str, Any], recordings: Sequence[Recording], exact: bool = False
) -> Windows:
    """Cut and compute every window of the recordings; `exact` adds the float64 features."""
    window = config["window"]
    if (
        recordings
        and all(len(r.samples) == window for r in recordings)
        and not config.get("prime")
    ):
        frames = np.stack([r.samples for r in recordings])
        owner = np.arange(len(recordings))
        ends = np.full(len(recordings), window - 1)
        whole = np.ones(len(recordings), bool)
        floats = twin.extract_float(config, frames) if exact else None
        return Windows(twin.extract(config, frames), floats, owner, ends, whole)
    vectors, floats_of, owners, ends_of, complete = [], [], [], [], []
    for index, recording in enumerate(recordings):
        for start, stop in segments(config, recording):
            samples = recording.samples[start:stop]
            frames = twin.frames_of(config, samples)
            newest = twin.window_ends(config, len(samples))
            vectors.append(twin.extract(config, frames))
            if exact:
                floats_of.append(twin.extract_float(config, frames))
            owners.append(np.full(len(newest), index))
            ends_of.append(newest + start)
            complete.append(_complete(config, samples, newest))
    return Windows(
        np.concatenate(vectors),
        np.concatenate(floats_of) if exact else None,
        np.concatenate(owners),
        np.concatenate(ends_of),
        np.concatenate(complete),
    )


def segments(config: dict[str, Any], recording: Recording) -> list[tuple[int, int]]:
    """Stretches [start, stop) without a gap in time, which windows must not reach across."""
    length = len(recording.samples)
    limit = config.get("restart_after")
    if limit is None or recording.times is None or not config.get("interval_ms"):
        return [(0, length)]
    gaps = np.flatnonzero(np.diff(recording.times) * 1000 > limit * config["interval_ms"]) + 1
    cuts = [0, *gaps.tolist(), length]
    return list(zip(cuts[:-1], cuts[1:]))


def _complete(
    config: dict[str, Any], samples: npt.NDArray[np.int16], ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    if config.get("missing") is None:
        return np.ones(len(ends), bool)
    gone = (samples == config["missing"]).any(axis=1)
    total = np.concatenate([[0], np.cumsum(gone)])
    first = np.maximum(ends + 1 - config["window"], 0)
    share = (total[ends + 1] - total[first]) / config["window"]
    return np.asarray((share <= _HELD_SHARE) & ~gone[ends], bool)
