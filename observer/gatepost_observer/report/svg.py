"""Charts as SVG: columns over time, and the small bars in tables. Colours come from the page's style.

In: a Chart, and how wide it is shown. Out: an svg element with a title and a text that tells what can be seen. Pure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from gatepost_observer.report import words
from gatepost_observer.report.arranged import Chart
from gatepost_observer.report.markup import Markup, el, joined

_LEFT, _TOP, _BOTTOM, _RIGHT = 46, 12, 28, 6


@dataclass(frozen=True)
class Size:
    """How large a chart is drawn, and how many letters fit under it."""

    name: str
    width: int
    height: int
    letters: int


WIDE: Final = Size("wide", 540, 230, 74)
NARROW: Final = Size("narrow", 340, 220, 42)


def chart(of: Chart, number: int, size: Size) -> Markup:
    """The columns of all series side by side, with a scale."""
    identity = f"chart-{number}-{size.name}"
    step = _step(max((max(s.values, default=0) for s in of.series), default=0))
    top = max((max(s.values, default=0) for s in of.series), default=0)
    lines = max(1, math.ceil(top / step))
    scale = (size.height - _TOP - _BOTTOM) / (lines * step)
    return el(
        "svg",
        el("title", of.title, id=f"{identity}-title"),
        el("desc", of.told, id=f"{identity}-told"),
        _grid(size, step, lines, scale),
        _columns(of, size, scale),
        _labels(of, size),
        viewBox=f"0 0 {size.width} {size.height}",
        role="img",
        aria_labelledby=f"{identity}-title {identity}-told",
        class_=f"chart {size.name}",
    )


def _step(most: float) -> float:
    """A round number: about four of them make the highest column."""
    if most <= 4:
        return 1
    rough = most / 4
    power = 10.0 ** math.floor(math.log10(rough))
    return float(next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= rough and (power * n) % 1 == 0))


def _grid(size: Size, step: float, lines: int, scale: float) -> Markup:
    drawn = []
    for n in range(lines + 1):
        y = round(size.height - _BOTTOM - n * step * scale, 1)
        drawn.append(el("line", x1=_LEFT, x2=size.width - _RIGHT, y1=y, y2=y, class_="zero" if n == 0 else "grid"))
        drawn.append(el("text", _short(n * step), x=_LEFT - 6, y=y + 4, class_="scale"))
    return joined(*drawn)


def _short(value: float) -> str:
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if value >= 10 * size:
            return f"{value / size:g}{unit}"
    return words.count(value)


def _columns(of: Chart, size: Size, scale: float) -> Markup:
    slot = (size.width - _LEFT - _RIGHT) / max(1, len(of.labels))
    width = min(34.0, slot * 0.76 / max(1, len(of.series)))
    start = (slot - width * len(of.series)) / 2
    drawn = []
    for number, series in enumerate(of.series):
        for n, value in enumerate(series.values):
            height = round(value * scale, 1)
            x = round(_LEFT + n * slot + start + number * width, 1)
            y = round(size.height - _BOTTOM - height, 1)
            if height > 0:
                drawn.append(
                    el("rect", x=x, y=y, width=round(max(width - 1, 0.5), 1), height=height, class_=f"s{number}")
                )
    return joined(*drawn)


def _labels(of: Chart, size: Size) -> Markup:
    """Only as many as fit without touching each other."""
    slot = (size.width - _LEFT - _RIGHT) / max(1, len(of.labels))
    longest = max((len(label) for label in of.labels), default=1) + 2
    every = max(1, math.ceil(len(of.labels) * longest / size.letters))
    return joined(
        *(
            el("text", label, x=_inside(_LEFT + (n + 0.5) * slot, label, size), y=size.height - 8, class_="label")
            for n, label in enumerate(of.labels)
            if n % every == 0
        )
    )


def _inside(x: float, label: str, size: Size) -> float:
    """The middle of a label, moved so far that its end is not cut off. A letter is about 7.6 wide."""
    return round(min(x, size.width - len(label) * 3.8), 1)


def bar(part: float) -> Markup:
    """A small bar in a table's cell; the number beside it says the same."""
    return el(
        "svg",
        el("rect", width=100, height=8, class_="bed"),
        el("rect", width=round(100 * min(max(part, 0.0), 1.0), 1), height=8, class_="s0"),
        viewBox="0 0 100 8", preserveAspectRatio="none", aria_hidden="true", focusable="false", class_="bar",
    )  # fmt: skip
