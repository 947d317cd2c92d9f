# SPDX-License-Identifier: Apache-2.0
"""Plots as inline SVG: readable at 1280 and at 400 pixels, in light and dark, without scripts.

A plot is a function of a `Canvas`; `figure` draws it twice, wide and narrow, and the page's style
sheet shows the one that fits. Colours are classes, so that the style sheet can change them.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape

Point = tuple[float, float]


class Canvas:
    """One plot area. x and y domains in data units; y may be logarithmic."""

    def __init__(self, width: int, height: int, x: Point, y: Point, log_y: bool = False,
                 left: int = 46, strip: int = 0):
        self.width, self.height = width, height
        self.narrow = width < 600
        self._x, self._y, self._log = x, y, log_y
        self.left, self.right, self.top = left, 10, 20
        self.bottom = 26 + strip
        self._parts: list[str] = []

    def x(self, value: float) -> float:
        """Data to pixels."""
        low, high = self._x
        inner = self.width - self.left - self.right
        return self.left + (min(max(value, low), high) - low) / (high - low) * inner

    def y(self, value: float) -> float:
        """Data to pixels."""
        low, high = self._y
        value = min(max(value, low), high)
        if self._log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        inner = self.height - self.top - self.bottom
        return self.height - self.bottom - (value - low) / (high - low) * inner

    def add(self, markup: str) -> None:
        self._parts.append(markup)

    def text(self, x: float, y: float, text: str, style: str = "", anchor: str = "start") -> None:
        """Text at pixels."""
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">'
                 f'{escape(text)}</text>')

    def hours(self, low: float, high: float) -> None:
        """The time axis: x is in hours."""
        span = high - low
        step = next(s for s in (0.25, 0.5, 1, 2, 3, 4, 6) if span / s <= (5 if self.narrow else 12)
                    or s == 6)
        base = self.height - self.bottom
        tick = math.ceil(low / step) * step
        while tick <= high + 1e-9:
            x = self.x(tick)
            self.add(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{self.top}" y2="{base}" class="grid"/>')
            self.text(x, self.height - 6, f"{int(tick):02d}:{round(tick % 1 * 60):02d}", "tick",
                      "middle" if low < tick < high else ("start" if tick <= low else "end"))
            tick += step

    def ticks(self, values: Iterable[float], form: str = "{:g}") -> None:
        """The value axis."""
        for value in values:
            y = self.y(value)
            self.add(f'<line x1="{self.left}" x2="{self.width - self.right}" y1="{y:.1f}" '
                     f'y2="{y:.1f}" class="grid"/>')
            self.text(self.left - 6, y + 4, form.format(value), "tick", "end")

    def unit(self, text: str) -> None:
        """The unit, above the value axis."""
        self.text(4, 12, text, "tick")

    def line(self, points: Sequence[Point], style: str, gap: float = math.inf) -> None:
        """A line; broken where neighbours are more than `gap` apart in x."""
        runs: list[list[str]] = [[]]
        before = None
        for px, py in points:
            if before is not None and px - before > gap:
                runs.append([])
            before = px
            runs[-1].append(f"{self.x(px):.1f},{self.y(py):.1f}")
        for run in runs:
            if len(run) > 1:
                self.add(f'<polyline points="{" ".join(run)}" class="{style}"/>')

    def span(self, low: float, high: float, style: str, title: str) -> None:
        """Shade an interval of x over the whole height."""
        x0, x1 = self.x(low), self.x(high)
        self.add(f'<rect x="{x0:.1f}" y="{self.top}" width="{max(1.5, x1 - x0):.1f}" '
                 f'height="{self.height - self.top - self.bottom}" class="{style}">'
                 f'<title>{escape(title)}</title></rect>')

    def zone(self, low: float, high: float, style: str) -> None:
        """Shade an interval of y."""
        y0, y1 = self.y(high), self.y(low)
        width = self.width - self.left - self.right
        self.add(f'<rect x="{self.left}" y="{y0:.1f}" width="{width}" '
                 f'height="{max(0.0, y1 - y0):.1f}" class="{style}"/>')

    def level(self, value: float, style: str, text: str) -> None:
        """A horizontal line with its name at the right."""
        y = self.y(value)
        self.add(f'<line x1="{self.left}" x2="{self.width - self.right}" y1="{y:.1f}" '
                 f'y2="{y:.1f}" class="{style}"/>')
        self.text(self.left + 4, y - 4, text, "note")

    def moment(self, value: float, style: str, text: str, row: int = 0) -> None:
        """A vertical line with a label that stays inside the plot."""
        x = self.x(value)
        end = x > self.left + (self.width - self.left) * 0.6
        self.add(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{self.top}" '
                 f'y2="{self.height - self.bottom}" class="{style}"/>')
        self.text(x + (-5 if end else 5), self.top + 13 + 16 * row, text, f"note {style}-text",
                  "end" if end else "start")

    def strip(self, row: int, spans: Iterable[Point], style: str, name: str) -> None:
        """A row of short bars under the plot, as for door openings."""
        y = self.height - self.bottom + 4 + 15 * row
        for low, high in spans:
            x0, x1 = self.x(low), self.x(high)
            self.add(f'<rect x="{x0:.1f}" y="{y}" width="{max(1.6, x1 - x0):.1f}" height="10" '
                     f'class="{style}"/>')
        self.text(self.left - 6, y + 9, name, "tick", "end")

    def bar(self, x0: float, x1: float, low: float, high: float, style: str, title: str) -> None:
        """An upright bar in data units."""
        left, right = self.x(x0) + 1, self.x(x1) - 1
        top, bottom = self.y(high), self.y(low)
        self.add(f'<rect x="{left:.1f}" y="{top:.1f}" width="{max(1.0, right - left):.1f}" '
                 f'height="{max(0.0, bottom - top):.1f}" class="{style}">'
                 f'<title>{escape(title)}</title></rect>')

    def svg(self, label: str) -> str:
        kind = "narrow" if self.narrow else "wide"
        return (f'<svg class="{kind}" viewBox="0 0 {self.width} {self.height}" role="img" '
                f'aria-label="{escape(label)}">{"".join(self._parts)}</svg>')


def figure(draw: Callable[[int, int], Canvas], caption: str,
           legend: Sequence[tuple[str, str]] = (), height: int = 260) -> str:
    """Both sizes of a plot with its caption. legend: (style of the mark, words)."""
    marks = "".join(f'<span><i class="{style}"></i>{escape(words)}</span>'
                    for style, words in legend)
    return (f'<figure>{draw(1120, height).svg(caption)}{draw(380, height).svg(caption)}'
            f'<figcaption>{f"<div class=legend>{marks}</div>" if marks else ""}'
            f'{escape(caption)}</figcaption></figure>')
