"""Distances between the surfaces of two masks, computed once, and what is said of them.

The surface of a mask are its voxels with a neighbour across a face (6-connectivity in a volume) that is not in it; what
lies outside the array counts as background. An axis of length 1 is no dimension of the object: a single slice is
measured by its contour, whereas a volume of depth 1 would be surface throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt

Mask = npt.NDArray[np.bool_]
Distances = npt.NDArray[np.float64]

ROUNDING = 1e-6
"""Relative: voxel sizes come from headers of single precision, and the tolerance is often a multiple of them."""


@dataclass(frozen=True)
class SurfaceDistances:
    """Of every surface voxel of one mask the distance to the nearest surface voxel of the other.

    Attributes:
        pred, truth: `(n,)` from the prediction's surface and `(m,)` from the reference's, in the unit of the spacing;
            infinite where the other mask is empty, of no length where the own one is.
    """

    pred: Distances
    truth: Distances

    @property
    def defined(self) -> bool:
        """Whether there are two surfaces."""
        return bool(len(self.pred) and len(self.truth))

    def mean(self) -> float | None:
        """Average symmetric surface distance: over both directions pooled; `None` without two surfaces."""
        return float(self._pooled().mean()) if self.defined else None

    def hd95(self) -> float | None:
        """95th percentile of both directions pooled, as medpy's `hd95`; `None` without two surfaces.

        Other programs take the larger of the two directed percentiles. That is never less than the pooled one but for
        interpolation, and is more where one surface is small: its few far voxels disappear among the other's.
        """
        return float(np.percentile(self._pooled(), 95)) if self.defined else None

    def dice_percent(self, tolerance: float) -> float:
        """Normalised surface Dice (Nikolov et al., 2018): percent of the surface voxels of both within the tolerance.

        100 where both masks are empty, 0 where one is. Every surface voxel counts as one here, whereas DeepMind's code
        weighs each by the area of the surface that runs through it: there oblique faces and, on anisotropic voxels, the
        large ones count for more.
        """
        within = sum(int(np.count_nonzero(side <= tolerance * (1 + ROUNDING))) for side in (self.pred, self.truth))
        total = len(self.pred) + len(self.truth)
        return 100.0 * within / total if total else 100.0

    def _pooled(self) -> Distances:
        return np.concatenate([self.pred, self.truth])


def surface_distances(pred: Mask, truth: Mask, spacing: Sequence[float] | None = None) -> SurfaceDistances:
    """Both directed distances.

    Args:
        pred, truth: boolean volumes of one shape.
        spacing: size of a voxel along each axis, mm, or `None` for distances in voxels.

    Raises:
        ValueError: the shapes differ, or `spacing` does not fit them.
    """
    pred, truth = as_masks(pred, truth)
    steps = (1.0,) * pred.ndim if spacing is None else tuple(float(step) for step in spacing)
    if len(steps) != pred.ndim or not all(step > 0 and np.isfinite(step) for step in steps):
        raise ValueError(f"spacing {steps} does not fit volumes of shape {pred.shape}")
    # The volume's own axes, not those of the crop: a structure of one slice in a deep volume stays three-dimensional.
    steps = tuple(step for step, length in zip(steps, pred.shape, strict=True) if length > 1) or steps[:1]
    pred, truth = np.atleast_1d(pred.squeeze(), truth.squeeze())
    either = pred | truth
    if not either.any():
        return SurfaceDistances(np.empty(0), np.empty(0))
    # Every surface voxel lies in the box, and what is outside it is background: the distances in it are the same.
    box = bounding_box(either)
    own, other = _surface(pred[box]), _surface(truth[box])
    return SurfaceDistances(_distances(own, other, steps), _distances(other, own, steps))


def as_masks(pred: Any, truth: Any) -> tuple[Mask, Mask]:
    """Both as boolean arrays. Raises `ValueError` where their shapes differ."""
    pred, truth = np.asarray(pred, dtype=bool), np.asarray(truth, dtype=bool)
    if pred.shape != truth.shape:
        raise ValueError(f"prediction {pred.shape} and truth {truth.shape} differ in shape")
    return pred, truth


def bounding_box(mask: Mask) -> tuple[slice, ...]:
    """The smallest box that holds all true voxels of a mask that has some."""
    box = []
    for axis in range(mask.ndim):
        hit = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        box.append(slice(int(hit[0]), int(hit[-1]) + 1))
    return tuple(box)


def _surface(mask: Mask) -> Mask:
    inside = mask.copy()
    for axis in range(mask.ndim):
        kept, whole = np.moveaxis(inside, axis, 0), np.moveaxis(mask, axis, 0)  # views
        kept[1:] &= whole[:-1]
        kept[:-1] &= whole[1:]
        kept[0] = kept[-1] = False
    surface: Mask = mask & ~inside
    return surface


def _distances(start: Mask, goal: Mask, steps: tuple[float, ...]) -> Distances:
    """Of every voxel of `start` to the nearest one of `goal`."""
    if not goal.any():
        return np.full(np.count_nonzero(start), np.inf)
    # Only the places of the nearest voxels: distances of the whole box would take most of the time and memory.
    nearest = distance_transform_edt(~goal, sampling=steps, return_distances=False, return_indices=True)
    apart = (np.argwhere(start).T - nearest[:, start]) * np.array(steps)[:, None]
    distances: Distances = np.sqrt(np.square(apart).sum(axis=0))
    return distances
