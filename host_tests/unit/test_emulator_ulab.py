# SPDX-License-Identifier: Apache-2.0
"""The emulated ulab beside a real one, on the same program."""

import json
import os
import subprocess

import pytest

from tools.emulator import standin_ulab

PROGRAM = """
import json
from ulab import numpy as np
from ulab import utils

def show(value):
    if hasattr(value, "tolist"):
        return [102 if value.dtype == 100 else value.dtype, value.tolist()]
    return value

found = []
kinds = (np.uint8, np.int8, np.uint16, np.int16, np.float)
for left in kinds:
    for right in kinds:
        a, b = np.array([3, 100], dtype=left), np.array([2, 90], dtype=right)
        found += [show(a + b), show(a - b), show(a * b), show(a / b)]
big = np.array([30000, -30000], dtype=np.int16)
for scalar in (1, -1, 300, -300, 70000, 0.5):
    found += [show(big + scalar), show(scalar - big), show(big * scalar)]
found += [show(big // 7), show(-big), show(abs(big)), show(big < 0), np.max(big), np.sum(big)]
matrix = np.array([[1, 2], [3, 4]], dtype=np.int16)
found += [show(np.sum(matrix, axis=0)), show(np.mean(matrix, axis=1)), np.argmax(matrix)]
found += [show(np.dot(matrix, matrix)), show(matrix.T), show(matrix.reshape((4,)))]
ramp = np.array([i * i % 97 for i in range(64)])
found.append([show(np.real(np.fft.fft(ramp))), show(np.imag(np.fft.fft(ramp)))])
found.append(show(utils.from_int16_buffer(bytes([1, 0, 255, 255]))))
names = ("einsum", "percentile", "int32", "unique", "abs", "cumsum", "square", "clip", "roll")
found.append([hasattr(np, name) for name in names])
zeros = np.zeros(4)
names = ("astype", "cumsum", "dot", "fill", "sum", "copy", "tolist", "sort", "flatten", "nbytes")
found.append([hasattr(zeros, name) for name in names])
print(json.dumps(found))
"""


def emulated(program):
    modules = standin_ulab.build(with_complex=True)
    lines = []
    real_import = __import__

    def importing(name, *rest):
        return modules[name] if name in modules else real_import(name, *rest)

    builtins = {**vars(__import__("builtins")), "__import__": importing, "print": lines.append}
    exec(program, {"__builtins__": builtins})
    return json.loads(lines[0])


def same(left, right):
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(
            same(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, float) or isinstance(right, float):
        return left == pytest.approx(right, rel=1e-4, abs=1e-2)
    return left == right


def test_emulated_ulab_agrees_with_the_real_one():
    image = os.environ.get("MICROPYTHON")
    if not image:
        pytest.skip("set MICROPYTHON to a unix MicroPython with ulab (complex numbers enabled)")
    done = subprocess.run([image, "-c", PROGRAM], capture_output=True, text=True, check=False)
    if "no module named 'ulab'" in done.stderr + done.stdout:
        pytest.skip("the image in MICROPYTHON has no ulab")
    real = json.loads(done.stdout.replace("inf", "1e999"))
    ours = emulated(PROGRAM)
    differing = [(i, a, b) for i, (a, b) in enumerate(zip(ours, real, strict=True))
                 if not same(a, b)]
    assert differing == []


def test_emulated_program_runs_without_the_real_one():
    found = emulated(PROGRAM)
    assert found[-2] == [False] * 7 + [True, True]
    assert found[-1] == [False] * 5 + [True] * 4 + [False]
