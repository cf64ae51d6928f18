"""Pictures of slices in rows and columns: true to their extent, with headings, a scale bar and a legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Patch

from seasa_da.reporting.colours import Palette, rgb, structure_colours
from seasa_da.reporting.figures.sheet import COLUMN_WIDTH, EDGE, FULL_WIDTH, Sheet, legend_height, title_height
from seasa_da.reporting.figures.text import HEADING, SMALL, TINY, fit, joined, plain, text_height, text_width, wrap
from seasa_da.reporting.overlays import Labels, Picture, grey_picture, paint
from seasa_da.reporting.scale_bar import draw_scale_bar

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.floating[Any]]

ENTROPY_COLOURS = "inferno"
OUTLINE = "#00E5FF"
"""Of wrong pixels on an entropy map: a colour that the map has not."""

_LARGEST, _GAP, _SIDE, _BAR = 1.6, 0.04, 0.3, 0.46  # inches
_TALLEST = 1.5  # times the width
_LOWEST = 0.42  # inches of a line: what stands beside it wants room
_ABOVE = 0.04


@dataclass(frozen=True)
class Panel:
    """One picture `(H, W, 3)` in [0, 1], and pixels of it to draw a line around."""

    picture: Picture
    outline: Mask | None = None


@dataclass(frozen=True)
class Row:
    """Pictures of one slice, all of its shape.

    Attributes:
        panels: a place without a picture is `None`.
        side: what stands beside it: the case, the slice.
        pixel_mm: (row, column) size of a pixel.
    """

    panels: Sequence[Panel | None]
    side: Sequence[str]
    pixel_mm: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class Band:
    """Rows that share their headings; `groups` are further ones above them: (text, first column, columns)."""

    headings: Sequence[str]
    rows: Sequence[Row]
    groups: Sequence[tuple[str, int, int]] = ()


def grid_sheet(
    bands: Sequence[Band], legends: Sequence[Sequence[Any]] = (), *, title: str = "", entropy_of: int | None = None
) -> Sheet:
    """All bands below one another on a sheet of at most an article's width.

    Args:
        legends: handles of their entries; each begins on a line of its own.
        title: one line above.
        entropy_of: K, where there are entropy maps of that many classes: a bar of their colours, 0 to ln K.
    """
    columns = max(len(band.headings) for band in bands)
    right = _BAR if entropy_of else EDGE
    left = EDGE + _SIDE
    cell = min(_LARGEST, (FULL_WIDTH - left - right - (columns - 1) * _GAP) / columns)
    width = max(COLUMN_WIDTH, left + columns * cell + (columns - 1) * _GAP + right)
    headings = [[wrap(text, cell + _GAP - 0.06, HEADING) for text in band.headings] for band in bands]
    heads = [
        text_height(max(map(len, lines)), HEADING) + (text_height(1, HEADING) + 0.03 if band.groups else 0) + _ABOVE
        for band, lines in zip(bands, headings, strict=True)
    ]
    room = width - left - EDGE
    top = EDGE + title_height(title)
    below = sum(legend_height(legend, room) for legend in legends) + 0.08 + EDGE
    rows = sum(_line(row, cell) + _GAP for band in bands for row in band.rows) - _GAP
    sheet = Sheet(width, top + sum(heads) + rows + (len(bands) - 1) * 0.06 + below)
    sheet.title(title, left)
    y = top
    for band, lines, head in zip(bands, headings, heads, strict=True):
        if entropy_of and band is bands[0]:
            _entropy_bar(sheet, left + columns * (cell + _GAP) + 0.02, y + head, _line(band.rows[0], cell), entropy_of)
        y = _draw_band(sheet, band, lines, head, y, left, cell) + 0.06
    y = sheet.height - below + 0.08
    for legend in legends:
        sheet.legend(left, y, legend, room)
        y += legend_height(legend, room)
    return sheet


def most_columns(smallest: float) -> int:
    """How many columns of at least `smallest` inches a sheet has room for."""
    return int((FULL_WIDTH - 2 * EDGE - _SIDE + _GAP) // (smallest + _GAP))


def _draw_band(
    sheet: Sheet, band: Band, headings: Sequence[list[str]], head: float, y: float, left: float, cell: float
) -> float:
    """Returns where the band ends."""
    for text, first, count in band.groups:
        x, wide = left + first * (cell + _GAP), count * (cell + _GAP) - _GAP
        said = plain(fit(text, wide, HEADING, bold=True))
        sheet.text(x + wide / 2, y, said, HEADING, ha="center", fontweight="bold")
        line = 1 - (y + text_height(1, HEADING) + 0.01) / sheet.height
        sheet.figure.add_artist(_rule(x / sheet.width, (x + wide) / sheet.width, line))
    y += head
    for place, lines in enumerate(headings):
        x = left + place * (cell + _GAP) + cell / 2
        sheet.text(x, y - _ABOVE - 0.01, joined(lines), HEADING, ha="center", va="baseline")
    for row in band.rows:
        height, line = _height(row, cell), _line(row, cell)
        side = [fit(text, line, SMALL) for text in row.side]
        sheet.text(
            left - 0.05,
            y + line / 2,
            joined(side),
            SMALL,
            ha="right",
            va="center",
            rotation=90,
            multialignment="center",
        )
        for place, panel in enumerate(row.panels):
            if panel is not None:
                axes = sheet.picture_axes(left + place * (cell + _GAP), y + (line - height) / 2, cell, height)
                _draw(axes, panel, row.pixel_mm, scale_bar=place == 0)
        y += line + _GAP
    return y - _GAP


def _rule(left: float, right: float, y: float) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([left, right], [y, y], color="0.5", linewidth=0.6)


def _height(row: Row, cell: float) -> float:
    """Of a row in inches, true to the extent of its pictures in mm."""
    shape = next(panel.picture.shape for panel in row.panels if panel is not None)
    return cell * min(shape[0] * row.pixel_mm[0] / (shape[1] * row.pixel_mm[1]), _TALLEST)


def _line(row: Row, cell: float) -> float:
    """Inches that a row takes."""
    return max(_height(row, cell), _LOWEST)


def _draw(axes: Any, panel: Panel, pixel_mm: tuple[float, float], *, scale_bar: bool) -> None:
    height, width = panel.picture.shape[:2]
    axes.imshow(panel.picture, aspect=pixel_mm[0] / pixel_mm[1], interpolation="nearest", vmin=0, vmax=1)
    if panel.outline is not None and panel.outline.any() and min(panel.outline.shape) > 1:
        padded = np.pad(panel.outline.astype(np.float32), 1)
        xs, ys = np.arange(-1, width + 1), np.arange(-1, height + 1)
        axes.contour(xs, ys, padded, levels=[0.5], colors=[OUTLINE], linewidths=0.6)
        axes.set_xlim(-0.5, width - 0.5)
        axes.set_ylim(height - 0.5, -0.5)
    if scale_bar:
        draw_scale_bar(axes, (height, width), pixel_mm[1], TINY)


def _entropy_bar(sheet: Sheet, x: float, y: float, height: float, classes: int) -> None:
    most = math.log(classes)
    axes = sheet.axes(x, y, 0.08, height)
    bar = sheet.figure.colorbar(ScalarMappable(Normalize(0, most), ENTROPY_COLOURS), cax=axes, ticks=[0, most])
    bar.outline.set_visible(False)
    axes.set_yticklabels(["0", f"ln {classes}"], fontsize=TINY)
    axes.tick_params(length=2, width=0.6, pad=1.5)
    said = "entropy [nats]" if text_width("entropy [nats]", TINY) < height else "nats"
    sheet.text(x + 0.12, y + height / 2, said, TINY, va="center", rotation=90)


def painted(image: Floats | None, labels: Labels, colours: Sequence[str], *, alpha: float = 0.55) -> Picture:
    """Labels over an image `(H, W)` or `(C, H, W)` in [-1, 1], or on black; `colours[i]` is that of label `i + 1`."""
    ground = np.zeros((*labels.shape, 3), dtype=np.float32) if image is None else grey_picture(image)
    return paint(ground, labels, [rgb(colour) for colour in colours], alpha)


def marked(image: Floats, marks: Sequence[tuple[Mask, str]]) -> Picture:
    """Masks in their colours over an image that is dimmed for them."""
    picture = grey_picture(image) * 0.6
    for mask, colour in marks:
        picture[mask] = rgb(colour)
    return picture


def entropy_picture(entropy: Floats, classes: int) -> Picture:
    """An entropy map `(H, W)`, nats from 0 to ln `classes`, in colours."""
    shown = np.nan_to_num(np.asarray(entropy, dtype=np.float32)) / math.log(classes)
    return np.asarray(colormaps[ENTROPY_COLOURS](np.clip(shown, 0, 1))[..., :3], dtype=np.float32)


def structure_handles(class_names: Sequence[str], palette: Palette) -> list[Patch]:
    """Entries of a legend, in the order of the labels."""
    colours = structure_colours(class_names, palette)
    longest = FULL_WIDTH / 2
    return [Patch(facecolor=colours[name], label=fit(name, longest, SMALL)) for name in class_names]
