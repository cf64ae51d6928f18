"""The length of things in a picture of a slice."""

from __future__ import annotations

import math
from typing import Any


def draw_scale_bar(axes: Any, shape: tuple[int, int], column_mm: float, points: float) -> None:
    """A bar of a round length, about a quarter of the picture, in its lower left corner.

    Args:
        axes: with the picture in it; its limits become the picture's.
        shape: `(H, W)` of the picture.
        column_mm: width of a pixel.
        points: size of the text above the bar.
    """
    rows, columns = shape
    extent = columns * column_mm
    unit = 10 ** math.floor(math.log10(extent / 4))
    length = max(step * unit for step in (1, 2, 5) if step * unit <= extent / 4)
    left, low = 0.06 * columns, 0.94 * rows
    outline = {"facecolor": "black", "alpha": 0.6, "edgecolor": "none", "pad": 1.0}
    ends = [left, left + length / column_mm]
    axes.plot(ends, [low, low], color="black", alpha=0.6, linewidth=4, solid_capstyle="projecting")
    axes.plot(ends, [low, low], color="white", linewidth=2, solid_capstyle="butt")
    axes.annotate(
        f"{length:g} mm",
        (left, low),
        xytext=(0, 4.5),  # clear of the bar, whatever the picture's size
        textcoords="offset points",
        color="white",
        fontsize=points,
        ha="left",
        va="bottom",
        bbox=outline,
    )
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
