"""A picture of what translators do: slices of both domains, made to look like the other's, and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from seasa_da.reporting.saving import save_figure

Pictures = npt.NDArray[np.floating[Any]]

_CELL, _GAP, _HEAD = 1.7, 0.05, 0.36  # inches


def translations_figure(columns: Sequence[tuple[str, Pictures]], path: Path, *, dpi: int = 160) -> None:
    """Write a PNG with a column for each `(heading, pictures)` and a row for each slice.

    Args:
        columns: pictures `(R, C, H, W)` in [-1, 1], of which the middle channel is shown; -1 is black, 1 white.

    Raises:
        ValueError: no columns, or of unequal length.
        UserError: the file cannot be written.
    """
    rows = {len(pictures) for _, pictures in columns}
    if len(rows) != 1 or rows == {0}:
        raise ValueError("translations_figure wants columns of the same number of pictures, at least one")
    count = rows.pop()
    width = len(columns) * (_CELL + _GAP) - _GAP
    height = _HEAD + count * (_CELL + _GAP) - _GAP
    figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white")
    FigureCanvasAgg(figure)
    for place, (heading, pictures) in enumerate(columns):
        left = place * (_CELL + _GAP)
        figure.text((left + _CELL / 2) / width, 1 - 0.1 / height, heading, fontsize=9, ha="center", va="top")
        for row, picture in enumerate(pictures):
            bottom = height - _HEAD - (row + 1) * _CELL - row * _GAP
            axes = figure.add_axes((left / width, bottom / height, _CELL / width, _CELL / height))
            axes.imshow(picture[len(picture) // 2], cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
            axes.set_axis_off()
    save_figure(figure, path)
