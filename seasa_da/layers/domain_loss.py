"""Adversarial losses of eq. 1 and 2: a discriminator's answers against one domain's label."""

from __future__ import annotations

import torch
import torch.nn.functional as F

# Eq. 1's labels (the authors' code and pytorch-adapt have them the other way round).
SOURCE_DOMAIN = 1.0
TARGET_DOMAIN = 0.0


def domain_loss(logits: torch.Tensor, domain: float) -> torch.Tensor:
    """L_bce(sigmoid(logits), domain), the mean over an image's answers, then over images.

    Args:
        logits: `(N,)`, `(N, 1)` or `(N, 1, h, w)`, a discriminator's outputs.
        domain: `SOURCE_DOMAIN` or `TARGET_DOMAIN`. Eq. 1 sums the loss of each domain under its own label; eq. 2 is
            the target's under `SOURCE_DOMAIN`.

    Returns:
        A scalar, at least 0.
    """
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, domain))
