"""The per-pixel domain critic of CyCADA, and the gate that it opens.

Paper: Hoffman et al., "CyCADA", ICML 2018; from the authors' code: 1x1 convolutions of 512 and 256 channels, dropout of
whole channels, two domain logits; the segmenter follows the critic only while its mean accuracy over 100 iterations is
above 60 %.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DomainCritic(nn.Module):
    """Scores or features `(N, D, h, w)` to two domain logits a pixel `(N, 2, h, w)`.

    Args:
        channels: D.
        width: channels after the first layer (code: 512); the second has half of them.
        dropout: share of channels dropped after both (code: 0.5).
    """

    def __init__(self, channels: int, width: int = 512, dropout: float = 0.5) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(channels, width, 1),
            nn.ReLU(),
            nn.Dropout2d(dropout),
            nn.Conv2d(width, width // 2, 1),
            nn.ReLU(),
            nn.Dropout2d(dropout),
            nn.Conv2d(width // 2, 2, 1),
        )

    def forward(self, seen: Tensor) -> Tensor:
        return self.net(seen)


class AccuracyGate(nn.Module):
    """Open while the critic's mean accuracy over the last `window` updates, or those there were, is above `threshold`.

    An update counts once it is whole, so that all micro-batches of the next find the gate alike. All of it stays on the
    device: to look at the mean would make the device wait every step.
    """

    def __init__(self, threshold: float = 0.6, window: int = 100) -> None:
        super().__init__()
        self.threshold = threshold
        self.register_buffer("accuracies", torch.zeros(window))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("tally", torch.zeros(2))
        self.accuracies: Tensor
        self.count: Tensor
        self.tally: Tensor

    def record(self, right: Tensor, total: Tensor, last: bool = True) -> None:
        """Take in how many pixels of a micro-batch were told right, and of how many; `last` is the update's last."""
        self.tally += torch.stack([right, total]).to(self.tally)
        if last:
            place = (self.count % len(self.accuracies)).view(1)
            self.accuracies.index_copy_(0, place, (self.tally[0] / self.tally[1]).view(1))
            self.count += 1
            self.tally.zero_()

    def opening(self) -> Tensor:
        """1 or 0, a scalar."""
        known = self.count.clamp(min=1, max=len(self.accuracies))
        return (self.accuracies.sum() / known > self.threshold).float()
