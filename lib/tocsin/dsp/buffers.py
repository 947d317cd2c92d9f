# SPDX-License-Identifier: Apache-2.0
"""Copying without allocation, and buffers that several feature groups share."""


class _Whole:
    def __getitem__(self, index):
        return index


# The slice of `x[:]`: writing `target[ALL] = source` makes no new slice object
ALL = _Whole()[:]


def shared(buffers: dict, key, make, *arguments):
    """The buffer of this key, made on first use: groups run one after the other and share it."""
    if key not in buffers:
        buffers[key] = make(*arguments)
    return buffers[key]
