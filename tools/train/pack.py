# SPDX-License-Identifier: Apache-2.0
"""Writes a bundle: the integer model, and self-test vectors made by running the reference.

The same model and frames always give the same bytes, and a file appears whole or not at all.
"""
import os
import struct
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tocsin.models.bundle import parse
from tocsin.models.scorer import Scorer
from tocsin.models.selftest import verify
from tools.train.bundle_format import Model, encode

MAX_VECTORS = 256


def make_vectors(model: Model, frames: Any, counts: Any = None, extractor: Any = None) -> bytes:
    """The VECT section for raw frames int16 [n, window, channels].

    Each frame goes through the device's own `Extractor` and `Scorer`. `counts` [n]: samples of
    each frame that are real, default all of them. Raises ValueError on another shape.
    """
    values = np.asarray(frames)
    if values.ndim != 3 or values.dtype != np.int16 or not 1 <= len(values) <= MAX_VECTORS:
        raise ValueError("self-test frames must be int16 [1 to 256, window, channels], "
                         f"not {values.dtype} {list(values.shape)}")
    n, window, channels = values.shape
    used = [window] * n if counts is None else [int(count) for count in counts]
    bundle = parse(encode(model))
    if extractor is None:
        from tocsin.dsp.features import Extractor
        extractor = Extractor(bundle.conf)
    scorer = Scorer(bundle)
    data = struct.pack("<HHHH", n, channels, window, bundle.n_features)
    for frame, count in zip(values, used):
        columns = [array("h", np.ascontiguousarray(frame[:, c]).tobytes())
                   for c in range(channels)]
        extractor.extract(columns, count)
        vector = array("h", extractor.vector)
        scorer.score(vector)
        data += struct.pack("<H", count)
        data += b"".join(column.tobytes() for column in columns) + vector.tobytes()
        data += struct.pack(
            "<hhhh", scorer.kmeans.score if scorer.kmeans is not None else -1,
            scorer.network.score if scorer.network is not None else -1, scorer.label, scorer.last)
    return data


def pack(model: Model, frames: Any = None, counts: Any = None, extractor: Any = None) -> bytes:
    """The bytes of a bundle with a vector for each of the raw frames, parsed and verified.

    Raises `tocsin.models.bundle.BundleError` when a device would refuse it.
    """
    if frames is None:
        data = encode(model)
        parse(data)
        return data
    data = encode(model, make_vectors(model, frames, counts, extractor))
    verify(parse(data), 0, extractor)
    return data


def write(path: Any, data: bytes) -> None:
    """Write a file in one step: a temporary file beside it, then a rename."""
    write_all({Path(path): data})


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write files that belong together: all of them whole, or none.

    Each is written beside its place first; where a rename fails, those already in place go back
    to what they were.
    """
    staged = {target: target.with_name(f".{target.name}.{os.getpid()}.tmp") for target in files}
    before: dict[Path, bytes | None] = {}
    try:
        for target, temporary in staged.items():
            with open(temporary, "wb") as file:
                file.write(files[target])
                file.flush()
                os.fsync(file.fileno())
        for target, temporary in staged.items():
            old = target.read_bytes() if target.is_file() and len(files) > 1 else None
            os.replace(temporary, target)
            before[target] = old
    except OSError:
        for target, old in before.items():
            if old is None:
                target.unlink(missing_ok=True)
            else:
                target.write_bytes(old)
        raise
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)
