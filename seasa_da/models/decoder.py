"""The decoder that makes an image of the other domain from the segmenter's features: SIFA's reverse generator.

Paper: Chen et al., "Synergistic Image and Feature Adaptation", AAAI 2019. From the authors' code: a 3x3 convolution,
four residual blocks, transposed convolutions back to the image's size, 7x7 convolution, instance norm, tanh(x + r).
Our choice: a 1x1 convolution first, as a DeepLab trunk has up to 2048 channels; as many transposed convolutions as the
trunk halved the image, and a bilinear step for what is left (33 x 8 is not 256).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from seasa_da.models.generators import ResidualBlock, init_gaussian, norm_relu

BLOCKS = 4


class Decoder(nn.Module):
    """Features `(N, D, h, w)` of images `(N, C, H, W)` to images of the other domain, `(N, C, H, W)` in [-1, 1].

    Args:
        in_channels: D.
        channels: C.
        doublings: how often the features' size is doubled.
        width: channels after the first layer (authors' code: 128).
    """

    def __init__(self, in_channels: int, channels: int, doublings: int, width: int = 128) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(in_channels, width, 1), *norm_relu(width)]
        layers += [nn.Conv2d(width, width, 3, padding=1), *norm_relu(width)]
        layers += [ResidualBlock(width) for _ in range(BLOCKS)]
        before = width
        for number in range(doublings):
            after = width // 2 if number < doublings - 1 else width // 4
            layers += [nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=1), *norm_relu(after)]
            before = after
        self.body = nn.Sequential(*layers)
        self.last = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(before, channels, 7))
        init_gaussian(self)

    def forward(self, features: Tensor, images: Tensor) -> Tensor:
        found = self.body(features)
        if found.shape[2:] != images.shape[2:]:
            found = F.interpolate(found, size=images.shape[2:], mode="bilinear", align_corners=True)
        return (images + self.last(found)).tanh()
