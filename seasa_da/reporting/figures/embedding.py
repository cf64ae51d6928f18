"""Features of both domains by class, before and after adaptation: do the same structures lie together?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.lines import Line2D

from seasa_da.reporting.colours import Palette, structure_colours
from seasa_da.reporting.figures.sheet import COLUMN_WIDTH, EDGE, FULL_WIDTH, Sheet, legend_height, title_height
from seasa_da.reporting.figures.text import HEADING, SMALL, TINY, fit, plain, text_height, wrap

BACKGROUND = "#BDBDBD"
_LARGEST = 3.4


@dataclass(frozen=True)
class Points:
    """Pixels in the plane.

    Attributes:
        plane: `(P, 2)`.
        labels: `(P,)`, 0 background, `i + 1` the class `i`.
        target: `(P,)`, whether a pixel is of the target, else of the source.
    """

    plane: npt.NDArray[np.floating[Any]]
    labels: npt.NDArray[np.integer[Any]]
    target: npt.NDArray[np.bool_]


def embedding_figure(
    panels: Mapping[str, Points],
    class_names: Sequence[str],
    *,
    source: str,
    target: str,
    note: str = "",
    palette: Palette = "paper",
    title: str = "",
) -> Sheet:
    """A panel a network; colours are classes, filled circles the source's pixels, crosses the target's.

    Args:
        panels: by the network's name.
        class_names: structures in the order of the labels.
        source, target: names of the domains.
        note: one or two lines below.
        title: one line above.
    """
    count = len(panels)
    size = min(_LARGEST, (FULL_WIDTH - 2 * EDGE - (count - 1) * 0.12) / count)
    width = max(COLUMN_WIDTH, count * size + (count - 1) * 0.12 + 2 * EDGE)
    colours = [BACKGROUND, *structure_colours(class_names, palette).values()]
    room = width - 2 * EDGE
    handles = [
        Line2D(
            [], [], linewidth=0, marker="o", markersize=3, color="0.3", label=fit(f"{source} (source)", room / 2, SMALL)
        ),
        Line2D(
            [],
            [],
            linewidth=0,
            marker="x",
            markersize=3.5,
            color="0.3",
            label=fit(f"{target} (target)", room / 2, SMALL),
        ),
        *(
            Line2D([], [], linewidth=0, marker="s", markersize=4, color=colour, label=fit(name, room / 2, SMALL))
            for name, colour in zip(["background", *class_names], colours, strict=True)
        ),
    ]
    notes = wrap(note, room, TINY, 2) if note else []
    head = text_height(1, HEADING) + 0.04
    top = EDGE + title_height(title)
    below = 0.06 + legend_height(handles, room) + text_height(len(notes), TINY) + 0.02
    sheet = Sheet(width, top + head + size + below + EDGE)
    sheet.title(title)
    for place, (name, points) in enumerate(panels.items()):
        x = EDGE + place * (size + 0.12)
        said = plain(fit(name, size, HEADING, bold=True))
        sheet.text(x + size / 2, top, said, HEADING, ha="center", fontweight="bold")
        axes = sheet.axes(x, top + head, size, size)
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_color("0.75")
            spine.set_linewidth(0.6)
        _draw(axes, points, colours)
    end = top + head + size + 0.06
    sheet.legend(EDGE, end, handles, room)
    sheet.notes(EDGE, end + legend_height(handles, room) + 0.02, notes)
    return sheet


def _draw(axes: Any, points: Points, colours: Sequence[str]) -> None:
    paint = np.asarray(colours)[points.labels]
    for target, marker, size, wide, alpha in ((False, "o", 5, 0, 0.55), (True, "x", 7, 0.7, 0.9)):
        own = points.target == target
        axes.scatter(
            points.plane[own, 0],
            points.plane[own, 1],
            s=size,
            marker=marker,
            c=paint[own],
            linewidths=wide,
            alpha=alpha,
        )
    centre = (points.plane.min(axis=0) + points.plane.max(axis=0)) / 2
    half = float((points.plane.max(axis=0) - points.plane.min(axis=0)).max()) * 0.53 or 1.0
    axes.set_xlim(centre[0] - half, centre[0] + half)
    axes.set_ylim(centre[1] - half, centre[1] + half)
