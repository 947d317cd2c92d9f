# SPDX-License-Identifier: Apache-2.0
"""A generated module on a real MicroPython image: same scores, no allocation, less time.

    MICROPYTHON_UF2=RPI_PICO.uf2 python -m pytest -s host_tests/board/test_codegen_pico.py
"""

import json
import re

import pytest

from host_tests.board import codegen_models
from tocsin.models.bundle import parse
from tools.codegen import check, module
from tools.codegen.plan import make_plan
from tools.emulator.pico import MISSING, Pico, image_from_environment, tree
from tools.mpy import board_files
from tools.train.bundle_format import encode

pytestmark = pytest.mark.skipif(image_from_environment() is None, reason=MISSING)
BUDGET = json.loads(codegen_models.HEAP_BUDGET.read_text())["bundle"]
MODELS = {
    "16x8, 16-32-16-2": codegen_models.heap_budget(BUDGET),
    "16-32-16-2": codegen_models.network(16, 32, 16, 2),
    "64-32-8": codegen_models.network(64, 32, 8),
}
SCRIPT = """
import gc, micropython, random, time
from array import array
from tocsin.models.bundle import parse
from tocsin.models.scorer import Scorer
with open("/models/pump.tcb", "rb") as file:
    data = file.read()
bundle = parse(data)
generic = Scorer(bundle)
gc.collect()
before = gc.mem_free()
import models.pump as pump
generated = pump.Scorer(bundle)
gc.collect()
heap = before - gc.mem_free()
assert pump.BUNDLE == data[-4:]
random.seed(1)
def one():
    return array("h", [random.randint(-4000, 6000) for _ in range(bundle.n_features)])
same = 0
for _ in range(6):
    vector = one()
    same += (generic.score(vector), generic.label, generic.reasons()) == (
        generated.score(vector), generated.label, generated.reasons())
def us(score):
    least = 1000000
    for _ in range(8):
        start = time.ticks_us()
        score(vector)
        least = min(least, time.ticks_diff(time.ticks_us(), start))
    return least
times = us(generic.score), us(generated.score)
micropython.heap_lock()
generated.score(vector)
micropython.heap_unlock()
print("same", same, "us", *times, "heap", heap)
"""


@pytest.mark.parametrize("name", list(MODELS))
def test_same_scores_in_less_time_without_allocation(name):
    model = MODELS[name]
    data = encode(model)
    source = module.source(make_plan(model), parse(data).decision, data, "pump.tcb", "armv6m")
    files = tree(board_files("armv6m"))
    files = {path: content for path, content in files.items() if path.startswith("/lib/")}
    files["/models/pump.tcb"] = data
    files["/models/pump.mpy"] = check.compiled(source, "armv6m")
    found = re.search(r"same (\d+) us (\d+) (\d+) heap (\d+)", Pico(
        image_from_environment(), files).run(SCRIPT))  # fmt: skip
    assert found is not None
    same, generic, generated, heap = (int(text) for text in found.groups())
    print(f"{name}: interpreter {generic} us, generated {generated} us, heap {heap} bytes")
    assert same == 6
    assert generated < generic / 2
