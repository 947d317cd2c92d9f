# SPDX-License-Identifier: Apache-2.0
"""Heap that an extractor keeps on top of its code, measured on real MicroPython."""

import re

import pytest

from host_tests.micropython import wasm

SETUP = """
from array import array
from tocsin.dsp.features import Extractor
from tocsin.dsp.framing import Framer
edges = [1]
for i in range(1, 16):
    edges += [8 * i, 8 * i]
bands = {"kind": "band_log2", "channel": 0, "n": 256, "window_fn": "hann", "edges": edges + [128]}
features = [bands]
for kind in ("rms_log2", "crest_factor", "skewness", "kurtosis"):
    features.append({"kind": kind, "channel": 0})
config = {"window": 256, "channels": [{"name": "x"}], "features": features}
block = array("h", [i * 37 % 1000 for i in range(256)])
def make():
    framer = Framer(1, 256, 256)
    extractor = Extractor(config)
    framer.feed(block, 0, 256)
    extractor.extract(framer.frames, 256)
    framer.release()
    return framer, extractor
make()
"""
COLLECT = "import gc\ngc.collect()"


@pytest.mark.skipif(bool(wasm.missing()), reason=wasm.missing() or "")
def test_framer_and_extractor_of_256_samples_keep_little_heap(record_property):
    exit_code, output = wasm.run(
        SETUP,
        COLLECT,
        "before = gc.mem_alloc()",
        "kept = make()",
        COLLECT,
        "print('heap', gc.mem_alloc() - before)\nexit_code = 0",
        form="mpy",
    )
    assert exit_code == 0, output
    found = re.search(r"heap (\d+)", output)
    assert found, output
    record_property("heap_bytes", int(found.group(1)))
    print(f"heap of a framer and an extractor, 256 samples, 20 features: {found.group(1)} bytes")
    assert int(found.group(1)) < 6 * 1024
