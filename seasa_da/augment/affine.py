"""Mild affine augmentation of training slices, the same for all methods, on both domains."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from seasa_da.augment.draws import uniform_draws

if TYPE_CHECKING:
    from seasa_da.config import AugmentSettings

_STREAM = 1


def draw_affine(seeds: torch.Tensor | Iterable[int], settings: AugmentSettings) -> torch.Tensor:
    """Draw a rotation, a change of size and a shift for each image, all uniform.

    Args:
        seeds: an int for each image; its transformation depends on nothing else.
        settings: the largest rotation, change of size and shift.

    Returns:
        theta `(N, 2, 3)`, on the CPU: from the output's place `(x, y, 1)` to the input's, both in half sides of a
        square from its centre.
    """
    draws = (2 * uniform_draws(seeds, (4,), _STREAM) - 1).tolist()
    rows = []
    for turn, growth, right, down in draws:
        angle = math.radians(settings.rotate_deg) * turn
        size = 1 + settings.scale * growth
        # The inverse of p -> size R(angle) p + shift; a shift of a share of the slice is twice as many half sides.
        cos, sin = math.cos(angle) / size, math.sin(angle) / size
        x, y = 2 * settings.translate * right, 2 * settings.translate * down
        rows.append([[cos, sin, -cos * x - sin * y], [-sin, cos, sin * x - cos * y]])
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 2, 3)


def apply_affine(
    images: torch.Tensor, theta: torch.Tensor, labels: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Transform images (bilinear; beyond the border its nearest pixel) and labels (nearest; background beyond it).

    Args:
        images: `(N, C, H, W)`.
        theta: `(N, 2, 3)` of `draw_affine`.
        labels: `(N, H, W)` of any integer type, or None.

    Returns:
        The images and the labels (or None), with the shapes and types they came in.
    """
    height, width = images.shape[2:]
    theta = theta.to(device=images.device, dtype=images.dtype, copy=True)
    # Rotate in pixels, not in shares of unequal sides, which would shear. By numbers: a device waits for a tensor.
    theta[:, 0, 1] *= height / width
    theta[:, 1, 0] *= width / height
    grid = F.affine_grid(theta, [len(images), 1, height, width], align_corners=False)
    moved = F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    if labels is None:
        return moved, None
    classes = labels[:, None].to(grid.dtype)
    classes = F.grid_sample(classes, grid, mode="nearest", padding_mode="zeros", align_corners=False)
    return moved, classes[:, 0].to(labels.dtype)
