"""A figure whose parts are placed in inches from its upper left corner."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from seasa_da.reporting.figures.text import HEADING, LINE, SMALL, TINY, fit, plain, text_height, text_width
from seasa_da.reporting.saving import save_figure

FULL_WIDTH = 7.16
"""Inches of two columns of an article, the most that a figure takes."""
COLUMN_WIDTH = 3.5
"""Inches of one."""
EDGE = 0.06
DPI = 300
KINDS = (".png", ".pdf")

_SWATCH, _PAD, _BETWEEN = 0.16, 0.05, 0.14
_LEGEND_ROW = 0.16


class Sheet:
    """An empty white figure of `width` times `height` inches."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
        FigureCanvasAgg(self.figure)

    def axes(self, x: float, y: float, width: float, height: float) -> Any:
        """New axes whose upper left corner is at `(x, y)`."""
        bottom = self.height - y - height
        return self.figure.add_axes((x / self.width, bottom / self.height, width / self.width, height / self.height))

    def picture_axes(self, x: float, y: float, width: float, height: float) -> Any:
        """Axes without ticks and frame, for a picture that fills them."""
        axes = self.axes(x, y, width, height)
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
        return axes

    def text(self, x: float, y: float, text: str, points: float, **style: Any) -> Any:
        """A line whose upper left corner is at `(x, y)`, unless `ha` and `va` say otherwise."""
        if "va" not in style:  # the baseline, so that letters with and without tails stand on one line
            y += 0.95 * points / 72
        options = {"ha": "left", "va": "baseline", "linespacing": LINE - 0.15, **style}
        return self.figure.text(x / self.width, 1 - y / self.height, text, fontsize=points, **options)

    def title(self, text: str, x: float = EDGE) -> None:
        """One line at the top from `x` on; `title_height` says how high that is. Empty: nothing."""
        if text:
            self.text(x, EDGE, plain(fit(text, self.width - x - EDGE, HEADING)), HEADING, color="0.3")

    def notes(self, x: float, y: float, lines: Sequence[str]) -> None:
        """Small lines below one another, `text_height(len(lines), TINY)` high."""
        for number, line in enumerate(lines):
            self.text(x, y + text_height(number, TINY), plain(line), TINY, color="0.3")

    def legend(self, x: float, y: float, handles: Sequence[Any], room: float, points: float = SMALL) -> None:
        """Entries in as many columns as `room` has place for; `legend_height` says how high that is."""
        if not handles:
            return
        for handle in handles:
            handle.set_label(plain(handle.get_label()))
        self.figure.legend(
            handles=list(handles),
            loc="upper left",
            bbox_to_anchor=(x / self.width, 1 - y / self.height),
            ncols=_legend_columns(handles, room, points),
            borderaxespad=0,
            borderpad=0,
            frameon=False,
            fontsize=points,
            handlelength=_SWATCH * 72 / points,
            handleheight=0.9,
            labelspacing=(_LEGEND_ROW * 72 - points * 1.1) / points,
            columnspacing=_BETWEEN * 72 / points,
            handletextpad=_PAD * 72 / points,
        )

    def save(self, folder: Path, name: str) -> list[Path]:
        """Write `NAME.png` and `NAME.pdf`. Raises `UserError` where they cannot be written."""
        files = [folder / f"{name}{kind}" for kind in KINDS]
        # letters in the PDF stay letters, for those who look for a word in it
        with rc_context({"pdf.fonttype": 42}):
            for file in files:
                save_figure(self.figure, file)
        return files


def title_height(text: str) -> float:
    """Inches that a sheet's title takes below its edge; 0 without one."""
    return text_height(1, HEADING) + 0.05 if text else 0.0


def legend_height(handles: Sequence[Any], room: float, points: float = SMALL) -> float:
    """Inches that a sheet's legend of these takes; 0 for none."""
    return math.ceil(len(handles) / _legend_columns(handles, room, points)) * _LEGEND_ROW if handles else 0.0


def _legend_columns(handles: Sequence[Any], room: float, points: float) -> int:
    """The most whose entries fit; a column is as wide as its longest entry."""
    widths = [text_width(handle.get_label(), points) + _SWATCH + _PAD for handle in handles]
    for columns in range(len(widths), 1, -1):
        # as matplotlib fills them, one column after the other
        longest = [max(part) for part in np.array_split(widths, columns)]
        if sum(longest) + (columns - 1) * _BETWEEN <= room:
            return columns
    return 1


def light_frame(axes: Any) -> None:
    """Axes of a chart: two thin lines, small figures."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_linewidth(0.6)
        axes.spines[side].set_color("0.4")
    axes.tick_params(labelsize=TINY, length=2, width=0.6, pad=1.5, color="0.4")


def set_range(
    axes: Any, which: str, limits: tuple[float, float], ticks: int | Sequence[float] = 4, *, whole: bool = False
) -> None:
    """The range of an axis (`which` is "x" or "y") and the ticks in it: given, or that many round (or `whole`) numbers.

    They are written short.
    """
    low, high = limits
    wanted = MaxNLocator(ticks, integer=whole).tick_values(low, high) if isinstance(ticks, int) else ticks
    inside = [tick for tick in wanted if low <= tick <= high]
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)
    axis.set_major_locator(FixedLocator(inside))
    axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def short(value: float) -> str:
    """A tick's number in few letters: 20k, 0.05, 1e-05."""
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k" if abs(value) < 1e6 else f"{value:.3g}"
    return "0" if abs(value) < 1e-12 else f"{value:.4g}"


def span(values: Sequence[float], margin: float = 0.06) -> tuple[float, float]:
    """From the lowest to the highest and a margin; a range of its own where all are equal."""
    low, high = min(values), max(values)
    room = (high - low) * margin or abs(high) * 0.1 or 0.1
    return low - room, high + room
