# SPDX-License-Identifier: Apache-2.0
"""Recordings of a data set as one file that the device's driver `replay` plays.

The format is described in firmware/drivers/replay.py.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from tools.datasets import Channel, DataSet, DataSetError, Recording, Samples

LONGEST = 1 << 22
_SLOWEST_S = 1000.0
_INTERVAL_S = 1.0


class ReplayError(DataSetError):
    """Recordings that the driver cannot play; the message says what to change."""


def encode(
    channels: Sequence[Channel], second: float, samples: Samples, part: int | None = None
) -> bytes:
    """The bytes of a file. samples int16 [n, channels]; part: samples of each part, or None.

    second: seconds per sample, 1e-6 to 1000. Raises ReplayError outside and for too long a file.
    """
    if not 1e-6 <= second <= _SLOWEST_S:
        raise ReplayError(
            f"a sample every {second:g} s cannot be played: give a --rate of 0.001 to 1000000 Hz"
        )
    facts: dict[str, Any] = {
        "channels": [channel.facts() for channel in channels],
        "rate_mhz": round(1000 / second),
        "parts": part,
    }
    if second >= _INTERVAL_S:
        facts["interval_ms"] = round(1000 * second)
    header = json.dumps(facts).encode("ascii")
    body = np.ascontiguousarray(samples, "<i2").tobytes()
    data = b"TREC" + struct.pack("<H", len(header)) + header + body
    if len(data) > LONGEST:
        raise ReplayError(
            f"a replay of {len(data)} bytes is longer than the {LONGEST} the driver reads: "
            "choose fewer recordings with --recording"
        )
    return data


def select(data: DataSet, names: Sequence[str]) -> list[Recording]:
    """The named recordings in the order given; without names those to test with, else all.

    Raises ReplayError for a name that is not there.
    """
    if not names:
        return data.of_split("test") or list(data.recordings)
    known = {r.name: r for r in data.recordings}
    for name in names:
        if name not in known:
            some = ", ".join(list(known)[:8]) + (", ..." if len(known) > 8 else "")
            raise ReplayError(f"{data.name} has no recording {name!r}; it has {some}")
    return [known[name] for name in names]


def of_recordings(data: DataSet, recordings: Sequence[Recording]) -> bytes:
    """The file of some recordings of a data set, one behind the other."""
    second = data.seconds_per_sample
    if second is None:
        raise ReplayError(f"the sample rate of {data.name} is unknown: give --rate")
    part = len(recordings[0].samples) if data.stacked else None
    if part is not None and any(len(r.samples) != part for r in recordings):
        raise ReplayError(f"the parts of {data.name} differ in length; choose equal ones")
    samples = np.concatenate([r.samples for r in recordings])
    return encode(data.channels, second, samples, part)
