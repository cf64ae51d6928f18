"""Cross-entropy with one label a pixel, every pixel alike."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def pixel_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """mean_j -ln softmax(logits_j)[y_j], a scalar.

    Args:
        logits: `(N, K)` or `(N, K, H, W)`.
        labels: `(N,)` or `(N, H, W)` int64, 0 to K - 1.
    """
    # Not cross_entropy's own mean, whose order of sums is random on a GPU.
    return F.cross_entropy(logits, labels, reduction="none").mean()
