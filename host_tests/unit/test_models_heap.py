# SPDX-License-Identifier: Apache-2.0
"""Heap that a scorer keeps on top of its code, measured on real MicroPython."""
import re

import pytest

from host_tests.micropython import wasm

LIMIT = 6 * 1024
COLLECT = "import gc\ngc.collect()"
LOAD = """
from array import array
from binascii import unhexlify
from noalloc import vectors
from tocsin.models.bundle import parse
from tocsin.models.scorer import Scorer
from tocsin.models.smoothing import Decision
text = vectors("models")["cases"]["kmeans_mlp"]["bundle"]
vector = array("h", [2000] * 16)
scorer = Scorer(parse(unhexlify(text)))
scorer.score(vector)
scorer = decision = bundle = None
"""
BUILD = """
bundle = parse(unhexlify(text))
scorer = Scorer(bundle)
decision = Decision(bundle.decision)
decision.update(scorer.score(vector))
"""


@pytest.mark.skipif(bool(wasm.missing()), reason=wasm.missing() or "")
@pytest.mark.parametrize("form", ["py", "mpy"])
def test_clusters_and_network_keep_less_than_6_kb(form, record_property):
    exit_code, output = wasm.run(
        LOAD, COLLECT, "before = gc.mem_alloc()", BUILD, COLLECT, "whole = gc.mem_alloc()",
        "bundle = None", COLLECT, "lean = gc.mem_alloc()",
        "print('heap', whole - before, lean - before)\nexit_code = 0", form=form)
    assert exit_code == 0, output
    found = re.search(r"heap (\d+) (\d+)", output)
    assert found, output
    whole, lean = int(found.group(1)), int(found.group(2))
    record_property("heap_bytes", lean)
    print(f"heap of scorer and decision: {lean} bytes, with the whole bundle {whole} bytes")
    assert 1500 < lean < whole
    assert lean < LIMIT
