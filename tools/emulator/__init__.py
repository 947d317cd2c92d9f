# SPDX-License-Identifier: Apache-2.0
"""Emulated boards: the unchanged device files on CPython, in virtual time."""
