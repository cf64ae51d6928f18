"""Maths: tensors in, tensors out."""

from __future__ import annotations

from collections.abc import Callable

import torch


def covariance(
    features: torch.Tensor, sum_over_ranks: Callable[[torch.Tensor], torch.Tensor] = lambda values: values
) -> torch.Tensor:
    """C = Σ_i (f_i - f̄)(f_i - f̄)ᵀ / (n - 1) over all n places of all images, of all ranks together.

    Args:
        features: `(N, D, h, w)`.
        sum_over_ranks: adds a tensor up over the processes; differentiable.

    Returns:
        `(D, D)`, symmetric, at least single precision.
    """
    places = features.transpose(0, 1).flatten(1)
    places = places.to(torch.promote_types(places.dtype, torch.float32))
    with torch.autocast(places.device.type, enabled=False):  # sums over thousands of places in 8 bits drift
        count = sum_over_ranks(places.new_tensor(places.shape[1]))
        centred = places - sum_over_ranks(places.sum(dim=1, keepdim=True)) / count
        return sum_over_ranks(centred @ centred.t()) / (count - 1)


def coral_loss(src: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """‖C_s - C_t‖_F² / (4 D²) (Sun and Saenko, ECCV workshops 2016, eq. 1): a scalar, at least 0.

    Args:
        src, target: covariances `(D, D)`.
    """
    return (src - target).square().sum() / (4 * len(src) ** 2)


def total_variation(logits: torch.Tensor) -> torch.Tensor:
    """Σ_k |∂p_k/∂y| + |∂p_k/∂x| of p = softmax(logits), by differences of neighbours, a mean over the pixels.

    Args:
        logits: `(N, K, H, W)`.

    Returns:
        `(N,)`, from 0 (the same everywhere) to 4.
    """
    probs = logits.softmax(dim=1)
    down, right = probs.diff(dim=2).abs(), probs.diff(dim=3).abs()
    return (down.sum(dim=(1, 2, 3)) + right.sum(dim=(1, 2, 3))) / logits[0, 0].numel()
