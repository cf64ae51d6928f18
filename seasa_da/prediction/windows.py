"""The windows in which slices larger than the network's go through it, and how their answers are blended.

The training crop is one of them, and counts most wherever it reaches: there a run says of a volume what its evaluation
said of it, up to a fringe where the windows around it fade in. Windows spread evenly over the whole slice would say
something else than was scored, from places that the network never saw in training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIGMA = 1 / 6
"""Width of the bell that weighs a window's pixels, over its side: its edge has 1 % of its middle's weight."""
CROP_WEIGHT = 100.0
"""Of the training crop's window over the others: at its edge it weighs as much as another's middle."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Square windows over slices `(H, W)`: every pair of a row of `rows` and a column of `columns` begins one.

    Attributes:
        size: side of a window, pixels.
        rows, columns: first pixels.
        row_weights, column_weights: `(n, size)` float32, positive. The weight of a pixel is the product of both;
            all windows' weights of a pixel add up to 1. Where there is one window, it is exactly 1.
    """

    size: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    row_weights: NDArray[np.float32]
    column_weights: NDArray[np.float32]

    @classmethod
    def over(cls, height: int, width: int, size: int, crop: tuple[int, int] = (0, 0)) -> Windows:
        """The windows of side `size` over slices of `height` x `width`, neither of which is below it.

        Args:
            crop: first (row, column) of the training crop, which is `size` x `size`.
        """
        rows, columns = (window_starts(n, size, first) for n, first in zip((height, width), crop, strict=True))
        row_weights = window_weights(rows, height, size, crop[0])
        return cls(size, rows, columns, row_weights, window_weights(columns, width, size, crop[1]))

    @property
    def places(self) -> list[tuple[int, int]]:
        """(number of the row, number of the column) of each window."""
        return [(row, column) for row in range(len(self.rows)) for column in range(len(self.columns))]

    def part(self, row: int, column: int) -> tuple[slice, slice]:
        """The pixels of a window."""
        top, left = self.rows[row], self.columns[column]
        return slice(top, top + self.size), slice(left, left + self.size)

    def weights(self, row: int, column: int) -> NDArray[np.float32]:
        """Its weights `(size, size)`."""
        return self.row_weights[row][:, None] * self.column_weights[column]


def window_starts(length: int, size: int, crop: int = 0) -> tuple[int, ...]:
    """First pixels of windows of `size` that cover `length` pixels; neighbours share at least half.

    One begins at `crop`; those on either side of it are evenly spaced.

    Raises:
        ValueError: a crop that is not within the length.

    >>> window_starts(8, 8), window_starts(11, 8, 2), window_starts(20, 8, 5)
    ((0,), (0, 2, 3), (0, 3, 5, 9, 12))
    """
    before, after = crop, length - size - crop
    if before < 0 or after < 0:
        raise ValueError(f"a window of {size} at {crop} is not within {length} pixels")
    step = max(1, size // 2)
    left, right = math.ceil(before / step), math.ceil(after / step)
    starts = [crop - round(i * before / left) for i in range(left, 0, -1)]
    return (*starts, crop, *(crop + round(i * after / right) for i in range(1, right + 1)))


def window_weights(starts: tuple[int, ...], length: int, size: int, crop: int = 0) -> NDArray[np.float32]:
    """The weights `(n, size)` along one axis: a bell for each window, over the sum of all bells at its pixels.

    Args:
        starts: of `window_starts`.
        crop: the one that weighs `CROP_WEIGHT` times as much.
    """
    places = (np.arange(size) - (size - 1) / 2) / size
    bell = np.exp(-0.5 * (places / SIGMA) ** 2)
    bells = [CROP_WEIGHT * bell if start == crop else bell for start in starts]
    total = np.zeros(length)
    for start, own in zip(starts, bells, strict=True):
        total[start : start + size] += own
    weights = [own / total[start : start + size] for start, own in zip(starts, bells, strict=True)]
    return np.stack(weights).astype(np.float32)
