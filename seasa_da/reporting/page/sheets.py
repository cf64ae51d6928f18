"""Sheets: the slices of a volume side by side in one picture, from which the viewer cuts the one it shows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray

from seasa_da.data.case import IGNORED
from seasa_da.reporting.colours import rgb
from seasa_da.reporting.page.png import RGBA, data_uri, grey_png, palette_png

ENTROPY_STEPS = 24
UNRELIABLE: RGBA = (255, 122, 0, 255)
_CLEAR: RGBA = (0, 0, 0, 0)
_IGNORED_GREY: RGBA = (128, 128, 128, 64)


def chosen_slices(number: int, wanted: int) -> list[int]:
    """At most `wanted` of the slices 0 … number - 1, evenly spaced, the first and the last among them.

    >>> chosen_slices(10, 4)
    [0, 3, 6, 9]
    """
    if number <= wanted:
        return list(range(number))
    if wanted == 1:
        return [number // 2]
    return [round(place * (number - 1) / (wanted - 1)) for place in range(wanted)]


def columns_of(slices: int) -> int:
    """Slices in a row of a sheet.

    >>> columns_of(24), columns_of(1)
    (6, 1)
    """
    return max(1, min(slices, math.ceil(math.sqrt(slices * 1.3))))


def sheet(slices: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Slices `(S, H, W)` in rows of `columns_of(S)`, from left to right and down; what is over is 0."""
    number, height, width = slices.shape
    columns = columns_of(number)
    rows = math.ceil(number / columns)
    padded = np.zeros((rows * columns, height, width), dtype=np.uint8)
    padded[:number] = slices
    return padded.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)


def grey_sheet(images: NDArray[np.float32]) -> str:
    """Images `(S, H, W)`, -1 black and 1 white, as an address."""
    grey = np.nan_to_num(np.clip((images + 1) / 2, 0, 1))
    return data_uri(grey_png(sheet(np.round(255 * grey).astype(np.uint8))))


def label_sheet(labels: NDArray[np.uint8], colours: Sequence[str]) -> str:
    """Labels `(S, H, W)`, `i + 1` in `colours[i]`; background is clear, `IGNORED` a faint grey.

    The viewer knows what is ignored by its opacity, and calls it no error.
    """
    ignored = len(colours) + 1
    shown = np.where(labels == IGNORED, ignored, np.where(labels > len(colours), 0, labels)).astype(np.uint8)
    return data_uri(palette_png(sheet(shown), [_CLEAR, *(_opaque(colour) for colour in colours), _IGNORED_GREY]))


def entropy_sheet(entropy: NDArray[np.floating], classes: int) -> str:
    """Entropies `(S, H, W)` in nats, from clear (0) to bright (the logarithm of `classes`), in `ENTROPY_STEPS`."""
    share = np.nan_to_num(np.clip(np.asarray(entropy, dtype=np.float32) / math.log(classes), 0, 1))
    steps = np.round(share * (ENTROPY_STEPS - 1)).astype(np.uint8)
    return data_uri(palette_png(sheet(steps), entropy_palette()))


def entropy_palette() -> list[RGBA]:
    """The map "inferno", whose low end is clear, so that the picture below shows where the network is certain."""
    colours = colormaps["inferno"](np.linspace(0.25, 1, ENTROPY_STEPS))
    steps = enumerate(np.round(255 * colours[:, :3]).astype(int).tolist())
    return [(red, green, blue, min(255, 30 * step)) for step, (red, green, blue) in steps]


def unreliable_sheet(reliable: NDArray[np.bool_]) -> str:
    """Masks `(S, H, W)`: unreliable pixels in one colour, the others clear."""
    return data_uri(palette_png(sheet((~reliable).astype(np.uint8)), [_CLEAR, UNRELIABLE]))


def _opaque(colour: str) -> RGBA:
    red, green, blue = (round(255 * part) for part in rgb(colour))
    return red, green, blue, 255
