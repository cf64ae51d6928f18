"""Contrast of features and class centres with an angular margin (MPSCL)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

LEAST_SQUARED_SINE = 1e-4
"""Keeps the sine's gradient finite where a feature lies on its centre (authors' code)."""


def with_angular_margin(cosines: torch.Tensor, margin: float) -> torch.Tensor:
    """cos(θ + m) of cos θ, any shape; past θ = π - m, where it would rise again, cos θ - m sin m.

    Args:
        cosines: cos θ, in [-1, 1].
        margin: m, radians, in [0, π/2].
    """
    sines = (1 - cosines.square()).clamp(min=LEAST_SQUARED_SINE).sqrt()
    moved = cosines * math.cos(margin) - sines * math.sin(margin)
    return torch.where(cosines > -math.cos(margin), moved, cosines - margin * math.sin(margin))


class AngularContrastLoss(nn.Module):
    """-T Σ_j ln softmax_k(s_jk / T)[y_j] / n over the kept j; s_jk = cos θ_jk, but cos(θ_jk + m) for k = y_j.

    The margin makes a feature's own centre look further away than it is, so that classes keep a distance (Liu et al.,
    JBHI 2022). The factor T keeps the gradient's size whatever the temperature.

    Args:
        temperature: T, positive.
        margin: m, radians, in [0, π/2].
    """

    def __init__(self, temperature: float = 1.0, margin: float = 0.2) -> None:
        super().__init__()
        self.temperature = temperature
        self.margin = margin

    def forward(
        self,
        cosines: torch.Tensor,
        labels: torch.Tensor,
        seen: torch.Tensor,
        kept: torch.Tensor,
        count: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """A scalar, at least 0; 0 with an intact graph where none is kept.

        Args:
            cosines: cos θ, `(N, K)` or `(N, K, h, w)`, of `class_cosines`.
            labels: y, `(N,)` or `(N, h, w)`; where kept, classes that have a centre.
            seen: bool `(K,)`, the classes that have a centre; the others are not in the softmax.
            kept: bool, the shape of `labels`.
            count: n, a scalar; by default how many are kept. Of a batch in equal parts (ranks) each part is given the
                batch's number over the number of parts: the mean of the parts' losses is then the batch's.
        """
        across = (-1, *[1] * (cosines.dim() - 2))
        labels = labels.long().masked_fill(~kept, 0)
        own = labels.unsqueeze(1) == torch.arange(len(seen), device=labels.device).view(across)
        logits = torch.where(own, with_angular_margin(cosines, self.margin), cosines) / self.temperature
        logits = logits.masked_fill(~seen.view(across), torch.finfo(logits.dtype).min)
        # Summed here, as nll_loss's own sum has a random order on a GPU.
        losses = F.nll_loss(F.log_softmax(logits, dim=1), labels, reduction="none")
        count = kept.sum() if count is None else count
        return self.temperature * torch.where(kept, losses, 0.0).sum() / count.clamp(min=1e-12)
