"""The paper's Fig. 3: what the methods say of the same slices, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seasa_da.reporting.colours import Palette, structure_colours
from seasa_da.reporting.figures.grid import (
    Band,
    Floats,
    Panel,
    Row,
    grid_sheet,
    most_columns,
    painted,
    structure_handles,
)
from seasa_da.reporting.figures.sheet import Sheet
from seasa_da.reporting.overlays import Labels, grey_picture

_SMALLEST = 0.76  # inches of a picture


@dataclass(frozen=True)
class MethodsRow:
    """One slice.

    Attributes:
        predictions: `(H, W)` labels, one a method.
        image: `(H, W)` or `(C, H, W)` in [-1, 1]; without it the predictions are shown on black.
        truth: labels, `None` where there are none.
        side: the case and the slice.
        pixel_mm: (row, column) size of a pixel.
    """

    predictions: Sequence[Labels]
    image: Floats | None = None
    truth: Labels | None = None
    side: Sequence[str] = ()
    pixel_mm: tuple[float, float] = (1.0, 1.0)


def methods_figure(
    rows: Sequence[MethodsRow],
    methods: Sequence[str],
    class_names: Sequence[str],
    *,
    palette: Palette = "paper",
    title: str = "",
) -> Sheet:
    """Cases down; image, methods and truth side by side.

    Where there are too many methods to be read in one line, they are shown in several, each with image and truth.

    Args:
        rows: slices; their predictions are in the order of `methods`.
        class_names: structures in the order of the labels.
        title: one line above.
    """
    colours = list(structure_colours(class_names, palette).values())
    has_image = any(row.image is not None for row in rows)
    has_truth = any(row.truth is not None for row in rows)
    room = most_columns(_SMALLEST) - has_image - has_truth
    lines = -(-len(methods) // room)
    each = -(-len(methods) // lines)
    bands = []
    for start in range(0, len(methods), each):
        part = slice(start, start + each)
        headings = [
            *(["image"] if has_image else []),
            *methods[part],
            *(["truth"] if has_truth else []),
        ]
        bands.append(
            Band(headings, [_row(row, part, colours, has_image=has_image, has_truth=has_truth) for row in rows])
        )
    return grid_sheet(bands, [structure_handles(class_names, palette)], title=title)


def _row(row: MethodsRow, part: slice, colours: Sequence[str], *, has_image: bool, has_truth: bool) -> Row:
    panels: list[Panel | None] = []
    if has_image:
        panels.append(None if row.image is None else Panel(grey_picture(row.image)))
    alpha = 1.0 if row.image is None else 0.55  # on black
    panels += [Panel(painted(row.image, labels, colours, alpha=alpha)) for labels in row.predictions[part]]
    if has_truth:
        panels.append(None if row.truth is None else Panel(painted(row.image, row.truth, colours)))
    return Row(panels, row.side, row.pixel_mm)
