"""Labels and masks on the grid of a feature map."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def resize_labels(labels: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Nearest-neighbour resampling of labels or boolean masks; the type stays.

    Cell i of h takes pixel round(i (H-1)/(h-1)): the place where `align_corners=True`, which upsamples our logits, puts
    that cell. So a pseudo-label at a cell is the class that the cell itself predicts.

    Args:
        labels: `(N, H, W)` of any type; `(N,)` is returned as it is.
        size: `(h, w)` of the feature map, so `features.shape[2:]`.

    Returns:
        `(N, h, w)`.
    """
    if labels.dim() == 1:
        return labels
    rows, columns = (_nearest(old, new, labels.device) for old, new in zip(labels.shape[1:], size, strict=True))
    return labels[:, rows[:, None], columns]


def _nearest(old: int, new: int, device: torch.device) -> torch.Tensor:
    if new == 1:
        return torch.full((1,), (old - 1) // 2, device=device)
    # Integers, as a rounded float could differ between devices: floor(i (H-1)/(h-1) + 1/2).
    steps = new - 1
    return (2 * torch.arange(new, device=device) * (old - 1) + steps) // (2 * steps)
