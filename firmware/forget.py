# SPDX-License-Identifier: Apache-2.0
"""Gives the memory of modules back that were needed for a while."""

import sys


def forget(start: str, whole: bool = False) -> None:
    """Give memory back: drop the modules whose names begin so, and their packages' names for them.

    All belong to one package. whole: `start` is a whole name.
    """
    package = sys.modules.get(start.rsplit(".", 1)[0])
    for name in [name for name in sys.modules if name.startswith(start)
                 and not (whole and name != start)]:
        del sys.modules[name]
        own = name.rsplit(".", 1)[1]
        if package is not None and hasattr(package, own):
            delattr(package, own)
