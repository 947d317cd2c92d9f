# SPDX-License-Identifier: Apache-2.0
"""Features of a whole part (a torque curve, a press stroke, a vector): its first `count` samples.

    value          sample `index` (from the end when negative)
    length         count
    min, max       smallest and largest sample; argmin, argmax: index of the first of them
    mean_abs_step  mean |x[i] - x[i-1]|, 0 for a single sample
    block_means    means of `points` blocks; block j is samples j*count//points up to the next
                   block's start, at least one sample
    resample       `points` samples of the straight lines through the samples, ends included

`q`: fractional bits of mean_abs_step and block_means.
"""

from tocsin.dsp.checks import integer
from tocsin.dsp.finish import mean_q
from tocsin.kernels import resample
from tocsin.kernels.fixed import sat16


class Parts:
    """All part features of one channel."""

    KEYS = ("channel",)

    def __init__(self, feature: dict, config: dict, buffers):
        self.channel = feature["channel"]
        self._window = config["window"]
        self.items = []
        self._frame = None
        self._min = self._max = self._argmin = self._argmax = self._steps = 0

    def add(self, feature: dict, at: int) -> None:
        kind = feature["kind"]
        parameter = 0
        if kind == "value":
            parameter = integer(feature, "index", -self._window, self._window - 1, 0)
        elif kind == "block_means" or kind == "resample":
            parameter = integer(feature, "points", 1, 2048)
        q = integer(feature, "q", 0, 8, 0)
        self.items.append((kind, at, parameter, q))
        self._views = [None] * len(self.items)

    def bind(self, frames, vector) -> None:
        self._frame = frames[self.channel]
        view = memoryview(vector)
        for i in range(len(self.items)):
            kind, at, parameter, _ = self.items[i]
            if kind == "resample":
                self._views[i] = view[at : at + parameter]

    def reset(self) -> None:
        """Nothing is kept between parts."""

    def run(self, count: int, vector) -> None:
        self._scan(count)
        for i in range(len(self.items)):
            kind, at, parameter, q = self.items[i]
            if kind == "block_means":
                self._block_means(count, parameter, q, vector, at)
            elif kind == "resample":
                resample(self._frame, count, self._views[i])
            else:
                vector[at] = sat16(self._number(kind, count, parameter, q))

    def _number(self, kind: str, count: int, parameter: int, q: int) -> int:
        if kind == "value":
            index = parameter if parameter >= 0 else max(0, count + parameter)
            return self._frame[min(index, count - 1)]
        if kind == "min":
            return self._min
        if kind == "max":
            return self._max
        if kind == "argmin":
            return self._argmin
        if kind == "argmax":
            return self._argmax
        if kind == "mean_abs_step":
            return mean_q(self._steps, count - 1, q) if count > 1 else 0
        return count

    def _scan(self, count: int) -> None:
        frame = self._frame
        low = high = before = frame[0]
        argmin = argmax = steps = 0
        for i in range(1, count):
            value = frame[i]
            if value < low:
                low = value
                argmin = i
            elif value > high:
                high = value
                argmax = i
            steps += abs(value - before)
            before = value
        self._min = low
        self._max = high
        self._argmin = argmin
        self._argmax = argmax
        self._steps = steps

    def _block_means(self, count: int, points: int, q: int, vector, at: int) -> None:
        frame = self._frame
        for j in range(points):
            start = j * count // points
            end = max(start + 1, (j + 1) * count // points)
            total = 0
            for i in range(start, end):
                total += frame[i]
            vector[at + j] = sat16(mean_q(total, end - start, q))
