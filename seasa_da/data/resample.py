"""Resampling a volume onto a slice grid, in bounded memory however large the volume is.

Images are interpolated linearly, after a Gaussian filter along each axis whose voxels are smaller than the new ones (so
that fine structure does not alias); labels take the nearest voxel. A large volume is done in blocks of the new grid,
each from the box of the volume that it sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seasa_da.data.case import Voxels
from seasa_da.data.slice_grid import Box, SliceGrid

BLOCK_VOXELS = 1 << 24
"""How many voxels of a volume are read at a time."""

TRUNCATE = 3.0  # reach of the Gaussian filter, standard deviations


def resample_image(voxels: Voxels, affine: NDArray[np.float64], grid: SliceGrid) -> NDArray[np.float32]:
    """The image on the grid, `(C, S, H, W)`; 0 outside the box that holds the field of view, edges repeated in it.

    Args:
        voxels: (C, X, Y, Z).
        affine: (4, 4), voxel index to RAS mm.
        grid: where.
    """
    channels, *shape = voxels.shape
    to_voxel = np.linalg.inv(affine) @ grid.affine
    out = np.zeros((channels, *grid.shape), dtype=np.float32)
    sigmas = _sigmas(affine, grid, shape)
    margins = [int(TRUNCATE * sigma + 0.5) for sigma in sigmas]
    seen = extent(field_of_view(tuple(shape), affine, grid))
    for block, box in _blocks(seen, to_voxel, shape, margins):
        for channel in range(channels):
            part = (slice(channel, channel + 1), *box)
            image = np.asarray(voxels[part][0], dtype=np.float32)
            for axis, sigma in enumerate(sigmas):
                if sigma:
                    image = ndimage.gaussian_filter1d(image, sigma, axis=axis, mode="nearest", truncate=TRUNCATE)
            _transform(image, box, to_voxel, block, out[channel], order=1)
    return out


def resample_label(voxels: Voxels, affine: NDArray[np.float64], grid: SliceGrid) -> NDArray[np.uint8]:
    """The label on the grid, `(S, H, W)` uint8; 0 outside the field of view.

    Args:
        voxels: (X, Y, Z) uint8.
        affine, grid: see `resample_image`.
    """
    shape = voxels.shape
    to_voxel = np.linalg.inv(affine) @ grid.affine
    out = np.zeros(grid.shape, dtype=np.uint8)
    inside = field_of_view(shape, affine, grid)
    for block, box in _blocks(extent(inside), to_voxel, shape, [0, 0, 0]):
        label = np.asarray(voxels[box], dtype=np.uint8)
        # a resampled voxel costs far more than one that is left 0, so resampling stays where there is something
        there = shifted(extent(label > 0), by=box)
        _transform(label, box, to_voxel, _common(block, _reach(there, to_voxel, grid.shape)), out, order=0)
    out[~inside] = 0
    return out


def field_of_view(shape: tuple[int, ...], affine: NDArray[np.float64], grid: SliceGrid) -> NDArray[np.bool_]:
    """Which points `(S, H, W)` of the grid lie in the field of view: within the outer faces of the volume's voxels.

    The field of view is convex, so each row of the grid meets it in one interval.
    """
    to_voxel = np.linalg.inv(affine) @ grid.affine
    s, h = np.ix_(np.arange(grid.shape[0], dtype=np.float64), np.arange(grid.shape[1], dtype=np.float64))
    first = np.full(grid.shape[:2], -np.inf)
    last = np.full(grid.shape[:2], np.inf)
    for row, offset, n in zip(to_voxel[:3, :3], to_voxel[:3, 3], shape, strict=True):
        index = row[0] * s + row[1] * h + offset  # at column 0
        low, high = -0.5 - 1e-6 - index, n - 0.5 + 1e-6 - index
        if abs(row[2]) > 1e-9:
            first = np.maximum(first, np.minimum(low / row[2], high / row[2]))
            last = np.minimum(last, np.maximum(low / row[2], high / row[2]))
        else:
            last = np.where((low <= 0) & (high >= 0), last, -np.inf)
    columns = np.arange(grid.shape[2], dtype=np.float64)
    return (columns >= first[..., None]) & (columns <= last[..., None])


def extent(mask: NDArray[np.bool_]) -> Box:
    """The smallest box that holds all that is true in a mask (X, Y, Z); empty if nothing is."""
    spans = []
    for axis in range(3):
        other = tuple(i for i in range(3) if i != axis)
        places = np.flatnonzero(mask.any(axis=other))
        spans.append(slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 0))
    return spans[0], spans[1], spans[2]


def shifted(box: Box, by: Box) -> Box:
    """A box that was said from the first corner of another, said as that one is."""
    a, b, c = (slice(o.start + part.start, o.start + part.stop) for part, o in zip(box, by, strict=True))
    return a, b, c


def _sigmas(affine: NDArray[np.float64], grid: SliceGrid, shape: list[int]) -> list[float]:
    """The filter along each of the volume's axes, voxels; 0 for none. It makes a finer axis as coarse as the grid."""
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    # the grid's step along a direction of the volume: that of the grid's axis it is nearest to
    nearest = np.abs(np.linalg.inv(grid.affine[:3, :3] / grid.spacing_mm) @ (affine[:3, :3] / sizes)).argmax(axis=0)
    sigmas = []
    for axis, size in enumerate(sizes):
        factor = grid.spacing_mm[nearest[axis]] / size
        # full width at half maximum of the kernel: what a voxel of one width lacks to the other
        wanted = factor > 1.01 and shape[axis] > 1
        sigmas.append(float(np.sqrt(factor**2 - 1) / (2 * np.sqrt(2 * np.log(2)))) if wanted else 0.0)
    return sigmas


def _blocks(
    block: Box, to_voxel: NDArray[np.float64], shape: tuple[int, ...] | list[int], margins: list[int]
) -> Iterator[tuple[Box, Box]]:
    """Blocks of the grid that make up `block`, and the box of the volume that each one needs; each box is of bounded
    size.

    A small volume is one block and is taken whole.
    """
    if any(part.stop <= part.start for part in block):
        return
    if int(np.prod(shape)) <= BLOCK_VOXELS:
        yield block, (slice(0, shape[0]), slice(0, shape[1]), slice(0, shape[2]))
        return
    corners = np.array(list(product(*((part.start, part.stop - 1) for part in block))), dtype=np.float64)
    seen = corners @ to_voxel[:3, :3].T + to_voxel[:3, 3]
    low = np.clip(np.floor(seen.min(axis=0)).astype(int) - margins, 0, np.array(shape) - 1)
    high = np.clip(np.ceil(seen.max(axis=0)).astype(int) + margins, 0, np.array(shape) - 1) + 1
    lengths = [part.stop - part.start for part in block]
    if int(np.prod(high - low)) <= BLOCK_VOXELS or max(lengths) == 1:
        yield block, (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
        return
    longest = int(np.argmax(lengths))
    middle = block[longest].start + lengths[longest] // 2
    for half in (slice(block[longest].start, middle), slice(middle, block[longest].stop)):
        parts = list(block)
        parts[longest] = half
        yield from _blocks((parts[0], parts[1], parts[2]), to_voxel, shape, margins)


def _transform(volume: NDArray, box: Box, to_voxel: NDArray[np.float64], block: Box, out: NDArray, order: int) -> None:
    """Fill `out[block]` from the voxels in `box`, edge voxels repeated outwards."""
    if out[block].size == 0:
        return
    start = np.array([part.start for part in block])
    first = np.array([part.start for part in box])
    ndimage.affine_transform(
        volume,
        to_voxel[:3, :3],
        to_voxel[:3, :3] @ start + to_voxel[:3, 3] - first,
        output_shape=out[block].shape,
        output=out[block],
        order=order,
        mode="nearest",
        prefilter=False,
    )


def _reach(box: Box, to_voxel: NDArray[np.float64], shape: tuple[int, int, int]) -> Box:
    """The box of the new grid in which a box of the volume's voxels can be seen."""
    corners = np.array(list(product(*((part.start - 1, part.stop) for part in box))), dtype=np.float64)
    seen = (corners - to_voxel[:3, 3]) @ np.linalg.inv(to_voxel[:3, :3]).T
    low = np.clip(np.floor(seen.min(axis=0)), 0, shape).astype(int)
    high = np.clip(np.ceil(seen.max(axis=0)) + 1, low, shape).astype(int)
    return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])


def _common(one: Box, other: Box) -> Box:
    a, b, c = (
        slice(max(x.start, y.start), max(min(x.stop, y.stop), max(x.start, y.start)))
        for x, y in zip(one, other, strict=True)
    )
    return a, b, c
