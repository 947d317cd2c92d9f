# SPDX-License-Identifier: Apache-2.0
"""Features of a small grey image: a frame of `shape` [rows, columns], row by row.

`grid` [rows, columns] cuts it into tiles (tile i starts at i*size//tiles), one output per tile,
row by row; grid [rows, 1] gives row statistics, [1, columns] column statistics.

    image_means    mean of the tile
    image_mins     darkest pixel; image_ranges: brightest minus darkest
    image_steps_x  mean |x[r][c+1] - x[r][c]| over the tile's pixels that have a neighbour there
    image_steps_y  mean |x[r+1][c] - x[r][c]| likewise: edges and cracks

`points` must be the number of tiles. `q`: fractional bits of the means.
"""

from tocsin.dsp.checks import FeatureError, integer
from tocsin.dsp.finish import mean_q
from tocsin.kernels.fixed import sat16


def _size(feature: dict, key: str) -> list:
    value = feature.get(key)
    if not isinstance(value, list) or len(value) != 2:
        raise FeatureError("%s: %s must be [rows, columns]" % (feature["kind"], key))
    for n in value:
        if not isinstance(n, int) or n < 1:
            raise FeatureError("%s: %s must be two integers above 0" % (feature["kind"], key))
    return value


class Images:
    """All image features of one channel."""

    KEYS = ("channel",)

    def __init__(self, feature: dict, config: dict, buffers):
        self.channel = feature["channel"]
        self._window = config["window"]
        self.items = []
        self._frame = None

    def add(self, feature: dict, at: int) -> None:
        kind = feature["kind"]
        rows, columns = _size(feature, "shape")
        tile_rows, tile_columns = _size(feature, "grid")
        if rows * columns > self._window:
            raise FeatureError(
                "%s: %d x %d pixels in a window of %d" % (kind, rows, columns, self._window)
            )
        if tile_rows > rows or tile_columns > columns:
            raise FeatureError("%s: more tiles than pixels" % kind)
        if integer(feature, "points", 1, 2048) != tile_rows * tile_columns:
            raise FeatureError("%s: points must be %d" % (kind, tile_rows * tile_columns))
        q = integer(feature, "q", 0, 8, 0)
        self.items.append((kind, at, rows, columns, tile_rows, tile_columns, q))

    def bind(self, frames, vector) -> None:
        self._frame = frames[self.channel]

    def reset(self) -> None:
        """Nothing is kept between images."""

    def run(self, count: int, vector) -> None:
        for kind, at, rows, columns, tile_rows, tile_columns, q in self.items:
            for i in range(tile_rows):
                top = i * rows // tile_rows
                bottom = (i + 1) * rows // tile_rows
                for j in range(tile_columns):
                    left = j * columns // tile_columns
                    right = (j + 1) * columns // tile_columns
                    if kind == "image_steps_x":
                        right = min(right, columns - 1)
                        value = self._steps(top, bottom, left, right, columns, 1, q)
                    elif kind == "image_steps_y":
                        bottom = min(bottom, rows - 1)
                        value = self._steps(top, bottom, left, right, columns, columns, q)
                    else:
                        value = self._tile(kind, top, bottom, left, right, columns, q)
                    vector[at] = sat16(value)
                    at += 1

    def _steps(self, top, bottom, left, right, columns, ahead, q) -> int:
        frame = self._frame
        total = 0
        for r in range(top, bottom):
            for i in range(r * columns + left, r * columns + right):
                total += abs(frame[i + ahead] - frame[i])
        count = (bottom - top) * (right - left)
        return mean_q(total, count, q) if count > 0 else 0

    def _tile(self, kind, top, bottom, left, right, columns, q) -> int:
        frame = self._frame
        low = high = frame[top * columns + left]
        total = 0
        for r in range(top, bottom):
            for i in range(r * columns + left, r * columns + right):
                value = frame[i]
                total += value
                low = min(low, value)
                high = max(high, value)
        if kind == "image_means":
            return mean_q(total, (bottom - top) * (right - left), q)
        return low if kind == "image_mins" else high - low
