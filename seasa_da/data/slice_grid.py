"""Where a volume's slices lie: a function of its header and the settings, the same in every domain.

1. **Orientation** comes from the affine: the grid runs along the patient's axes, whatever the array's.
2. **Slices** are axial, coronal or sagittal, axes (S, H, W). Rows run from the head to the feet, in axial slices from
   the front to the back; columns from the patient's right to the left, in sagittal slices from the front to the back;
   slices from the head to the feet (axial), the front to the back (coronal), the right to the left (sagittal).
3. **Crop**: a box of `size` x `size` pixels of `spacing_mm` and `depth_mm` across, about the centre of the volume's
   field of view. Across the slices, `slice_mm` apart, only what exists is kept: the slices that the line through the
   centre meets inside the field of view, never more than `depth_mm`.
4. Where an axis of the grid is an axis of the volume and its steps are as long as the volume's, the grid moves by half
   a voxel at most, onto the voxels, which then need no interpolation.

An image, which is a volume with exactly one axis of length 1, becomes one slice in its own plane, as thick as the file
says, whatever `depth_mm` and the axis: the patient's axes turn it upright, as the slices that its plane is nearest to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from nibabel.orientations import io_orientation
from numpy.typing import NDArray

from seasa_da.config import DataSettings
from seasa_da.data.case import AXES, Axis

Box = tuple[slice, slice, slice]

ACROSS: dict[Axis, int] = {"sagittal": 0, "coronal": 1, "axial": 2}
"""The patient's axis (0 right, 1 front, 2 head) across which the slices are."""

# The patient's axes that slices, rows and columns run against, by the axis across.
VIEWS = {0: (0, 2, 1), 1: (1, 2, 0), 2: (2, 1, 0)}

CLEARLY_COARSER = 1.2
DRIFT_VOXELS = 0.02
"""How far, over the whole volume, an axis of the grid may leave the volume's to count as the same."""


@dataclass(frozen=True, eq=False)
class SliceGrid:
    """The grid of a prepared volume: shape (S, H, W) and the affine (4, 4) from (s, h, w) to RAS mm."""

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size (s, h, w)."""
        s, h, w = (float(size) for size in np.linalg.norm(self.affine[:3, :3], axis=0))
        return s, h, w

    def part(self, box: Box) -> SliceGrid:
        """The grid of the points in a box of this one, which may reach beyond it on any side."""
        affine = self.affine.copy()
        affine[:3, 3] += affine[:3, :3] @ [part.start for part in box]
        s, h, w = (part.stop - part.start for part in box)
        return SliceGrid((s, h, w), affine)


def slice_grid(
    shape: tuple[int, int, int], affine: NDArray[np.float64], settings: DataSettings, axis: Axis
) -> SliceGrid:
    """The training crop of a volume, by the module's rule.

    Args:
        shape: (X, Y, Z) of the volume.
        affine: (4, 4), its voxel index to RAS mm.
        settings: sizes, spacings and depth.
        axis: which slices.
    """
    spacing = settings.spacing_mm
    centre = affine[:3, :3] @ ((np.array(shape) - 1) / 2) + affine[:3, 3]
    if shape.count(1) == 1:
        steps = _image_axes(affine, shape.index(1), spacing)
        return _centred((1, settings.size, settings.size), steps, centre, shape, affine)
    slice_mm = settings.slice_mm or spacing
    axes = -np.eye(3)[:, list(VIEWS[ACROSS[axis]])] + 0.0
    # voxels that a step of 1 mm across the slices crosses along each axis of the array
    crossing = np.abs(np.linalg.inv(affine[:3, :3]) @ axes[:, 0])
    depth_mm = min(n / c for n, c in zip(shape, crossing, strict=True) if c > 1e-9)
    # the small share keeps 30 slices of 3 mm from 90 mm when rounding made them 89.9999
    depth = max(1, int(min(depth_mm, settings.depth_mm) / slice_mm + 1e-4))
    steps = axes * [slice_mm, spacing, spacing]
    return _centred((depth, settings.size, settings.size), steps, centre, shape, affine)


def extended_grid(
    shape: tuple[int, int, int], affine: NDArray[np.float64], settings: DataSettings, axis: Axis
) -> tuple[SliceGrid, tuple[int, int]]:
    """The training crop, extended in its planes by whole pixels as far as the field of view goes.

    Returns:
        The grid, and the (row, column) of the training crop's first pixel in it.
    """
    crop = slice_grid(shape, affine, settings, axis)
    to_grid = np.linalg.inv(crop.affine) @ affine
    faces = np.array(list(product(*((-0.5, n - 0.5) for n in shape))))
    seen = faces @ to_grid[:3, :3].T + to_grid[:3, 3]
    first = np.minimum(np.ceil(seen.min(axis=0) - 1e-6), 0).astype(int)
    last = np.maximum(np.floor(seen.max(axis=0) + 1e-6), np.array(crop.shape) - 1).astype(int)
    box = (slice(0, crop.shape[0]), slice(first[1], last[1] + 1), slice(first[2], last[2] + 1))
    return crop.part(box), (-int(first[1]), -int(first[2]))


def coarsest_axis(grids: Sequence[Sequence[tuple[tuple[int, int, int], NDArray[np.float64]]]]) -> tuple[Axis, str]:
    """The slices that lie across the coarsest voxels, and why, for the user; axial where no direction is clearly
    coarser.

    Args:
        grids: (shape, affine) of every volume, by domain; every domain counts the same. Images do not count.
    """
    by_domain = []
    for domain in grids:
        sizes = [patient_spacing_mm(affine) for shape, affine in domain if shape.count(1) != 1]
        if sizes:
            by_domain.append(np.log(sizes).mean(axis=0))
    if not by_domain:
        return "axial", "images have one plane"
    right, front, head = (float(size) for size in np.exp(np.mean(by_domain, axis=0)))
    voxels = f"voxels are {right:.3g} mm from right to left, {front:.3g} front to back, {head:.3g} head to feet"
    order = np.argsort([right, front, head])
    if [right, front, head][order[2]] < CLEARLY_COARSER * [right, front, head][order[1]]:
        return "axial", f"{voxels}: none is clearly the coarsest"
    return next(axis for axis in AXES if ACROSS[axis] == order[2]), f"{voxels}, on average"


def patient_spacing_mm(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """The voxel size (3,) along the patient's axes right, front, head, each the nearest axis of the array's."""
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    spacing = np.zeros(3)
    for size, (patient_axis, _) in zip(sizes, io_orientation(affine), strict=True):
        spacing[int(patient_axis)] = size
    return spacing


def _centred(
    shape: tuple[int, int, int],
    steps: NDArray[np.float64],
    centre: NDArray[np.float64],
    volume_shape: tuple[int, int, int],
    volume_affine: NDArray[np.float64],
) -> SliceGrid:
    """The grid about `centre` whose step along each axis is a column of `steps`, on the volume's voxels if they fit."""
    start = (1 - np.array(shape)) / 2
    to_voxel = np.linalg.inv(volume_affine[:3, :3]) @ steps
    steps, middle = steps.copy(), centre.copy()
    for axis in range(3):
        along = int(np.abs(to_voxel[:, axis]).argmax())
        unit = np.zeros(3)
        unit[along] = np.sign(to_voxel[along, axis])
        reach = max(volume_shape[along], shape[axis])
        if np.abs(to_voxel[:, axis] - unit).max() * reach > DRIFT_VOXELS:
            continue
        steps[:, axis] = unit[along] * volume_affine[:3, along]
        first = (volume_shape[along] - 1) / 2 + unit[along] * start[axis]  # in voxels; whole, or a half more
        middle -= (first - np.floor(first)) * volume_affine[:3, along]
    affine = np.eye(4)
    affine[:3, :3] = steps
    affine[:3, 3] = middle + steps @ start
    return SliceGrid(shape, affine)


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
