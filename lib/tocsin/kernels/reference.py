# SPDX-License-Identifier: Apache-2.0
"""The kernels in plain Python: the truth that every faster twin equals bit for bit.

No argument is checked here; README.md says what callers guarantee. Nothing allocates, and every
value stays within MicroPython's small integers.
"""

from tocsin.kernels.reference_check import check_words
from tocsin.kernels.reference_envelope import teager
from tocsin.kernels.reference_fft import make_work, rfft, spectrum
from tocsin.kernels.reference_model import kmeans, matvec, scale
from tocsin.kernels.reference_moments import moments
from tocsin.kernels.reference_network import fc_s8, quantize_s8
from tocsin.kernels.reference_numbers import isqrt, widen
from tocsin.kernels.reference_parts import block_means, resample
from tocsin.kernels.reference_rebuild import dequantize_s8
from tocsin.kernels.reference_spectral import (
    band_log2,
    centroid,
    load_power,
    peak_bin,
    weighted_log2,
)
from tocsin.kernels.reference_statistics import statistics
from tocsin.kernels.reference_time import deinterleave

__all__ = (
    "band_log2",
    "block_means",
    "centroid",
    "check_words",
    "deinterleave",
    "dequantize_s8",
    "fc_s8",
    "isqrt",
    "kmeans",
    "load_power",
    "make_work",
    "matvec",
    "moments",
    "peak_bin",
    "quantize_s8",
    "resample",
    "rfft",
    "scale",
    "spectrum",
    "statistics",
    "teager",
    "weighted_log2",
    "widen",
)
