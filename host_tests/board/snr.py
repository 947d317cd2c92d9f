# SPDX-License-Identifier: Apache-2.0
"""Precision of the FFT kernel against numpy's float64, as a table: python -m host_tests.board.snr

The signal-to-noise ratio compares total energies: of the spectrum that numpy computes in float64
from the same windowed, mean-free samples, and of the difference. Each figure is the worst of many
signals: sines of any frequency and phase, and noise whose 3-sigma is the amplitude.
"""

import numpy as np

from tocsin.dsp.windows import make_window
from tocsin.kernels.plan import REMOVE_MEAN, make_plan
from tools.train import twin_kernels

SIZES = (64, 128, 256, 512, 1024, 2048)
AMPLITUDES = (40, 400, 3277, 32767)
WINDOWS = ("hann", "none")
# arm_rfft_q15 of CMSIS-DSP, sines of 40 LSB, 10 % and 100 % of full scale (measured elsewhere)
CMSIS = {256: (3, None, 38, 57), 1024: (1, None, 32, 52)}


def sines(n: int, amplitude: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """int16 [n, count]: random frequencies and phases, half of them with whole periods."""
    frequency = rng.uniform(1, n / 2 - 1, count)
    frequency[::2] = np.round(frequency[::2])
    t = np.arange(n)[:, None]
    wave = np.sin(2 * np.pi * frequency * t / n + rng.uniform(0, 2 * np.pi, count))
    return np.round(amplitude * wave).astype(np.int16)


def noise(n: int, amplitude: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """int16 [n, count]: normal distribution, clipped to int16."""
    x = rng.standard_normal((n, count)) * amplitude / 3
    return np.clip(np.round(x), -32768, 32767).astype(np.int16)


def snr_db(x: np.ndarray, window_fn: str = "hann") -> np.ndarray:
    """Signal-to-noise ratio in dB of the real FFT of each column of x."""
    n = x.shape[0]
    window = np.array(make_window(window_fn, n, n))
    plan = twin_kernels.Plan(make_plan(n, n, REMOVE_MEAN))
    re, im, exponent = twin_kernels.rfft(x, window, plan)
    ours = (re + 1j * im) * 2.0**exponent
    exact = np.fft.rfft((x - x.mean(axis=0)) * (window[:, None] / 32768), axis=0)
    return 10 * np.log10(
        (np.abs(exact) ** 2).sum(axis=0) / (np.abs(ours - exact) ** 2).sum(axis=0)
    )


def worst(n: int, amplitude: float, count: int = 100, seed: int = 1) -> tuple[float, float]:
    """The lowest figures for sines and noise of up to `amplitude`, over all window functions."""
    rng = np.random.default_rng(seed)
    figures = []
    for signal in (sines, noise):
        x = signal(n, amplitude, count, rng)
        figures.append(min(float(snr_db(x, window_fn).min()) for window_fn in WINDOWS))
    return figures[0], figures[1]


def main() -> None:
    """Print the table."""
    head = "".join(f"{f'{a} LSB':>16}" for a in AMPLITUDES)
    print(f"dB, worst sine / worst noise\n{'N':>6}{head}   CMSIS q15, sine")
    for n in SIZES:
        cells = "".join(
            f"{f'{s:.1f} / {x:.1f}':>16}" for s, x in (worst(n, a) for a in AMPLITUDES)
        )
        cmsis = " / ".join("-" if x is None else str(x) for x in CMSIS.get(n, ()))
        print(f"{n:>6}{cells}   {cmsis}")


if __name__ == "__main__":
    main()
