"""The windows in which slices larger than the network's go through it, and how their answers are blended."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIGMA = 1 / 6
"""Width of the bell that weighs a window's pixels, over its side: its edge has 1 % of its middle's weight."""


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
    def over(cls, height: int, width: int, size: int) -> Windows:
        """The windows of side `size` over slices of `height` x `width`, neither of which is below it."""
        rows, columns = window_starts(height, size), window_starts(width, size)
        return cls(size, rows, columns, window_weights(rows, height, size), window_weights(columns, width, size))

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


def window_starts(length: int, size: int) -> tuple[int, ...]:
    """Evenly spaced first pixels of windows of `size` that cover `length` pixels; neighbours share at least half.

    Raises:
        ValueError: a length below the size.

    >>> window_starts(8, 8), window_starts(9, 8), window_starts(20, 8)
    ((0,), (0, 1), (0, 4, 8, 12))
    """
    room = length - size
    if room < 0:
        raise ValueError(f"{length} pixels are fewer than a window's {size}")
    steps = math.ceil(room / max(1, size // 2))
    return tuple(round(step * room / steps) for step in range(steps + 1)) if steps else (0,)


def window_weights(starts: tuple[int, ...], length: int, size: int) -> NDArray[np.float32]:
    """The weights `(n, size)` along one axis: a bell for each window, over the sum of all bells at its pixels."""
    places = (np.arange(size) - (size - 1) / 2) / size
    bell = np.exp(-0.5 * (places / SIGMA) ** 2)
    total = np.zeros(length)
    for start in starts:
        total[start : start + size] += bell
    return np.stack([bell / total[start : start + size] for start in starts]).astype(np.float32)
