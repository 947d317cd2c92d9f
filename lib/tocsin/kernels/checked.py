# SPDX-License-Identifier: Apache-2.0
"""The kernels by the same names with every argument checked first, for a person at the prompt.

    from tocsin.kernels.checked import spectrum

A wrong type, a short array or a count beyond one raises ArrayError, and native code is not called.
One table says what each kernel wants; values that only make a result wrong are not looked at.
"""

from array import array

from tocsin import kernels
from tocsin.kernels.arrays import ArrayError, make_work, need  # noqa: F401
from tocsin.kernels.plan import PlanError, make_plan

_MANY = 1 << 20
_LONGEST = 32767
_ITEMS = {"h": memoryview(array("h", [0])), "b": memoryview(array("b", [0]))}
_known = [None]


def _plan(plan) -> None:
    """Check all of a plan, which leads into other arrays; one plan is kept to compare with."""
    need("plan", plan, "h", 16)
    if plan != _known[0]:
        try:
            good = make_plan(plan[0], plan[2], plan[3])
        except PlanError as error:
            raise ArrayError("plan: %s" % error)
        if plan != good:
            raise ArrayError("plan: not one that make_plan made")
        _known[0] = good


def _part(what: str, values, code: str, least: int, written: bool) -> None:
    """Check an array or a part of one, a memoryview. MicroPython tells only the items' size."""
    if not isinstance(values, memoryview):
        need(what, values, code, least)
        return
    try:
        if written:
            values[0:0] = _ITEMS[code][0:0]
        else:
            _ITEMS[code][0:0] = values[0:0]
    except (TypeError, ValueError, NotImplementedError):
        raise ArrayError("%s must be a part of array('%s')" % (what, code))
    if len(values) < least:
        raise ArrayError("%s has %d values, not %d" % (what, len(values), least))


def _work(work, least: int) -> None:
    if kernels.BACKEND != "ulab":
        need("work", work, "i", least)
    elif isinstance(work, array) or len(work) < least:
        raise ArrayError("work must be that of make_work, for %d bins" % least)


def _count(n: int) -> int:
    """A count out of a parameter array, 1 or more."""
    if n < 1:
        raise ArrayError("a count or step of %d" % n)
    return n


def _index(n: int) -> int:
    if n < 0:
        raise ArrayError("an index of %d" % n)
    return n


def _fours(n: int) -> int:
    if n & 3:
        raise ArrayError("%d inputs, not a multiple of 4" % n)
    return _count(n)


def _bins(values) -> int:
    """Bins that the bands reach to."""
    edges = values[1]
    top = 0
    for i in range(1, 2 * _count(edges[0]), 2):
        if not 0 <= edges[i] <= edges[i + 1]:
            raise ArrayError("edges: a band from %d to %d" % (edges[i], edges[i + 1]))
        top = max(top, edges[i + 1])
    return top


def _high(values) -> int:
    """The end of a walk over a spectrum."""
    if values[1] > values[2]:
        raise ArrayError("bins from %d to %d" % (values[1], values[2]))
    return values[2]


def _blocks(values) -> int:
    """Room that a Teager envelope needs."""
    if values[1] & (values[1] - 1):
        raise ArrayError("a decimation of %d, not a power of two" % values[1])
    return max(5, values[3] // values[1])


def _places(values) -> int:
    """Room for the places that statistics go to."""
    table = values[1]
    top = 0
    for i in range(1, 3 * table[0], 3):
        if not (0 <= table[i] <= 9 and (-1 if table[i] else 0) <= table[i + 2] <= 8):
            raise ArrayError("table: kind %d with q %d" % (table[i], table[i + 2]))
        top = max(top, _index(table[i + 1]) + 1)
    return top


def _points(values) -> int:
    """Room for resampled values, not so much that an index overflows."""
    if len(values[2]) > _LONGEST:
        raise ArrayError("out has more than %d values" % _LONGEST)
    return 1


# Per kernel: (position, name, code, least), in the order of the checks. Codes: "h", "i", "b" an
# array or part of one with at least so many values, a number or a function of all arguments; "="
# marks one that is written, "!" one of which words are read, so a whole array; "work" and "plan"
# those of an FFT; "int" a number from .. to.
_FFT = (
    (2, "plan", "plan", 0),
    (0, "frame", "h!", lambda a: a[2][0]),
    (1, "window", "h!", lambda a: a[2][0]),
    (3, "work", "work", lambda a: a[2][0] + 2),
)
_WALK = (
    (1, "lo", "int", (0, _MANY)),
    (2, "hi", "int", (0, _MANY)),
    (0, "work", "work", _high),
)
_POINTS = (
    (1, "count", "int", (1, 8192)),
    (0, "frame", "h", lambda a: a[1]),
    (2, "out", "h=", 1),
    (2, "out", "h=", _points),
)
SIGNATURES = {
    "rfft": _FFT,
    "spectrum": _FFT,
    "load_power": (
        (1, "count", "int", (1, _MANY)),
        (0, "frame", "h!", lambda a: a[1]),
        (2, "work", "work", lambda a: a[1]),
    ),
    "band_log2": (
        (1, "edges", "h!", 3),
        (1, "edges", "h!", lambda a: 1 + 2 * a[1][0]),
        (2, "offset", "int", (-_MANY, _MANY)),
        (0, "work", "work", _bins),
        (3, "out", "h=", lambda a: a[1][0]),
    ),
    "weighted_log2": (
        (1, "weights", "h!", 2),
        (1, "weights", "h!", lambda a: 2 + 2 * _index(a[1][1])),
        (2, "offset", "int", (-_MANY, _MANY)),
        (0, "work", "work", lambda a: _index(a[1][0]) + a[1][1]),
    ),
    "peak_bin": _WALK,
    "centroid": _WALK,
    "deinterleave": (
        (2, "spec", "h!", 3),
        (1, "start", "int", (0, _MANY)),
        (0, "block", "h", lambda a: a[1] + _count(a[2][0]) * (_count(a[2][1]) - 1) + 1),
        (3, "frame", "h=", lambda a: _index(a[2][2]) + a[2][1]),
    ),
    "block_means": _POINTS,
    "resample": _POINTS,
    "moments": (
        (1, "count", "int", (1, _LONGEST)),
        (0, "frame", "h!", lambda a: a[1]),
        (2, "out", "i!", 16),
    ),
    "statistics": (
        (1, "table", "h!", 4),
        (1, "table", "h!", lambda a: 1 + 3 * _count(a[1][0])),
        (0, "raw", "i!", 16),
        (2, "vector", "h=", _places),
    ),
    "isqrt": ((0, "x", "int", (0, (1 << 30) - 1)),),
    "widen": (
        (1, "count", "int", (1, _MANY)),
        (3, "at", "int", (0, _MANY)),
        (0, "vector", "h", lambda a: a[1]),
        (2, "words", "i!", lambda a: a[3] + a[1]),
    ),
    "teager": (
        (3, "count", "int", (2, _LONGEST)),  # Thumb code looks at the second sample
        (1, "decimation", "int", (1, 64)),
        (0, "frame", "h!", lambda a: a[3]),
        (2, "out", "h!", _blocks),
    ),
    "scale": (
        (1, "params", "h!", 1),
        (1, "params", "h!", lambda a: 1 + 3 * _count(a[1][0])),
        (0, "features", "h", lambda a: a[1][0]),
        (2, "z", "h=", lambda a: a[1][0]),
    ),
    "matvec": (
        (2, "params", "h!", 3),
        (0, "z", "h", lambda a: _count(a[2][1])),
        (1, "matrix", "h", lambda a: _count(a[2][0]) * a[2][1]),
        (3, "u", "h=", lambda a: a[2][0]),
    ),
    "kmeans": (
        (2, "params", "i!", 5),
        (2, "params", "i!", lambda a: 4 + _count(a[2][0])),
        (0, "z", "h", lambda a: _count(a[2][1])),
        (1, "centroids", "h", lambda a: a[2][0] * a[2][1]),
        (3, "distances", "i!", lambda a: a[2][0]),
    ),
    "quantize_s8": (
        (1, "params", "h!", 4),
        (0, "z", "h", lambda a: _count(a[1][0])),
        (2, "q", "b=", lambda a: a[1][0]),
    ),
    "dequantize_s8": (
        (1, "params", "h!", 4),
        (0, "q", "b", lambda a: _count(a[1][0])),
        (2, "z", "h=", lambda a: a[1][0]),
    ),
    "fc_s8": (
        (2, "params", "i!", 12),
        (2, "params", "i!", lambda a: 8 + 4 * _count(a[2][1])),
        (0, "x", "b!", lambda a: _fours(a[2][0])),
        (1, "w", "b!", lambda a: a[2][0] * a[2][1]),
        (3, "y", "b=", lambda a: a[2][1]),
    ),
    "check_words": (
        (1, "words", "int", (1, _MANY)),
        (3, "at", "int", (0, _MANY)),
        (0, "data", "b!", lambda a: 4 * a[1]),
        (2, "sums", "H!", lambda a: 2 * a[3] + 2),
    ),
}


def check(name: str, arguments) -> None:
    """Check a kernel's arguments. Raises ArrayError."""
    wanted = max([row[0] for row in SIGNATURES[name]]) + 1
    if len(arguments) != wanted:
        raise ArrayError("%s takes %d arguments, not %d" % (name, wanted, len(arguments)))
    for position, what, code, least in SIGNATURES[name]:
        value = arguments[position]
        if code == "int":
            if type(value) is not int or not least[0] <= value <= least[1]:
                raise ArrayError("%s must be %d to %d, not %r" % (what, least[0], least[1], value))
            continue
        if not isinstance(least, int):
            least = least(arguments)
        if code == "plan":
            _plan(value)
        elif code == "work":
            _work(value, least)
        elif code[-1] == "!":
            need(what, value, code[0], least)
        else:
            _part(what, value, code[0], least, code[-1] == "=")


def _checked(name: str):
    def kernel(*arguments):
        check(name, arguments)
        return getattr(kernels, name)(*arguments)

    return kernel


for _name in SIGNATURES:
    globals()[_name] = _checked(_name)
