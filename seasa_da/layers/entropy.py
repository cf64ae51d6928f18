"""Entropy of predictions, and the weighted self-information that AdvEnt's discriminator sees."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F


def entropy_map(logits: torch.Tensor) -> torch.Tensor:
    """Entropy H = -Σ_c p_c ln p_c of p = softmax(logits), eq. 6.

    Args:
        logits: `(N, C)` or `(N, C, H, W)`.

    Returns:
        `(N,)` or `(N, H, W)`, in nats, between 0 and ln C; at least single precision.

    >>> entropy_map(torch.zeros(1, 4)).exp()
    tensor([4.])
    """
    # From the logits: a softmax that underflows to 0 would make log(p) and its gradient infinite.
    log_probs = F.log_softmax(logits, dim=1, dtype=torch.promote_types(logits.dtype, torch.float32))
    return -(log_probs.exp() * log_probs).sum(dim=1)


def self_information(probs: torch.Tensor, eps: float = 1e-7) -> torch.Tensor:
    """Weighted self-information I_c = -p_c log2(p_c + eps) / log2 C (Vu et al., CVPR 2019), channels kept.

    Args:
        probs: `(N, C)` or `(N, C, H, W)`, softmax outputs.
        eps: keeps value and gradient finite at p = 0 (1e-30 in AdvEnt's code, 1e-7 in SE_ASA's and MPSCL's).

    Returns:
        The shape of `probs`. A uniform pixel gives 1/C in each channel (1 in all), a one-hot pixel 0 (up to eps).
    """
    # log2(x) / log2(C) = ln(x) / ln(C)
    return -probs * torch.log(probs + eps) / math.log(probs.shape[1])
