"""Which predictions are reliable: the majority vote of two families of views."""

from __future__ import annotations

from typing import NamedTuple

import torch


class Reliability(NamedTuple):
    """Boolean masks of one shape, `(N,)` or `(N, H, W)`; `reliable` and `unreliable` partition it."""

    reliable: torch.Tensor
    unreliable: torch.Tensor
    agrees_random: torch.Tensor
    agrees_fourier: torch.Tensor


def majority_agreement(clean_labels: torch.Tensor, view_labels: torch.Tensor) -> torch.Tensor:
    """Where a strict majority of the views predicts what the clean image does.

    Args:
        clean_labels: `(N,)` or `(N, H, W)`, predicted classes of the clean images.
        view_labels: `(V, N)` or `(V, N, H, W)`, predicted classes of their V views, V odd.

    Returns:
        bool, the shape of `clean_labels`.

    Raises:
        ValueError: V is even (a vote could be tied), or the shapes do not belong together.
    """
    n_views = view_labels.shape[0]
    if n_views % 2 == 0:
        raise ValueError(f"a majority vote needs an odd number of views, not {n_views}")
    if view_labels.shape[1:] != clean_labels.shape:
        raise ValueError(f"views of shape {tuple(view_labels.shape)} cannot vote on {tuple(clean_labels.shape)}")
    votes = (view_labels == clean_labels).sum(dim=0)
    return votes > n_views // 2


def reliability_masks(
    clean_labels: torch.Tensor, random_views: torch.Tensor, fourier_views: torch.Tensor
) -> Reliability:
    """Reliable C = C_RA ∩ C_FA and unreliable I = I_RA ∪ I_FA predictions: every pixel is in one of them, once.

    Args:
        clean_labels: `(N,)` or `(N, H, W)`, predicted classes of the clean images.
        random_views: `(V, N, ...)`, predicted classes of the randomly transformed views, V odd.
        fourier_views: `(V', N, ...)`, predicted classes of the Fourier views, V' odd.

    Raises:
        ValueError: as `majority_agreement`.
    """
    agrees_random = majority_agreement(clean_labels, random_views)
    agrees_fourier = majority_agreement(clean_labels, fourier_views)
    reliable = agrees_random & agrees_fourier
    return Reliability(reliable, ~reliable, agrees_random, agrees_fourier)
