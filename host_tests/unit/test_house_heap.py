# SPDX-License-Identifier: Apache-2.0
"""Heap that one vibration path keeps on top of its code, measured on real MicroPython."""

import re

import pytest

from host_tests.micropython import wasm

LIMIT = 16 * 1024
COLLECT = "import gc\ngc.collect()"


@pytest.mark.skipif(bool(wasm.missing()), reason=wasm.missing() or "")
@pytest.mark.parametrize("form", ["py", "mpy"])
def test_window_features_clusters_and_network_fit_into_16_kb(form, record_property):
    exit_code, output = wasm.run(
        "from test_heap_budget import Path, load\n"
        "data, frame, golden = load()\n"
        "golden = None\n"
        "Path(data).window(frame)",  # now all code is loaded
        COLLECT,
        "before = gc.mem_alloc()",
        "path = Path(data)\npath.window(frame)",
        COLLECT,
        "after = gc.mem_alloc()",
        "print('heap', after - before)\nexit_code = 0",
        form=form,
    )
    assert exit_code == 0, output
    found = re.search(r"heap (\d+)", output)
    assert found, output
    used = int(found.group(1))
    record_property("heap_bytes", used)
    print(f"heap of one vibration path: {used} bytes")
    assert 4000 < used < LIMIT
