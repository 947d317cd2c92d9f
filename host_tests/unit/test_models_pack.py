# SPDX-License-Identifier: Apache-2.0
"""Packing is deterministic and atomic, and its vectors are checked by the device's self-test."""
import json
from pathlib import Path

import numpy as np
import pytest

from tocsin.models.bundle import BundleError, parse
from tocsin.models.selftest import verify
from tools.train import pack
from tools.train.bundle_format import decode, encode

GOLDEN = json.loads(Path("host_tests/vectors/heap_budget.json").read_text())
MODEL = decode(bytes.fromhex(GOLDEN["bundle"]))
FRAMES = (np.random.default_rng(0).normal(size=(3, 256, 1)) * 1000).astype(np.int16)


def test_same_model_and_frames_give_the_same_bytes():
    first = pack.pack(MODEL, FRAMES)
    assert first == pack.pack(MODEL, FRAMES)
    assert verify(parse(first)) == 3


def test_size_of_a_small_bundle():
    data = pack.pack(MODEL, FRAMES[:1])
    print(f"bundle of 16 features, 8 clusters, a 16-32-16-2 network and one vector: {len(data)} "
          "bytes")
    assert len(data) < 5000


def test_falsified_vectors_are_found():
    data = pack.pack(MODEL, FRAMES)
    section = pack.make_vectors(MODEL, FRAMES)
    at = data.index(section)
    frame = 8 + 2 + 2 * 100
    falsified = bytearray(section)
    falsified[frame:frame + 2] = b"\xff\x7f"
    assert at > 0
    with pytest.raises(BundleError, match="self-test vector 0: feature"):
        verify(parse(encode(MODEL, bytes(falsified))))


def test_wrong_frames_are_refused():
    for frames in (FRAMES[:, :, 0], FRAMES.astype(np.int32), FRAMES[:0]):
        with pytest.raises(ValueError, match="self-test frames must be int16"):
            pack.make_vectors(MODEL, frames)


def test_provenance_and_names_survive():
    model = MODEL.changed(provenance={"data": "motor, März", "windows": 1200})
    bundle = parse(pack.pack(model, FRAMES))
    assert bundle.provenance == {"data": "motor, März", "windows": 1200}
    assert bundle.feature_names == MODEL.feature_names


def test_nan_never_gets_into_a_bundle():
    with pytest.raises(ValueError):
        pack.pack(MODEL.changed(provenance={"auc": float("nan")}))


def test_write_replaces_whole_files_and_leaves_nothing_behind(tmp_path):
    target = tmp_path / "model.tcb"
    pack.write(target, b"old")
    pack.write(target, b"new")
    assert target.read_bytes() == b"new"
    with pytest.raises(TypeError):
        pack.write(target, "not bytes")
    assert target.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["model.tcb"]
