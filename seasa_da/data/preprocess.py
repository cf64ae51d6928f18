"""From a volume in any orientation to coronal slices. One rule, the same in every domain; none of it sees a label.

1. **Orientation** comes from the affine. The volume is resampled onto a grid along the patient's axes with isotropic
   voxels of `spacing_mm`: images linearly, after a Gaussian filter along each axis whose voxels are smaller than the
   new ones (so that fine structure does not alias); labels by the nearest voxel.
2. **Slices** are coronal, axes (S, H, W): S runs from the front to the back, H from the head (row 0) to the feet, W
   from the patient's right (column 0) to the left.
3. **Crop**: a box of `size` x `size` pixels and `depth_mm` across, about the centre of the volume's field of view.
   Across the slices only what exists is kept: the slices that the antero-posterior line through the centre meets inside
   the field of view, never more than `depth_mm`.
4. **Intensities**, over the voxels of the box that lie in the field of view: the top `histogram_cut_percent` is cut
   (clipped to that percentile), then mean 0 and variance 1. Voxels outside the field of view get the minimum.
5. When all training volumes of a domain are done, the `range_percentiles` of their voxels in the field of view become
   lo and hi, and x becomes 2(x - lo)/(hi - lo) - 1, clipped to [-1, 1] (`to_range`).

An image, which is a volume with exactly one axis of length 1, becomes one slice in its own plane, as thick as the file
says, whatever `depth_mm`. The patient's axes turn it upright: rows run from the head to the feet, or in a plane nearest
to the axial one from the front to the back; columns run from the patient's right to the left, or in a plane nearest to
the sagittal one from the front to the back. The rest of the rule is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seasa_da.config import DataSettings
from seasa_da.data.case import Case
from seasa_da.errors import UserError

PREPROCESS_VERSION = 1
"""Goes up whenever the same volume and settings give other slices."""

Box = tuple[slice, slice, slice]

# Columns: the step of one slice, one row, one column in RAS: to the back, to the feet, to the left.
SLICE_AXES = np.array([[0, 0, -1], [-1, 0, 0], [0, -1, 0]], dtype=np.float64)


# The patient's axes (0 right, 1 front, 2 head) that slices, rows and columns run against, by the axis across the image.
VIEWS = {0: (0, 2, 1), 1: (1, 2, 0), 2: (2, 1, 0)}


@dataclass(frozen=True, eq=False)
class SliceGrid:
    """The grid of a prepared volume: shape (S, H, W) and the affine (4, 4) from (s, h, w) to RAS mm."""

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size (s, h, w): isotropic but for an image, whose s is its thickness."""
        s, h, w = (float(size) for size in np.linalg.norm(self.affine[:3, :3], axis=0))
        return s, h, w


@dataclass(frozen=True, eq=False)
class PreparedCase:
    """A volume as slices.

    Attributes:
        images: (S, H, W) float32, steps 1 to 4 of the module's rule.
        labels: (S, H, W) uint8 store values, 0 outside the field of view, or `None`.
        inside: (S, H, W) bool, the field of view.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.uint8] | None
    inside: NDArray[np.bool_]


def slice_grid(shape: tuple[int, int, int], affine: NDArray[np.float64], settings: DataSettings) -> SliceGrid:
    """Where a volume's slices lie: a function of its header and the settings.

    Args:
        shape: (X, Y, Z) of the volume.
        affine: (4, 4), its voxel index to RAS mm.
        settings: size, spacing and depth.
    """
    spacing = settings.spacing_mm
    centre = affine[:3, :3] @ ((np.array(shape) - 1) / 2) + affine[:3, 3]
    if shape.count(1) == 1:
        return _centred((1, settings.size, settings.size), _image_axes(affine, shape.index(1), spacing), centre)
    # voxels that a step of 1 mm to the back crosses along each axis of the array
    crossing = np.abs(np.linalg.inv(affine[:3, :3]) @ SLICE_AXES[:, 0])
    depth_mm = min(n / c for n, c in zip(shape, crossing, strict=True) if c > 1e-9)
    # the small share keeps 30 slices of 3 mm from 90 mm when rounding made them 89.9999
    depth = max(1, int(min(depth_mm, settings.depth_mm) / spacing + 1e-4))
    return _centred((depth, settings.size, settings.size), SLICE_AXES * spacing, centre)


def prepare_case(case: Case, settings: DataSettings) -> PreparedCase:
    """Steps 1 to 4 of the module's rule.

    Raises:
        UserError: the volume has one value everywhere, so that it cannot be standardised.
    """
    grid = slice_grid(_shape3(case.image), case.affine, settings)
    to_voxel = np.linalg.inv(case.affine) @ grid.affine
    inside = _inside(to_voxel, grid.shape, case.image.shape)
    # a resampled voxel costs far more than a voxel that is left 0, so resampling stays where there is something
    images = _resampled(_antialiased(case, settings.spacing_mm), to_voxel, grid.shape, _extent(inside), order=1)
    labels = None
    if case.label is not None:
        labelled = _reach(_extent(case.label > 0), to_voxel, grid.shape)
        labels = _resampled(case.label, to_voxel, grid.shape, labelled, order=0)
        labels[~inside] = 0

    seen = images[inside]
    top = np.float32(np.percentile(seen, 100 - settings.histogram_cut_percent))
    np.minimum(seen, top, out=seen)
    mean, deviation = float(seen.mean(dtype=np.float64)), float(seen.std(dtype=np.float64))
    if not deviation > 1e-6 * max(1.0, abs(mean)):
        raise UserError(f"case {case.id} has the same value everywhere ({mean:g}); take it out of the folder")
    images[~inside] = seen.min()
    np.minimum(images, top, out=images)
    images -= np.float32(mean)
    images /= np.float32(deviation)
    return PreparedCase(images, labels, inside)


def to_range(images: NDArray[np.float32], lo: float, hi: float) -> NDArray[np.float32]:
    """2(x - lo)/(hi - lo) - 1, clipped to [-1, 1]; any shape."""
    scaled = (images - np.float32(lo)) * np.float32(2 / (hi - lo)) - np.float32(1)
    return np.clip(scaled, np.float32(-1), np.float32(1), out=scaled)


class IntensityHistogram:
    """Counts of standardised intensities: percentiles of a whole domain without keeping its voxels.

    Bins are 1/4096 of a standard deviation wide over ±64; counts are whole numbers, so the order of adding is
    immaterial.
    """

    REACH = 64
    BINS_PER_UNIT = 4096

    def __init__(self) -> None:
        self.counts = np.zeros(2 * self.REACH * self.BINS_PER_UNIT, dtype=np.int64)

    def add(self, values: NDArray[np.float32]) -> None:
        """Count the values, of any shape."""
        bins = (values.reshape(-1) + np.float32(self.REACH)) * np.float32(self.BINS_PER_UNIT)
        bins = np.clip(bins, 0, len(self.counts) - 1).astype(np.int32)
        self.counts += np.bincount(bins, minlength=len(self.counts))

    def merge(self, other: IntensityHistogram) -> None:
        """Add another histogram's counts."""
        self.counts += other.counts

    def percentile(self, percent: float) -> float:
        """The value below which `percent` of the counted values lie, to half a bin."""
        cumulative = np.cumsum(self.counts)
        place = np.searchsorted(cumulative, percent / 100 * cumulative[-1])
        return float((min(int(place), len(self.counts) - 1) + 0.5) / self.BINS_PER_UNIT - self.REACH)


def _centred(shape: tuple[int, int, int], steps: NDArray[np.float64], centre: NDArray[np.float64]) -> SliceGrid:
    """The grid about `centre` whose step along each of its axes is a column of `steps`."""
    prepared = np.eye(4)
    prepared[:3, :3] = steps
    prepared[:3, 3] = centre - prepared[:3, :3] @ ((np.array(shape) - 1) / 2)
    return SliceGrid(shape, prepared)


def _image_axes(affine: NDArray[np.float64], across: int, spacing_mm: float) -> NDArray[np.float64]:
    """Columns: the step of one slice, row and column of an image whose array axis `across` has length 1, in RAS mm."""
    first, second = (affine[:3, axis] for axis in range(3) if axis != across)
    normal = np.cross(first, second)
    normal /= np.linalg.norm(normal)
    view = VIEWS[int(np.abs(normal).argmax())]
    s, h, w = -np.eye(3)[list(view)]
    normal *= np.sign(normal @ s)
    # what of the patient's axis lies in the plane; the plane is never near to containing none of it
    row = h - (h @ normal) * normal
    row /= np.linalg.norm(row)
    column = np.cross(normal, row)
    column *= np.sign(column @ w)
    thickness = abs(normal @ affine[:3, across])
    # + 0.0: no negative zeros in a manifest
    return np.stack([normal * thickness, row * spacing_mm, column * spacing_mm], axis=1) + 0.0


def _shape3(volume: NDArray[np.float32]) -> tuple[int, int, int]:
    x, y, z = volume.shape
    return x, y, z


def _antialiased(case: Case, spacing_mm: float) -> NDArray[np.float32]:
    """The image, filtered along each axis that is finer than the new grid, so far that it is as coarse."""
    image = case.image
    for axis, size in enumerate(case.spacing_mm):
        factor = spacing_mm / size
        if factor > 1.01 and image.shape[axis] > 1:
            # full width at half maximum of the kernel: what a voxel of one width lacks to the other
            sigma = np.sqrt(factor**2 - 1) / (2 * np.sqrt(2 * np.log(2)))
            image = ndimage.gaussian_filter1d(image, sigma, axis=axis, mode="nearest", truncate=3.0)
    return image


def _resampled(
    volume: NDArray, to_voxel: NDArray[np.float64], shape: tuple[int, int, int], box: Box, order: int
) -> NDArray:
    """The volume on the new grid within `box`, its edge voxels repeated outwards; 0 outside the box."""
    start = np.array([part.start for part in box])
    out = np.zeros(shape, dtype=volume.dtype)
    if out[box].size == 0:
        return out
    ndimage.affine_transform(
        volume,
        to_voxel[:3, :3],
        to_voxel[:3, :3] @ start + to_voxel[:3, 3],
        output_shape=out[box].shape,
        output=out[box],
        order=order,
        mode="nearest",
        prefilter=False,
    )
    return out


def _inside(
    to_voxel: NDArray[np.float64], shape: tuple[int, int, int], volume_shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Which voxels of the new grid lie in the field of view: within the outer faces of the volume's voxels.

    The field of view is convex, so each row of the grid meets it in one interval.
    """
    s, h = np.ix_(np.arange(shape[0], dtype=np.float64), np.arange(shape[1], dtype=np.float64))
    first = np.full(shape[:2], -np.inf)
    last = np.full(shape[:2], np.inf)
    for row, offset, n in zip(to_voxel[:3, :3], to_voxel[:3, 3], volume_shape, strict=True):
        index = row[0] * s + row[1] * h + offset  # at column 0
        low, high = -0.5 - 1e-6 - index, n - 0.5 + 1e-6 - index
        if abs(row[2]) > 1e-9:
            first = np.maximum(first, np.minimum(low / row[2], high / row[2]))
            last = np.minimum(last, np.maximum(low / row[2], high / row[2]))
        else:
            last = np.where((low <= 0) & (high >= 0), last, -np.inf)
    columns = np.arange(shape[2], dtype=np.float64)
    return (columns >= first[..., None]) & (columns <= last[..., None])


def _extent(mask: NDArray[np.bool_]) -> Box:
    """The smallest box that holds all that is true in a mask (X, Y, Z); empty if nothing is."""
    spans = []
    for axis in range(3):
        other = tuple(i for i in range(3) if i != axis)
        places = np.flatnonzero(mask.any(axis=other))
        spans.append(slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 0))
    return spans[0], spans[1], spans[2]


def _reach(box: Box, to_voxel: NDArray[np.float64], shape: tuple[int, int, int]) -> Box:
    """The box of the new grid in which a box of the volume's voxels can be seen."""
    corners = np.array(list(product(*((part.start - 1, part.stop) for part in box))), dtype=np.float64)
    seen = (corners - to_voxel[:3, 3]) @ np.linalg.inv(to_voxel[:3, :3]).T
    low = np.clip(np.floor(seen.min(axis=0)), 0, shape).astype(int)
    high = np.clip(np.ceil(seen.max(axis=0)) + 1, low, shape).astype(int)
    return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])
