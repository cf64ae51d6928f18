"""Dice and average surface distance of one structure in one volume: the paper's two metrics, by medpy.

Empty masks have a declared rule: Dice is 100 when both are empty and 0 when one is; the surface distance is then not
defined (`None`), to be counted and shown, never averaged as a good value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from medpy.metric import binary

Mask = npt.NDArray[np.bool_]


def dice_percent(pred: Mask, truth: Mask) -> float:
    """Dice coefficient, 100 · 2|A ∩ B| / (|A| + |B|), in percent, from 0 to 100.

    Args:
        pred, truth: boolean volumes of one shape.

    Raises:
        ValueError: the shapes differ.
    """
    pred, truth = _masks(pred, truth)
    if not (pred.any() or truth.any()):
        return 100.0  # medpy's own answer is 1 or NaN, by the version of numpy
    return 100.0 * float(binary.dc(pred, truth))


def asd(pred: Mask, truth: Mask, spacing: Sequence[float] | None = None) -> float | None:
    """Average symmetric surface distance: the mean over the surface voxels of both masks of the distance to the other
    surface (medpy's `assd`, which pools both directions; surfaces of 6-connectivity in a volume).

    An axis of length 1 is no dimension of the object: a single slice is measured by its contour, whereas a volume of
    depth 1 would be surface throughout.

    Args:
        pred, truth: boolean volumes of one shape.
        spacing: size of a voxel along each axis, mm, or `None` for a distance in voxels.

    Returns:
        The distance in the unit of `spacing`, or `None` where it is not defined: one of the masks is empty.

    Raises:
        ValueError: the shapes differ, or `spacing` does not fit them.
    """
    pred, truth = _masks(pred, truth)
    steps = (1.0,) * pred.ndim if spacing is None else tuple(float(step) for step in spacing)
    if len(steps) != pred.ndim or not all(step > 0 and np.isfinite(step) for step in steps):
        raise ValueError(f"spacing {steps} does not fit volumes of shape {pred.shape}")
    # The volume's own axes, not those of the crop: a structure of one slice in a deep volume stays three-dimensional.
    steps = tuple(step for step, length in zip(steps, pred.shape, strict=True) if length > 1) or steps[:1]
    pred, truth = np.atleast_1d(pred.squeeze(), truth.squeeze())
    if not (pred.any() and truth.any()):
        return None
    # medpy transforms the whole volume; every surface voxel lies in the box, and voxels outside an array count as
    # background, so the distances are the same in the crop.
    box = _bounding_box(pred | truth)
    return float(binary.assd(pred[box], truth[box], voxelspacing=steps, connectivity=1))


def _masks(pred: Any, truth: Any) -> tuple[Mask, Mask]:
    pred, truth = np.asarray(pred, dtype=bool), np.asarray(truth, dtype=bool)
    if pred.shape != truth.shape:
        raise ValueError(f"prediction {pred.shape} and truth {truth.shape} differ in shape")
    return pred, truth


def _bounding_box(mask: Mask) -> tuple[slice, ...]:
    """The smallest box that holds all true voxels of a mask that has some."""
    box = []
    for axis in range(mask.ndim):
        hit = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        box.append(slice(int(hit[0]), int(hit[-1]) + 1))
    return tuple(box)
