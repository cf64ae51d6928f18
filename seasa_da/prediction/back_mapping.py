"""From slices back to the voxels of the volume that they came from, whatever its orientation and spacing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seasa_da.data.slice_grid import Box, SliceGrid
from seasa_da.prediction.disk_slices import DiskSlices

DRIFT = 1e-3
"""Grid steps by which a voxel may miss a point of the grid, over the whole volume, to lie on it."""
BLOCK_VALUES = 1 << 24
"""How many values of the maps are looked at in one piece."""


class BackMapping:
    """Where the voxels of a volume lie in a slice grid.

    Args:
        grid: of the slices.
        shape: (X, Y, Z) of the volume.
        affine: (4, 4), its voxel index to RAS mm.
    """

    def __init__(self, grid: SliceGrid, shape: tuple[int, int, int], affine: NDArray[np.float64]) -> None:
        self.grid_shape = grid.shape
        self.shape = shape
        self.to_grid = _snapped(np.linalg.inv(grid.affine) @ affine, shape)

    def take(self, maps: DiskSlices, box: Box, outside: NDArray[np.float32]) -> NDArray[np.float32]:
        """The maps at the voxels of a box, (K, x, y, z), linear between the grid's points, exact on them.

        Args:
            maps: (S, K, H, W).
            box: of the volume.
            outside: (K,), the value of each map beyond the first and the last slice, by more than half a slice.
        """
        out = np.empty((len(outside), *(part.stop - part.start for part in box)), dtype=np.float32)
        out[:] = outside.reshape(-1, 1, 1, 1)
        for piece, seen in self._pieces(box, len(outside)):
            values = maps.read(seen)
            linear, start = self.to_grid[:3, :3], [part.start for part in piece]
            offset = linear @ start + self.to_grid[:3, 3] - [part.start for part in seen]
            own = tuple(slice(p.start - b.start, p.stop - b.start) for p, b in zip(piece, box, strict=True))
            inside = self._inside(piece)
            taken = np.empty(inside.shape, dtype=np.float32)
            for target, map_values in zip(out, values, strict=True):
                ndimage.affine_transform(
                    map_values, linear, offset, taken.shape, output=taken, order=1, mode="nearest", prefilter=False
                )
                target[own] = np.where(inside, taken, target[own])
        return out

    def _inside(self, box: Box) -> NDArray[np.bool_]:
        """Which voxels (x, y, z) of a box lie within the slices, across them; in their planes they reach as far."""
        x, y, z = np.ix_(*(np.arange(part.start, part.stop) for part in box))
        a, b, c, d = self.to_grid[0]
        place = a * x + b * y + c * z + d
        return (place >= -0.5 - 1e-6) & (place <= self.grid_shape[0] - 0.5 + 1e-6)

    def _pieces(self, box: Box, maps: int) -> Iterator[tuple[Box, Box]]:
        """Boxes that make up a box but for what lies outside, and the box of the grid that each one sees."""
        lengths = [part.stop - part.start for part in box]
        if min(lengths) == 0:
            return
        corners = np.array(list(product(*((part.start, part.stop - 1) for part in box))), dtype=np.float64)
        seen = corners @ self.to_grid[:3, :3].T + self.to_grid[:3, 3]
        if seen[:, 0].max() < -0.5 - 1e-6 or seen[:, 0].min() > self.grid_shape[0] - 0.5 + 1e-6:
            return
        last = np.array(self.grid_shape) - 1
        low = np.clip(np.floor(seen.min(axis=0)).astype(int), 0, last)
        high = np.clip(np.ceil(seen.max(axis=0)).astype(int), 0, last) + 1
        if maps * int(np.prod(high - low)) <= BLOCK_VALUES or max(lengths) == 1:
            yield box, (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
            return
        longest = int(np.argmax(lengths))
        middle = box[longest].start + lengths[longest] // 2
        for half in (slice(box[longest].start, middle), slice(middle, box[longest].stop)):
            parts = list(box)
            parts[longest] = half
            yield from self._pieces((parts[0], parts[1], parts[2]), maps)


def _snapped(to_grid: NDArray[np.float64], shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """The same map with whole numbers in each row that hits the grid's points, so that rounding moves no voxel off."""
    reach = np.array([*shape, 1])
    whole = np.rint(to_grid)
    hits = np.abs(to_grid - whole) @ reach < DRIFT
    return np.where(hits[:, None], whole, to_grid)
