# SPDX-License-Identifier: Apache-2.0
"""Choosing between two backends by measurement, where a board has an FPU and ulab."""

from array import array

from tocsin import kernels
from tocsin.kernels.plan import REMOVE_MEAN, make_plan

_N = 256
_BANDS = 8
_RUNS = 4


class ChoiceError(ValueError):
    """A backend that this board lacks, that computes something else, or that comes too late."""


def choose(backend: str) -> None:
    """Take the spectra from `backend`, one of `kernels.CANDIDATES`.

    Work arrays of two backends differ, so the choice comes before anything asks for a kernel
    that reads or writes one. Raises ChoiceError.
    """
    if backend not in kernels.CANDIDATES:
        raise ChoiceError("%s is not among %s" % (backend, ", ".join(kernels.CANDIDATES)))
    if backend != kernels.BACKEND:
        for group in kernels.SPECTRA:
            for name in kernels.GROUPS[group]:
                if name in kernels.__dict__:
                    raise ChoiceError("%s of %s is in use" % (name, kernels.BACKEND))
    kernels.BACKEND = backend


def measure(backend: str, ticks_us, diff) -> int:
    """Shortest time of a spectrum of 256 samples in its log bands, us; none of it stays.

    ticks_us() and diff(later, earlier) are the clock. Raises ChoiceError where the bands are not
    within 1 unit of those of the first candidate, and whatever the backend itself raises.
    """
    us, bands = _run(backend, _RUNS, ticks_us, diff)
    wanted = _run(kernels.CANDIDATES[0], 1, ticks_us, diff)[1]
    for i in range(_BANDS):
        if abs(bands[i] - wanted[i]) > 1:
            raise ChoiceError("%s: band %d is %d, not %d" % (backend, i, bands[i], wanted[i]))
    return us


def _run(backend: str, runs: int, ticks_us, diff) -> tuple:
    """(Shortest us of some runs after the first, bands) of noise at a tenth of full scale."""
    spectrum = kernels.find("spectrum", backend)
    band_log2 = kernels.find("band_log2", backend)
    work = kernels.find("make_work", backend)(_N)
    plan = make_plan(_N, _N, REMOVE_MEAN)
    window = array("h", [32767] * _N)
    frame = array("h", [0] * _N)
    seed = 1
    for i in range(_N):
        seed = (seed * 1103 + 12345) & 0x7FFF
        frame[i] = (seed >> 2) - 4096
    edges = array("h", [_BANDS])
    for i in range(0, _N // 2, _N // 2 // _BANDS):
        edges.extend(array("h", [i + 1, i + 1 + _N // 2 // _BANDS]))
    bands = array("h", [0] * _BANDS)
    best = 0x3FFFFFFF
    for _ in range(runs):
        start = ticks_us()
        exponent = spectrum(frame, window, plan, work)
        band_log2(work, edges, exponent << 8, bands)
        best = min(best, diff(ticks_us(), start))
    return best, bands
