"""Sums of features by class, eq. 7-8: what prototypes are made of."""

from __future__ import annotations

import torch


def class_sums(
    features: torch.Tensor, labels: torch.Tensor, num_classes: int, mask: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Numerators Σ_{j: y_j=c} 1[j∈mask] e_j and denominators of eq. 7 and 8, so that ranks can add them up.

    Args:
        features: `(N, D)` or `(N, D, h, w)`.
        labels: `(N,)` or `(N, h, w)`; values outside 0..K-1 (such as 255) count for no class.
        num_classes: K.
        mask: bool, the shape of `labels`; what is left out where False.

    Returns:
        sums `(K, D)`, differentiable in `features`, and counts `(K,)`; at least single precision.

    Raises:
        ValueError: `labels` or `mask` has not one value for each feature vector.
    """
    grid = features.shape[:1] + features.shape[2:]
    if labels.shape != grid or (mask is not None and mask.shape != grid):
        raise ValueError(f"labels and mask must be {tuple(grid)}, as the features are {tuple(features.shape)}")
    labels = labels.long()
    if mask is not None:
        labels = labels.masked_fill(~mask, -1)
    # (images, D, places): samples without a grid are the places of one image
    features = features.t()[None] if features.dim() == 2 else features.flatten(2)
    labels = labels.reshape(features.shape[0], 1, -1)
    features = features.to(torch.promote_types(features.dtype, torch.float32))
    # A product, as index_add's order on a GPU is random; the membership is small beside D = 2048 features a place.
    member = (labels == torch.arange(num_classes, device=labels.device)[:, None]).to(features.dtype)
    with torch.autocast(features.device.type, enabled=False):  # sums over thousands of places in 8 bits drift
        sums = torch.bmm(member, features.transpose(1, 2)).sum(dim=0)
    return sums, member.sum(dim=(0, 2))
