"""What a critic of features sees, as one tensor."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from seasa_da.layers.predicted_labels import predicted_labels


def stack_levels(levels: Sequence[Tensor], logits: Tensor) -> Tensor:
    """Feature maps, the scores and the predicted label of every cell, one above the other along the channels.

    The scores are `logits` resized to the features' grid (bilinear, aligned corners); the label is their argmax over
    K - 1, in [0, 1], through which no gradient comes.

    Args:
        levels: `(N, D_i, h, w)` each.
        logits: `(N, K, H, W)`.

    Returns:
        `(N, sum of D_i + K + 1, h, w)`.
    """
    scores = F.interpolate(logits, size=levels[-1].shape[2:], mode="bilinear", align_corners=True)
    labels = predicted_labels(scores).unsqueeze(1) / max(scores.shape[1] - 1, 1)
    return torch.cat([*levels, scores, labels.to(scores)], dim=1)
