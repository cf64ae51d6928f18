"""Selective entropy constraints, eq. 6: sharpen the reliable predictions, flatten the unreliable ones."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import nn

from seasa_da.layers.entropy import entropy_map

Minimise = Literal["reliable", "all", "none"]
Maximise = Literal["unreliable", "none"]


class SelectiveEntropyLoss(nn.Module):
    """L_sent = (Σ_{j∈C} H_j - Σ_{j∈I} H_j) / |Ω|, eq. 6, of each image; Ω is all of its pixels, I the rest of C.

    For `(N, C)` logits Ω is the sample itself, so the loss is +H or -H.

    Args:
        minimise: whose entropy is minimised: the reliable pixels' (paper), all pixels' (plain entropy minimisation),
            or none's. With "all" and `maximise="unreliable"` the unreliable pixels' terms cancel.
        maximise: whose entropy is maximised: the unreliable pixels' (paper) or none's.

    Raises:
        ValueError: an unknown choice.
    """

    def __init__(self, minimise: Minimise = "reliable", maximise: Maximise = "unreliable") -> None:
        super().__init__()
        if minimise not in get_args(Minimise):
            raise ValueError(f"minimise={minimise!r}; choose from {', '.join(get_args(Minimise))}")
        if maximise not in get_args(Maximise):
            raise ValueError(f"maximise={maximise!r}; choose from {', '.join(get_args(Maximise))}")
        self.minimise = minimise
        self.maximise = maximise

    def forward(self, logits: torch.Tensor, reliable: torch.Tensor) -> torch.Tensor:
        """Loss of each image, so that a mean over images does not depend on how they are split into parts.

        Args:
            logits: `(N, C)` or `(N, C, H, W)`.
            reliable: bool `(N,)` or `(N, H, W)`; carries no gradient.

        Returns:
            `(N,)`, between -ln C and ln C.

        Raises:
            ValueError: `reliable` has not one value for each prediction.
        """
        return self.reduce(entropy_map(logits), reliable)

    def reduce(self, entropy: torch.Tensor, reliable: torch.Tensor) -> torch.Tensor:
        """The same from entropies `(N,)` or `(N, H, W)`, for a caller who has them."""
        if reliable.shape != entropy.shape:
            raise ValueError(f"reliable is {tuple(reliable.shape)}, the predictions are {tuple(entropy.shape)}")
        sign = torch.zeros_like(entropy)
        if self.minimise == "reliable":
            sign = sign + reliable
        elif self.minimise == "all":
            sign = sign + 1
        if self.maximise == "unreliable":
            sign = sign - (~reliable).to(sign.dtype)
        return (sign * entropy).unsqueeze(-1).flatten(1).mean(dim=1)
