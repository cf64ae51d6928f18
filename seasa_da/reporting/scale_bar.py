"""The length of things in a picture of a slice."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.transforms import offset_copy

_ABOVE_EDGE = 5.0


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
    left = 0.06 * columns
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    # columns across, points from the lower edge up: the bar is inside however low the picture is
    place = offset_copy(axes.get_xaxis_transform(), axes.figure, y=_ABOVE_EDGE, units="points")
    ends = [left, left + length / column_mm]
    axes.plot(ends, [0, 0], color="black", alpha=0.6, linewidth=4, solid_capstyle="projecting", transform=place)
    axes.plot(ends, [0, 0], color="white", linewidth=2, solid_capstyle="butt", transform=place)
    axes.annotate(
        f"{length:g} mm",
        (left, 0),
        xycoords=place,
        xytext=(0, 4.5),
        textcoords="offset points",
        color="white",
        fontsize=points,
        ha="left",
        va="bottom",
        bbox={"facecolor": "black", "alpha": 0.6, "edgecolor": "none", "pad": 1.0},
    )
