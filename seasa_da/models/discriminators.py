"""Discriminators of the output space: they take logits and hold the softmax themselves.

The softmax is inside because a hook that replaced the cached logits by probabilities would change them for every
hook that comes later.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from seasa_da.layers import self_information


class Discriminator(nn.Module):
    """Logits `(N, K, H, W)` to a map of domain logits `(N, 1, h, w)`; large means source.

    Args:
        num_classes: `K`.
        network: "patchgan" (Isola et al., CVPR 2017; 4x4, strides 2,2,2,1,1, batch norm in the middle, N(0, 0.02)),
            as the paper uses; or "fc" (Tsai et al., CVPR 2018; 4x4, strides 2, no norm).
        width: channels after the first layer; 64 in both papers.
        sees: "probs", or "self-information" (AdvEnt, Vu et al., CVPR 2019).
    """

    def __init__(self, num_classes: int, network: str = "patchgan", width: int = 64, sees: str = "probs") -> None:
        super().__init__()
        if sees not in ("probs", "self-information"):
            raise ValueError(f"sees={sees!r}; it is 'probs' or 'self-information'")
        if network not in ("patchgan", "fc"):
            raise ValueError(f"network={network!r}; it is 'patchgan' or 'fc'")
        self.sees = sees
        net = _patchgan(num_classes, width) if network == "patchgan" else _fully_convolutional(num_classes, width)
        self.net = net.to(memory_format=torch.channels_last)  # as the segmenter is

    def forward(self, logits: Tensor) -> Tensor:
        probs = logits.softmax(dim=1)
        return self.net(self_information(probs) if self.sees == "self-information" else probs)


def _patchgan(channels: int, width: int) -> nn.Sequential:
    widths = [width, 2 * width, 4 * width, 8 * width]
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
    for before, after, stride in zip(widths[:-1], widths[1:], (2, 2, 1), strict=True):
        layers += [
            nn.Conv2d(before, after, 4, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.LeakyReLU(0.2),
        ]
    layers.append(nn.Conv2d(widths[-1], 1, 4, stride=1, padding=1))
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
    return nn.Sequential(*layers)


def _fully_convolutional(channels: int, width: int) -> nn.Sequential:
    widths = [channels, width, 2 * width, 4 * width, 8 * width]
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
    layers.append(nn.Conv2d(widths[-1], 1, 4, stride=2, padding=1))
    return nn.Sequential(*layers)
