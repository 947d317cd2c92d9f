# SPDX-License-Identifier: Apache-2.0
"""The check of an array before native code sees nothing of it but an address; FFT work arrays."""

from array import array


class ArrayError(ValueError):
    """An array of another type or length than a kernel wants; the message says which."""


def need(what: str, values, code: str, length: int, error=ArrayError) -> None:
    """Raise `error` unless `values` is an array of that type code with `length` values or more.

    An array, as opposed to a slice of a memoryview, also starts on a word. Allocates: for arrays
    that are new, not for every window.
    """
    kind = repr(values[:0])[:9] if isinstance(values, array) else type(values).__name__
    if kind != "array('%s'" % code:
        raise error("%s must be array('%s'), not %s" % (what, code, kind))
    if len(values) < length:
        raise error("%s has %d values, not %d" % (what, len(values), length))


def make_work(n: int) -> array:
    """Return the int32 work array of an FFT of n points: n + 2 words."""
    return array("i", bytes(4 * (n + 2)))
