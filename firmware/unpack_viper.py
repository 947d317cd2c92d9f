# SPDX-License-Identifier: Apache-2.0
"""unpack.py in native code, which a board compiles or loads; same arguments, same result."""

import micropython


@micropython.viper
def unpack(source, target, spec):
    """See unpack.unpack."""
    s = ptr8(source)
    t = ptr16(target)
    p = ptr16(spec)
    stride = int(p[1])
    end = 3 + 2 * int(p[2])
    at = 0
    to = 0
    for _ in range(int(p[0])):
        word = 3
        while word < end:
            t[to] = s[at + p[word]] | s[at + p[word + 1]] << 8
            to += 1
            word += 2
        at += stride
