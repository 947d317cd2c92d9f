# SPDX-License-Identifier: Apache-2.0
"""Shared helpers of the contract tests; they run on CPython and on MicroPython."""

import json
import sys
import unittest

MICROPYTHON = sys.implementation.name == "micropython"
_REASON = "CPython has no heap lock; the MicroPython variants of this test check it"


class no_allocation:
    """Context: a heap allocation inside it fails the test on MicroPython; skips on CPython.

    Make the call once before, so that nothing is left to be made on first use::

        scorer.score(vector)
        with no_allocation():
            scorer.score(vector)
    """

    def __enter__(self):
        if not MICROPYTHON:
            raise unittest.SkipTest(_REASON)
        import micropython

        self._unlock = micropython.heap_unlock
        micropython.heap_lock()

    def __exit__(self, kind, value, traceback):
        self._unlock()
        if kind is not None and issubclass(kind, MemoryError):
            raise AssertionError("the code inside no_allocation() allocated on the heap")
        return False


def vectors(name):
    """Content of the golden vectors host_tests/vectors/<name>.json."""
    with open("host_tests/vectors/" + name + ".json") as file:
        return json.load(file)
