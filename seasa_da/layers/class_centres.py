"""Features against class centres: their cosines, and the labels that these give."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def class_cosines(features: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """cos θ_k of each feature vector and each centre, in at least single precision.

    Args:
        features: `(N, D)` or `(N, D, h, w)`.
        centres: `(K, D)`; one that is 0 has the cosine 0 with everything.

    Returns:
        `(N, K)` or `(N, K, h, w)`, in [-1, 1] up to rounding.
    """
    precise = torch.promote_types(features.dtype, torch.float32)
    with torch.autocast(features.device.type, enabled=False):  # a margin of 0.2 is not much in 8 bits
        directions = F.normalize(features.to(precise), dim=1)
        return torch.einsum("nd...,kd->nk...", directions, F.normalize(centres.to(precise), dim=1))


def nearest_centre(cosines: torch.Tensor, seen: torch.Tensor, confidence: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels by the nearest centre, kept where its cosine leads the next one's by more than `confidence`.

    Args:
        cosines: `(N, K)` or `(N, K, h, w)`, K at least 2.
        seen: bool `(K,)`, the classes that have a centre; the others are no candidates.
        confidence: the lead, at least 0.

    Returns:
        labels, int64, and kept, bool, `(N,)` or `(N, h, w)`, without gradient. With a single centre all are kept, with
        none nothing is.
    """
    absent = ~seen.view(-1, *[1] * (cosines.dim() - 2))
    found = cosines.detach().masked_fill(absent, torch.finfo(cosines.dtype).min).topk(2, dim=1)
    return found.indices[:, 0], found.values[:, 0] - found.values[:, 1] > confidence
