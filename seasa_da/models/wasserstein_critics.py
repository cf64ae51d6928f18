"""PnP-AdaNet's two Wasserstein critics: of stacked features, and of the predicted mask.

Paper: Dou et al., "PnP-AdaNet: Plug-and-Play Adversarial Domain Adaptation Network at Unpaired Cross-Modality Cardiac
Segmentation", IEEE Access 2019. From the authors' code: residual blocks and strided convolutions, then one number an
image by a fully connected layer; LeakyReLU 0.2. Our choice: features at their own resolution, reduced by a learnt 1x1
convolution a level (the code spreads channels over space, in full resolution); as many stages as leave 4x4 cells or
fewer; the code's batch norm after every convolution became a norm over each image without affine part, so that the
score of an image is a function of it alone, as a Lipschitz bound wants; without any, clipping bounds nothing (with all
weights at 0.03 the score of the paper's size is of the order of 1e23); no dropout; N(0, 0.02) start.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

LEAST = 4
"""Cells a side that no stage halves any more."""
WIDEST = 8
"""Most channels, over those of the first layer."""


class FeatureCritic(nn.Module):
    """Stacked levels `(N, sum of D_i + K + 1, h, w)` (see `stack_levels`) to one score an image `(N,)`.

    Args:
        channels: D_i of every level.
        num_classes: K.
        size: `(h, w)`.
        reduced: channels that each level is reduced to.
        width: channels after the first layer.
    """

    def __init__(
        self, channels: Sequence[int], num_classes: int, size: Sequence[int], reduced: int = 8, width: int = 64
    ) -> None:
        super().__init__()
        self.split = (*channels, num_classes + 1)
        self.reduce = nn.ModuleList(nn.Conv2d(each, reduced, 1) for each in channels)
        before = reduced * len(channels) + num_classes + 1
        layers: list[nn.Module] = [nn.Conv2d(before, width, 3, padding=1), _norm(width), nn.LeakyReLU(0.2)]
        (height, breadth), now = size, width
        while max(height, breadth) > LEAST:
            after = min(2 * now, WIDEST * width)
            halving = nn.Conv2d(now, after, 3, stride=2, padding=1)
            layers += [_Residual(now), halving, _norm(after), nn.LeakyReLU(0.2)]
            height, breadth, now = (height + 1) // 2, (breadth + 1) // 2, after
        self.net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(now * height * breadth, 1))
        _init_gaussian(self)

    def forward(self, stacked: Tensor) -> Tensor:
        *levels, rest = stacked.split(self.split, dim=1)
        reduced = [reduce(level) for reduce, level in zip(self.reduce, levels, strict=True)]
        return self.net(torch.cat([*reduced, rest.to(reduced[0])], dim=1)).flatten()


class MaskCritic(nn.Module):
    """Logits `(N, K, H, W)`, as they are, to one score an image `(N,)`, by four strided stages.

    Args:
        num_classes: K.
        size: `(H, W)`, 16 at least.
        width: channels after the first stage.
    """

    def __init__(self, num_classes: int, size: Sequence[int], width: int = 64) -> None:
        super().__init__()
        widths = [num_classes, width, 2 * width, 4 * width, 8 * width]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), _norm(after), nn.LeakyReLU(0.2)]
        left = [side // 2 ** (len(widths) - 1) for side in size]
        self.net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * left[0] * left[1], 1))
        _init_gaussian(self)

    def forward(self, logits: Tensor) -> Tensor:
        return self.net(logits).flatten()


class _Residual(nn.Module):
    """x + two 3x3 convolutions, then LeakyReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            _norm(channels),
            nn.LeakyReLU(0.2),
            nn.Conv2d(channels, channels, 3, padding=1),
            _norm(channels),
        )
        self.rise = nn.LeakyReLU(0.2)

    def forward(self, features: Tensor) -> Tensor:
        return self.rise(features + self.net(features))


def _norm(channels: int) -> nn.Module:
    """Zero mean and unit variance over an image's channels and places; nothing of it is learnt, so none clipped."""
    return nn.GroupNorm(1, channels, affine=False)


def _init_gaussian(module: nn.Module) -> None:
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # made with a bias
