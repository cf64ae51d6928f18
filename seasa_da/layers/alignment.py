"""Adaptive semantic alignment, eq. 10: the distance between the two domains' prototypes."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import nn

Distance = Literal["l2", "mse"]


class PrototypeAlignmentLoss(nn.Module):
    """L_pro = Σ_c ‖z_c^s - z_c^t‖_2, eq. 10, over the classes that count.

    Args:
        distance: "l2", eq. 10's norm (not squared), or "mse", the authors' code's: a mean square over the
            dimensions, summed over the classes.

    Raises:
        ValueError: an unknown distance.
    """

    def __init__(self, distance: Distance = "l2") -> None:
        super().__init__()
        if distance not in get_args(Distance):
            raise ValueError(f"distance={distance!r}; choose from {', '.join(get_args(Distance))}")
        self.distance = distance

    def forward(self, src: torch.Tensor, tgt: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        """A scalar, at least 0; 0 with an intact graph when no class counts.

        Args:
            src: `(K, D)`, the source's prototypes.
            tgt: `(K, D)`, the target's.
            valid: bool `(K,)`, the classes that count (those seen in both domains).
        """
        # `where`, not a product: what stands in a class that does not count must not matter, even if not finite.
        difference = torch.where(valid[:, None], src - tgt, 0.0)
        if self.distance == "mse":
            return difference.square().mean(dim=1).sum()
        # vector_norm's gradient at 0 is 0; sqrt of a sum of squares would give NaN there
        return torch.linalg.vector_norm(difference, dim=1).sum()
