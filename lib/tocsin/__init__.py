# SPDX-License-Identifier: Apache-2.0
"""Tocsin: machine-health, quality and cold-chain monitoring on stock MicroPython."""

__version__ = "0.1.0"
