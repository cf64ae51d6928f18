"""Charts as coordinates; `chart.html` makes inline SVG of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 320.0, 190.0
LEFT, RIGHT, TOP, BOTTOM = 48.0, 12.0, 10.0, 34.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Tick:
    """A place on an axis and what stands there."""

    place: float
    text: str


@dataclass(frozen=True)
class Series:
    """One line.

    Attributes:
        name: for the legend, "" for none.
        path: of an SVG path.
        dots: places that are marked, `(x, y)`.
        style: the number of its colour and dashes.
    """

    name: str
    path: str
    dots: list[Point]
    style: int


@dataclass(frozen=True)
class Bar:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Chart:
    """One chart.

    Attributes:
        title, description: for those who do not see it; the title is its caption too.
        x_label, y_label: of the axes.
        marked: places of vertical lines, such as the chosen checkpoint's, each with its text.
    """

    title: str
    description: str
    x_label: str
    y_label: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    series: list[Series]
    bars: list[Bar]
    marked: list[Tick]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


@dataclass(frozen=True)
class Line:
    """What a chart is made of: a name and points; `dots` marks each."""

    name: str
    points: Sequence[Point]
    dots: bool = False
    style: int | None = None


def line_chart(
    title: str,
    lines: Sequence[Line],
    *,
    x_label: str,
    y_label: str = "",
    x_range: Point | None = None,
    y_range: Point | None = None,
    bars: Sequence[tuple[float, float, float]] = (),
    marked: Sequence[tuple[float, str]] = (),
    description: str = "",
) -> Chart | None:
    """Lines over common axes, or `None` where no line has a point.

    Args:
        x_range, y_range: of the axes; by default those of the points.
        bars: (left, right, value) from zero.
        marked: (x, text) of vertical lines.
        description: by default how each line begins and ends.
    """
    lines = [
        Line(line.name, [p for p in line.points if all(map(math.isfinite, p))], line.dots, line.style) for line in lines
    ]
    points = [point for line in lines for point in line.points]
    if not points:
        return None
    x_low, x_high = x_range or _padded([x for x, _ in points], 0.0)
    y_low, y_high = y_range or _padded([y for _, y in points], 0.05)

    def place(x: float, y: float) -> Point:
        across = LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - RIGHT - LEFT)
        down = HEIGHT - BOTTOM - (y - y_low) / (y_high - y_low) * (HEIGHT - BOTTOM - TOP)
        return round(across, 1), round(down, 1)

    series = []
    for number, line in enumerate(lines):
        placed = [place(x, y) for x, y in line.points]
        path = "M" + "L".join(f"{x:g} {y:g}" for x, y in placed) if placed else ""
        style = number if line.style is None else line.style
        series.append(Series(line.name, path, placed if line.dots or len(placed) == 1 else [], style))
    filled = []
    for left, right, value in bars:
        (x0, y0), (x1, y1) = place(left, max(value, 0.0)), place(right, min(value, 0.0))
        filled.append(Bar(x0, y0, round(x1 - x0, 1), round(y1 - y0, 1)))
    return Chart(
        title=title,
        description=description or _described(lines, x_label),
        x_label=x_label,
        y_label=y_label,
        x_ticks=[Tick(place(x, y_low)[0], number_text(x)) for x in nice_ticks(x_low, x_high, 4)],
        y_ticks=[Tick(place(x_low, y)[1], number_text(y)) for y in nice_ticks(y_low, y_high, 4)],
        series=series,
        bars=filled,
        marked=[Tick(place(x, y_low)[0], text) for x, text in marked],
    )


def nice_ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers from `low` to `high`, about so many.

    >>> nice_ticks(0, 1200, 4)
    [0.0, 500.0, 1000.0]
    """
    raw = (high - low) / about
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(size * unit for size in (1, 2, 2.5, 5, 10) if size * unit >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def number_text(value: float) -> str:
    """Four digits at most.

    >>> number_text(1200.0), number_text(0.30000000000000004), number_text(-0.0)
    ('1200', '0.3', '0')
    """
    return f"{value + 0.0:.4g}" if value else "0"


def _padded(values: Sequence[float], share: float) -> Point:
    low, high = min(values), max(values)
    if low == high:
        room = abs(low) * 0.1 or 1.0
        return low - room, high + room
    room = (high - low) * share
    return low - room, high + room


def _described(lines: Sequence[Line], x_label: str) -> str:
    texts = []
    for line in lines:
        if line.points:
            (x0, y0), (x1, y1) = line.points[0], line.points[-1]
            name = f"{line.name}: " if line.name else ""
            texts.append(
                f"{name}from {number_text(y0)} to {number_text(y1)} between {x_label} {number_text(x0)} and "
                f"{number_text(x1)}"
            )
    return "; ".join(texts) + "."
