"""What is said of one structure in one volume: Dice and average surface distance, the paper's two metrics, and others.

Empty masks have a declared rule: Dice and surface Dice are 100 when both are empty and 0 when one is. Distances, and
the volume error where the reference is empty, are then not defined (`None`), to be counted and shown, never averaged as
a good value. Who needs several of the surface metrics computes `surface_distances` once and asks that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from medpy.metric import binary

from seasa_da.evaluation.surface import Mask, as_masks, surface_distances
from seasa_da.evaluation.tolerance import TOLERANCE_MM


def dice_percent(pred: Mask, truth: Mask) -> float:
    """Dice coefficient, 100 · 2|A ∩ B| / (|A| + |B|), in percent, from 0 to 100.

    Args:
        pred, truth: boolean volumes of one shape.

    Raises:
        ValueError: the shapes differ.
    """
    pred, truth = as_masks(pred, truth)
    if not (pred.any() or truth.any()):
        return 100.0  # medpy's own answer is 1 or NaN, by the version of numpy
    return 100.0 * float(binary.dc(pred, truth))


def volume_error(pred: Mask, truth: Mask) -> float | None:
    """(|A| - |B|) / |B| in percent of the reference's volume, from -100: positive where the prediction is too large.

    `None` where the reference is empty. Raises `ValueError` where the shapes differ.
    """
    pred, truth = as_masks(pred, truth)
    there = int(np.count_nonzero(truth))
    return 100.0 * (int(np.count_nonzero(pred)) - there) / there if there else None


def asd(pred: Mask, truth: Mask, spacing: Sequence[float] | None = None) -> float | None:
    """Average symmetric surface distance: the mean over the surface voxels of both masks of the distance to the other
    surface (medpy's `assd`, which pools both directions).

    Args:
        pred, truth: boolean volumes of one shape.
        spacing: size of a voxel along each axis, mm, or `None` for a distance in voxels.

    Returns:
        The distance in the unit of `spacing`, or `None` where it is not defined: one of the masks is empty.

    Raises:
        ValueError: the shapes differ, or `spacing` does not fit them.
    """
    return surface_distances(pred, truth, spacing).mean()


def hd95(pred: Mask, truth: Mask, spacing: Sequence[float] | None = None) -> float | None:
    """95th percentile of the surface distances of both directions pooled (medpy's `hd95`); arguments as `asd`."""
    return surface_distances(pred, truth, spacing).hd95()


def surface_dice(pred: Mask, truth: Mask, spacing_mm: Sequence[float], tolerance_mm: float = TOLERANCE_MM) -> float:
    """Percent of the surface voxels of both masks within the tolerance of the other surface; arguments as `asd`."""
    return surface_distances(pred, truth, spacing_mm).dice_percent(tolerance_mm)
