# SPDX-License-Identifier: Apache-2.0
"""Single numbers of fixed.py that are worth a faster twin."""

from tocsin.kernels.fixed import exp2_q8, isqrt

__all__ = ("exp2_q8", "isqrt")
