# SPDX-License-Identifier: Apache-2.0
"""Features of slow channels: each looks at the newest `n` samples of a full window.

Means come from `sum` over a view made once, so a hop of one sample stays cheap. `q` is the
number of fractional bits of the output, -1 halves it; n, lag and long are in samples.

    level           mean of the newest n samples
    change          level minus the mean of the n samples that end `lag` samples earlier
    deviation       level minus the mean of the newest `long` samples
    slope           least-squares slope per sample times n; n > 32: through 32 block means
    range           largest minus smallest of the newest n
    duty_cycle      share of the newest n that are on: at or above `on` until at or below `off`
                    (on < off: at or below `on` until at or above `off`). Before the oldest sample
                    the state is off
    time_since_change  extractions since the level last moved by `delta` or more; 0 at first
    ewma            s += (level - s) >> shift, once per extraction, 13 fractional bits; starts at
                    the first level
    ewma_deviation  level minus s before s is updated; 0 at first

The last three keep state from one extraction to the next; `reset` forgets it.
"""

from array import array

from tocsin.dsp.checks import FeatureError, integer
from tocsin.dsp.finish import mean_q
from tocsin.kernels import block_means
from tocsin.kernels.fixed import sat16, shift_round

_BLOCKS = 32
_STATE_Q = 13


def _level(item) -> int:
    return mean_q(sum(item.view), item.n, item.q)


def _change(item) -> int:
    return _level(item) - mean_q(sum(item.older), item.n, item.q)


def _deviation(item) -> int:
    return _level(item) - mean_q(sum(item.older), item.long, item.q)


def _slope(item) -> int:
    blocks = item.blocks
    m = len(blocks)
    block_means(item.view, item.n, blocks)
    total = 0
    for j in range(m):
        total += (2 * j + 1 - m) * blocks[j]
    return mean_q(6 * total, m * m - 1, item.q)


def _range(item) -> int:
    return shift_round(max(item.view) - min(item.view), -item.q)


def _duty_cycle(item) -> int:
    on, off = item.on, item.off
    sign = 1 if on >= off else -1
    on *= sign
    off *= sign
    state = 0
    count = 0
    for value in item.view:
        value *= sign
        if value >= on:
            state = 1
        elif value <= off:
            state = 0
        count += state
    return mean_q(count, item.n, 12)


def _time_since_change(item) -> int:
    level = _level(item)
    if item.fresh or abs(level - item.state) >= item.delta:
        item.fresh = False
        item.state = level
        item.age = 0
    elif item.age < 32767:
        item.age += 1
    return item.age


def _update(item) -> int:
    """Advance the EWMA; returns the new level minus the state before, in Q13."""
    level = mean_q(sum(item.view), item.n, _STATE_Q)
    if item.fresh:
        item.fresh = False
        item.state = level
    step = level - item.state
    item.state += shift_round(step, item.shift)
    return step


def _ewma(item) -> int:
    _update(item)
    return shift_round(item.state, _STATE_Q - item.q)


def _ewma_deviation(item) -> int:
    return shift_round(_update(item), _STATE_Q - item.q)


_FORMULAS = {
    "level": _level,
    "change": _change,
    "deviation": _deviation,
    "slope": _slope,
    "range": _range,
    "duty_cycle": _duty_cycle,
    "time_since_change": _time_since_change,
    "ewma": _ewma,
    "ewma_deviation": _ewma_deviation,
}


class _Item:
    """One configured feature: its formula, its view of the frame and its state."""

    def __init__(self, feature: dict, at: int, window: int):
        kind = feature["kind"]
        self.at = at
        self.channel = feature["channel"]
        self.formula = _FORMULAS[kind]
        self.n = integer(feature, "n", 2 if kind == "slope" else 1, window, 1)
        self.q = integer(feature, "q", -1, 8, 0)
        self.reach = 0
        if kind == "change":
            self.reach = self.n + integer(feature, "lag", 1, window)
            if self.reach > window:
                raise FeatureError("change: n + lag is above the window of %d" % window)
        elif kind == "deviation":
            self.long = self.reach = integer(feature, "long", 2, window)
        elif kind == "slope":
            self.blocks = array("h", [0] * min(self.n, _BLOCKS))
        elif kind == "duty_cycle":
            self.on = integer(feature, "on", -32767, 32767)
            self.off = integer(feature, "off", -32767, 32767)
        elif kind == "time_since_change":
            self.delta = integer(feature, "delta", 1, 65535)
        elif kind == "ewma" or kind == "ewma_deviation":
            self.shift = integer(feature, "shift", 1, 13)
        self.fresh = True
        self.state = 0
        self.age = 0

    def bind(self, frame) -> None:
        view = memoryview(frame)
        window = len(frame)
        self.view = view[window - self.n :]
        if self.reach:
            start = window - self.reach
            self.older = view[start : start + self.n] if self.formula is _change else view[start:]


class Slow:
    """All slow features of a configuration, over every channel."""

    KEYS = ()

    def __init__(self, feature: dict, config: dict, buffers):
        self._window = config["window"]
        self.items = []

    def add(self, feature: dict, at: int) -> None:
        self.items.append(_Item(feature, at, self._window))

    def bind(self, frames, vector) -> None:
        for item in self.items:
            item.bind(frames[item.channel])

    def reset(self) -> None:
        for item in self.items:
            item.fresh = True

    def run(self, count: int, vector) -> None:
        """Write every feature; the newest sample is the last one of the frame."""
        for item in self.items:
            vector[item.at] = sat16(item.formula(item))
