"""A picture of predictions: one row a test slice, what the segmenter saw and said side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from seasa_da.reporting.colours import rgb, structure_colours
from seasa_da.reporting.saving import save_figure
from seasa_da.reporting.scale_bar import draw_scale_bar

Labels = npt.NDArray[np.uint8]
Picture = npt.NDArray[np.float32]

_CELL = 2.1  # inches, the longer side of a picture
_GAP = 0.06
_LEFT, _RIGHT, _HEAD, _LEGEND = 0.34, 0.62, 0.3, 0.42
_TEXT = 9.0


@dataclass(frozen=True)
class OverlayRow:
    """One slice.

    Attributes:
        image: `(H, W)` or `(C, H, W)`, of which the middle channel is shown; -1 is black, 1 white.
        prediction, truth, without_adaptation: `(H, W)` labels; 0 is background, `i + 1` the class `i`.
        entropy: `(H, W)`, nats.
        case: shown at the side unless anonymised.
        slice_index: of the slice in its volume, from 0.
        pixel_mm: (row, column) size of a pixel.
    """

    image: npt.NDArray[np.floating[Any]]
    prediction: Labels
    truth: Labels | None = None
    without_adaptation: Labels | None = None
    entropy: npt.NDArray[np.floating[Any]] | None = None
    case: str = ""
    slice_index: int | None = None
    pixel_mm: tuple[float, float] = (1.0, 1.0)


def slice_to_show(prediction: Labels) -> int:
    """The slice `(S, H, W)` -> s with most predicted foreground (the middle one if there is none): no label is read."""
    foreground = np.count_nonzero(prediction, axis=(1, 2))
    return int(foreground.argmax()) if foreground.any() else len(prediction) // 2


def overlay_figure(
    rows: Sequence[OverlayRow],
    path: Path,
    class_names: Sequence[str],
    *,
    anonymise: bool = False,
    title: str = "",
    oracle: bool = False,
    dpi: int = 160,
) -> None:
    """Write a PNG: image | truth | without adaptation | prediction | entropy, as far as any row has them.

    Args:
        class_names: structures in the order of the labels; they make the legend.
        anonymise: leave the cases' ids out.
        title: one line above.
        oracle: mark the prediction as that of a model that saw target labels.

    Raises:
        ValueError: no rows.
        UserError: the file cannot be written.
    """
    if not rows:
        raise ValueError("no slices to show")
    columns = [("image", "image"), ("truth", "truth"), ("without_adaptation", "without adaptation")]
    columns += [("prediction", "prediction (oracle)" if oracle else "prediction"), ("entropy", "entropy")]
    columns = [(key, text) for key, text in columns if any(getattr(row, key) is not None for row in rows)]
    has_entropy = columns[-1][0] == "entropy"

    # Everything is placed in inches, so that neither many rows nor long names can push one thing over another.
    sizes = [_cell_size(row) for row in rows]
    cell_width = max(width for width, _ in sizes)
    right = _RIGHT if has_entropy else 0.1
    width = _LEFT + len(columns) * cell_width + (len(columns) - 1) * _GAP + right
    legend_rows, legend_columns = _legend_shape(class_names, width)
    bottom = _LEGEND + 0.2 * (legend_rows - 1) if class_names else 0.1
    top = _HEAD + (0.3 if title else 0)
    height = top + sum(size for _, size in sizes) + (len(rows) - 1) * _GAP + bottom

    figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white")
    FigureCanvasAgg(figure)
    colours = structure_colours(class_names)
    most = math.log(len(class_names) + 1)
    y = height - top
    entropy_map: Any = None
    for index, (row, (_, cell_height)) in enumerate(zip(rows, sizes, strict=True)):
        y -= cell_height
        for place, (key, text) in enumerate(columns):
            x = _LEFT + place * (cell_width + _GAP)
            axes = figure.add_axes((x / width, y / height, cell_width / width, cell_height / height))
            axes.set_facecolor("black")
            axes.set_xticks([])
            axes.set_yticks([])
            for spine in axes.spines.values():
                spine.set_visible(False)
            if index == 0:
                axes.set_title(text, fontsize=_TEXT, pad=4)
            shown = _draw(axes, row, key, colours, most)
            entropy_map = shown if key == "entropy" and shown is not None else entropy_map
            if place == 0:
                draw_scale_bar(axes, row.image.shape[-2:], row.pixel_mm[1], _TEXT - 3)
                axes.set_ylabel(_side_text(row, anonymise, cell_height), fontsize=_TEXT - 1.5, labelpad=4)
        y -= _GAP
    if title:
        figure.text(_LEFT / width, 1 - 0.1 / height, _fit(title, width - _LEFT, 11), fontsize=11, va="top", ha="left")
    if entropy_map is not None:
        bar_height = sizes[0][1]
        place_y = height - top - bar_height
        bar = figure.add_axes(((width - right + 0.08) / width, place_y / height, 0.09 / width, bar_height / height))
        figure.colorbar(entropy_map, cax=bar, ticks=[0, most])
        bar.set_yticklabels(["0", f"ln {len(class_names) + 1}"], fontsize=_TEXT - 2)
        bar.set_ylabel("nats", fontsize=_TEXT - 2, labelpad=-8)
        bar.tick_params(length=2, pad=2)
    if class_names:
        handles = [Patch(facecolor=colours[name], label=_fit(name, width - 0.8, _TEXT)) for name in class_names]
        figure.legend(
            handles=handles,
            loc="lower left",
            bbox_to_anchor=(_LEFT / width, 0.06 / height),
            borderaxespad=0,
            borderpad=0,
            ncols=legend_columns,
            frameon=False,
            fontsize=_TEXT,
            handlelength=1.1,
            handleheight=1.1,
            columnspacing=1.4,
            handletextpad=0.5,
        )
    save_figure(figure, path)


def _draw(axes: Any, row: OverlayRow, key: str, colours: dict[str, str], most: float) -> Any:
    """Fill one cell; returns what a colour bar can be made of."""
    content = getattr(row, key)
    aspect = row.pixel_mm[0] / row.pixel_mm[1]
    if content is None:
        axes.text(0.5, 0.5, "–", color="0.6", ha="center", va="center", transform=axes.transAxes)
        return None
    if key == "entropy":
        shown = np.nan_to_num(np.asarray(content, dtype=np.float32))
        return axes.imshow(shown, cmap="inferno", vmin=0, vmax=most, aspect=aspect, interpolation="nearest")
    picture = grey_picture(row.image)
    if key != "image":
        picture = paint(picture, content, [rgb(colour) for colour in colours.values()])
    axes.imshow(picture, aspect=aspect, interpolation="nearest")
    return None


def grey_picture(image: npt.NDArray[np.floating[Any]]) -> Picture:
    """`(H, W, 3)` in [0, 1] of an image `(H, W)` or `(C, H, W)` in [-1, 1], whose middle channel is taken."""
    channel = image if image.ndim == 2 else image[len(image) // 2]
    grey = np.nan_to_num(np.clip((np.asarray(channel, dtype=np.float32) + 1) / 2, 0, 1))
    return np.repeat(grey[..., None], 3, axis=2).astype(np.float32)


def paint(
    picture: Picture, labels: Labels, colours: Sequence[tuple[float, float, float]], alpha: float = 0.5
) -> Picture:
    """Lay labels over an `(H, W, 3)` picture in [0, 1]: tinted inside, full colour on the contour."""
    painted = picture.copy()
    for value, colour in enumerate(colours, start=1):
        mask = labels == value
        padded = np.pad(mask, 1)
        inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:] & mask
        painted[mask] = (1 - alpha) * picture[mask] + alpha * np.asarray(colour, dtype=np.float32)
        painted[mask & ~inner] = colour
    return painted


def _cell_size(row: OverlayRow) -> tuple[float, float]:
    """(width, height) of a slice's picture in inches, true to its extent in mm."""
    height = row.image.shape[-2] * row.pixel_mm[0]
    width = row.image.shape[-1] * row.pixel_mm[1]
    scale = _CELL / max(height, width)
    return max(width * scale, 1.3), max(height * scale, 0.9)


def _side_text(row: OverlayRow, anonymise: bool, cell_height: float) -> str:
    number = "" if row.slice_index is None else f"slice {row.slice_index}"
    case = "" if anonymise else row.case
    room = cell_height - (_text_width(f" · {number}", _TEXT - 1.5) if case and number else 0)
    return " · ".join(part for part in (_fit(case, room, _TEXT - 1.5), number) if part)


def _legend_shape(class_names: Sequence[str], width: float) -> tuple[int, int]:
    """(rows, columns) of a legend whose longest entry decides the columns' width."""
    longest = max((_text_width(name, _TEXT) for name in class_names), default=0) + 0.45
    columns = max(1, min(len(class_names), int((width - _LEFT) // longest)))
    return math.ceil(len(class_names) / columns), columns


def _text_width(text: str, points: float) -> float:
    return len(text) * points / 72 * 0.62  # inches; a little more than the mean letter of the sans-serif font


def _fit(text: str, room: float, points: float) -> str:
    """Cut a text to the inches it may take; `$` would start a formula."""
    letters = max(int(room / _text_width("x", points)), 3)
    text = text if len(text) <= letters else text[: letters - 1] + "…"
    return text.replace("$", r"\$")
