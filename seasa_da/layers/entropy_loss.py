"""Entropy of predictions as a loss: plain (MinEnt), or with a penalty that lets hard pixels count more (FDA)."""

from __future__ import annotations

import math

import torch
from torch import nn

from seasa_da.layers.entropy import entropy_map

EPSILON = 1e-8
"""In Charbonnier's penalty."""


class EntropyLoss(nn.Module):
    """The mean over an image's pixels of e = H / ln C, in [0, 1], or of (e² + 1e-8)^η.

    Without η it is that of MinEnt (Vu et al., CVPR 2019). With η it is Charbonnier's penalty of FDA (Yang and Soatto,
    CVPR 2020): for η > 0.5 certain pixels have nearly no gradient, and ambiguous ones the most.

    Args:
        eta: η, positive; `None` for the plain entropy.
    """

    def __init__(self, eta: float | None = None) -> None:
        super().__init__()
        self.eta = eta

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """The loss of each image, `(N,)`, at least 0; its mean does not depend on how images are split into parts.

        Args:
            logits: `(N, C)` or `(N, C, H, W)`.
        """
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        loss = entropy_map(logits) / math.log(logits.shape[1])
        if self.eta is not None:
            loss = (loss.square() + EPSILON) ** self.eta
        return loss.unsqueeze(-1).flatten(1).mean(dim=1)
