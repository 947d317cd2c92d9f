# SPDX-License-Identifier: Apache-2.0
"""20,000 damaged bundles: each gives a Bundle that scores, or a BundleError of one line."""
import io
import json
import random
import struct
import tracemalloc
import zlib
from array import array
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.models.bundle import Bundle, BundleError, parse
from tocsin.models.file import open_bundle
from tocsin.models.scorer import Scorer
from tocsin.models.selftest import verify
from tools.train.bundle_format import decode
from tools.train.pack import pack

GOLDEN = json.loads(Path("host_tests/vectors/models.json").read_text())
BUNDLES = [bytes.fromhex(case["bundle"]) for case in GOLDEN["cases"].values()]
WITH_CONFIGURATION = bytes.fromhex(
    json.loads(Path("host_tests/vectors/heap_budget.json").read_text())["bundle"])
COUNT = 20_000
VECTOR = array("h", range(-8000, 8000, 1000))


def sealed(data):
    """The data with a right length and checksum, so that the parser looks inside."""
    body = bytearray(data[:-4])
    struct.pack_into("<I", body, 8, len(body) + 4)
    return bytes(body) + struct.pack("<I", zlib.crc32(body))


def mutated(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(data))
        kind = rng.randrange(6)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.choice((0, 1, 127, 128, 255))
        elif kind == 2:
            del data[at:at + rng.randrange(1, 40)]
        elif kind == 3:
            data[at:at] = rng.randbytes(rng.randrange(1, 40))
        elif kind == 4:
            at &= ~1
            data[at:at + 2] = struct.pack("<H", rng.choice((0, 1, 2, 255, 32767, 65535)))
        else:
            other = rng.choice(BUNDLES)
            at &= ~3
            data[at:at + 64] = other[at:at + 64]
    if rng.random() < 0.8 and len(data) >= 16:
        return sealed(data)
    return bytes(data)


def outcome(data):
    """"refused", "bad vectors" or "scores"; any exception but BundleError passes through."""
    try:
        bundle = parse(data, "x.tcb")
    except BundleError as error:
        assert "\n" not in str(error) and str(error).startswith("x.tcb: ")
        return "refused"
    assert isinstance(bundle, Bundle)
    scorer = Scorer(bundle)
    if bundle.n_features <= 16:
        assert 0 <= scorer.score(VECTOR) <= 32767
        scorer.reasons(3)
    try:
        verify(bundle)
    except BundleError:
        return "scores"
    return "passes"


def test_mutated_bundles_are_refused_or_score():
    rng = random.Random(7)
    counts = {"refused": 0, "scores": 0, "passes": 0}
    for _ in range(COUNT):
        counts[outcome(mutated(rng, rng.choice(BUNDLES)))] += 1
    print(f"{COUNT} mutants: {counts}")
    assert counts["refused"] > COUNT // 2
    assert counts["scores"] > COUNT // 100
    assert counts["passes"] == 0


def test_mutated_feature_configurations_and_vectors_are_refused():
    """The bundle with a real configuration and vectors, as it is accepted on a device."""
    frames = np.random.default_rng(1).integers(-2000, 2000, (2, 256, 1)).astype(np.int16)
    good = pack(decode(WITH_CONFIGURATION), frames)
    assert outcome(good) == "passes"
    rng = random.Random(9)
    counts = {"refused": 0, "scores": 0, "passes": 0}
    for _ in range(COUNT // 10):
        counts[outcome(mutated(rng, good))] += 1
    print(f"{COUNT // 10} mutants with vectors: {counts}")
    assert counts["refused"] > COUNT // 50
    assert counts["scores"] > COUNT // 200


def test_file_and_ram_agree_on_every_mutant():
    """Accepted by both with one score, or refused by both with the same words."""
    rng = random.Random(10)
    counts = {"refused": 0, "scores": 0}
    for _ in range(COUNT // 10):
        data = mutated(rng, rng.choice(BUNDLES))
        results = []
        for read in (lambda data: parse(data, "x.tcb"),
                     lambda data: open_bundle(io.BytesIO(data), "x.tcb", 0)):
            try:
                bundle = read(data)
                results.append(Scorer(bundle).score(VECTOR) if bundle.n_features <= 16 else 0)
            except BundleError as error:
                results.append(str(error))
        assert results[0] == results[1]
        counts["refused" if isinstance(results[0], str) else "scores"] += 1
    print(f"{COUNT // 10} mutants: {counts}")
    assert counts["refused"] > COUNT // 20
    assert counts["scores"] > COUNT // 200


def test_memory_stays_within_a_few_times_the_file():
    rng = random.Random(8)
    tracemalloc.start()
    try:
        for _ in range(300):
            data = mutated(rng, rng.choice(BUNDLES))
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            outcome(data)
            assert tracemalloc.get_traced_memory()[1] - before < 200_000 + 40 * len(data)
    finally:
        tracemalloc.stop()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data):
    assert outcome(data) == "refused"
    assert outcome(sealed(b"TCB1\x01\x00\x02\x00" + data + bytes(8))) == "refused"
