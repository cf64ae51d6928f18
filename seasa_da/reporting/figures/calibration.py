"""Reliability diagrams: how often a prediction of some confidence is right, before and after adaptation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.lines import Line2D

from seasa_da.reporting.colours import Palette, structure_colours
from seasa_da.reporting.figures.panels import PanelGrid
from seasa_da.reporting.figures.sheet import (
    COLUMN_WIDTH,
    EDGE,
    FULL_WIDTH,
    Sheet,
    legend_height,
    light_frame,
    set_range,
    title_height,
)
from seasa_da.reporting.figures.text import SMALL, TINY, fit, joined, text_height, wrap

FOREGROUND = "#000000"
_PANEL = 1.65  # inches of a diagram with its ticks
_TICKS, _LABEL = 0.24, 0.16
NOTE = (
    "ECE: expected calibration error of the voxels called a structure. "
    "Confident errors: share of all wrong voxels whose entropy is low."
)


@dataclass(frozen=True)
class Bins:
    """Voxels of one kind in bins of their confidence: its mean and the share that is right in each, percent."""

    confidence: Sequence[float]
    accuracy: Sequence[float]


@dataclass(frozen=True)
class Diagram:
    """One run.

    Attributes:
        name: what it is called.
        foreground: bins of the voxels that are called a structure.
        structures: bins of those called each; where there is one structure, it is the foreground.
        ece: expected calibration error of the foreground, percent.
        confident_errors: share of the wrong voxels whose entropy is low, percent.
    """

    name: str
    foreground: Bins
    structures: Mapping[str, Bins]
    ece: float | None = None
    confident_errors: float | None = None


def calibration_figure(
    diagrams: Sequence[Diagram], class_names: Sequence[str], *, palette: Palette = "paper", title: str = ""
) -> Sheet:
    """A diagram a run, the runs in their order; below the diagonal a network is more certain than it is right.

    Args:
        class_names: structures in the order of the labels.
        title: one line above.
    """
    columns = min(4, len(diagrams))
    width = max(COLUMN_WIDTH, min(FULL_WIDTH, columns * _PANEL + 2 * EDGE))
    alone = len(class_names) == 1
    foreground = class_names[0] if alone else "all structures"
    colours = {} if alone else structure_colours(class_names, palette)
    handles = [
        Line2D([], [], color=FOREGROUND, linewidth=1.6, label=fit(foreground, width * 0.8, SMALL)),
        *(
            Line2D([], [], color=colour, linewidth=1.2, label=fit(name, width * 0.8, SMALL))
            for name, colour in colours.items()
        ),
        Line2D([], [], color="0.6", linestyle="--", linewidth=0.8, label="as certain as right"),
    ]
    grid = PanelGrid(len(diagrams), columns, width, 0, 1, _TICKS)
    heads = [_head(one, grid.axes_width + 0.3) for one in diagrams]
    head = text_height(max(map(len, heads)), SMALL) + 0.06
    size = min(grid.axes_width, 1.5)
    grid = PanelGrid(len(diagrams), columns, width, head, size, _TICKS)
    room = width - 2 * EDGE
    top = EDGE + title_height(title)
    notes = wrap(NOTE, room, TINY, 3)
    below = legend_height(handles, room) + text_height(len(notes), TINY)
    sheet = Sheet(width, top + grid.total + _LABEL + below + EDGE)
    sheet.title(title)
    for place, (one, lines, (x, y)) in enumerate(zip(diagrams, heads, grid.places(top), strict=True)):
        axes = sheet.axes(x, y, size, size)
        light_frame(axes)
        axes.set_title(joined(lines), fontsize=SMALL, pad=3, loc="left", linespacing=1.1)
        _draw(axes, one, colours)
        if place % columns == 0:
            axes.set_ylabel("right [%]", fontsize=SMALL, labelpad=1)
        if place >= len(diagrams) - columns:
            axes.set_xlabel("confidence [%]", fontsize=SMALL, labelpad=1)
    sheet.legend(EDGE, top + grid.total + _LABEL, handles, room)
    sheet.notes(EDGE, top + grid.total + _LABEL + legend_height(handles, room), notes)
    return sheet


def _head(one: Diagram, room: float) -> list[str]:
    lines = wrap(one.name, room, SMALL)
    if not one.foreground.confidence:
        lines.append(fit("no structure predicted", room, SMALL))
    if one.ece is not None:
        lines.append(f"ECE {one.ece:.1f} %")
    if one.confident_errors is not None:
        lines.append(fit(f"confident errors {one.confident_errors:.0f} %", room, SMALL))
    return lines


def _draw(axes: Any, one: Diagram, colours: Mapping[str, str]) -> None:
    axes.plot([0, 100], [0, 100], color="0.6", linestyle="--", linewidth=0.8, zorder=1)
    for name, colour in colours.items():
        bins = one.structures.get(name, Bins([], []))
        axes.plot(bins.confidence, bins.accuracy, color=colour, linewidth=1, marker="o", markersize=1.8, zorder=2)
    bins = one.foreground
    axes.plot(bins.confidence, bins.accuracy, color=FOREGROUND, linewidth=1.6, marker="o", markersize=2.2, zorder=3)
    for which in ("x", "y"):
        set_range(axes, which, (-2, 102), (0, 50, 100))
    axes.grid(color="0.92", linewidth=0.5)
    axes.set_axisbelow(True)
