# SPDX-License-Identifier: Apache-2.0
"""Frames for the kernel tests: random and extreme signals, from one seed each."""

from array import array

import numpy as np
from hypothesis import strategies as st

from tocsin.dsp.windows import make_window

KINDS = (
    "noise", "extremes", "constant", "impulse", "square", "alternating", "sine", "small_on_dc",
    "ramp", "clipped_sine",
)  # fmt: skip
AMPLITUDES = (1, 2, 3, 40, 400, 5000, 32767)


def signal(kind: str, n: int, seed: int) -> np.ndarray:
    """One int16 frame of n samples."""
    rng = np.random.default_rng([seed, n])
    t = np.arange(n)
    amplitude = int(rng.choice(AMPLITUDES))
    if kind == "noise":
        x = rng.integers(-amplitude, amplitude + 1, n)
    elif kind == "extremes":
        x = rng.choice((-32768, 32767), n)
    elif kind == "constant":
        x = np.full(n, rng.choice((-32768, 32767, 0, int(rng.integers(-32768, 32768)))))
    elif kind == "impulse":
        x = np.full(n, rng.choice((0, -32768, 32767)))
        x[rng.integers(n)] = rng.integers(-32768, 32768)
    elif kind == "square":
        wave = np.cos(2 * np.pi * rng.integers(1, n // 2 + 2) * t / n + rng.uniform(0, 7))
        x = np.where(wave < 0, -32768, 32767)
    elif kind == "alternating":
        x = np.where(t >> int(rng.integers(0, 3)) & 1, 32767, -32768)
    elif kind == "sine":
        x = amplitude * np.sin(rng.uniform(0, np.pi) * t + rng.uniform(0, 7))
    elif kind == "small_on_dc":
        x = rng.integers(-32000, 32000) + rng.integers(-3, 4, n)
    elif kind == "ramp":
        x = np.linspace(-32768, 32767, n)[:: int(rng.choice((1, -1)))]
    else:
        x = 1e5 * np.sin(rng.uniform(0, np.pi) * t + rng.uniform(0, 7))
    return np.clip(np.round(x), -32768, 32767).astype(np.int16)


@st.composite
def batches(draw: st.DrawFn, n: int, count: int = 12) -> np.ndarray:
    """int16 [n, count] of frames of every kind."""
    seed = draw(st.integers(0, 2**32 - 1))
    return np.stack([signal(KINDS[i % len(KINDS)], n, seed + i) for i in range(count)], axis=1)


def frame(x: np.ndarray) -> array:
    """A column of samples as the kernels take it."""
    return array("h", x.tolist())


def window(name: str, length: int, n: int) -> array:
    """A window table; "edges" has the largest coefficients of both signs."""
    if name == "edges":
        return array("h", [32767, -32767] * (length // 2) + [32767] * (length & 1)) + array(
            "h", bytes(2 * (n - length))
        )
    return make_window(name, length, n)
