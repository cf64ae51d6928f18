"""SIFA's own segmenter: an encoder of stride 8 and heads of one 1x1 convolution.

Papers: Chen et al., AAAI 2019 and TMI 2020. From the authors' code: base of 16 channels; residual blocks between three
2x2 max-pools, up to 512 channels; two more dilated by 2; two 3x3 convolutions; batch norm with decay 0.9; a level is
tapped before the dilated blocks and one at the end. Our choice: a shortcut to more channels is filled up with zeros;
PyTorch's default start.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

# Channels of the residual blocks over the base's; "pool" halves the size.
EARLY = (1, "pool", 2, "pool", 4, 4, "pool", 8, 8, 16, 16, 16, 16, 32, 32)
WIDEST = 32


class NativeEncoder(nn.Module):
    """In place of the trunk `G`: images `(N, C, H, W)` to features `(N, D, H/8, W/8)`.

    With `levels=True` it returns the last and the lower level. `channels` are those of both.

    Args:
        in_channels: C.
        width: of the first layer (authors' code: 16); D is 32 times as wide.
        dropout: share of the single elements dropped after every convolution.
    """

    def __init__(self, in_channels: int, width: int = 16, dropout: float = 0.0) -> None:
        super().__init__()
        first = nn.Conv2d(in_channels, width, 7, padding=3, bias=False)
        layers: list[nn.Module] = [first, nn.Dropout(dropout), *_norm_relu(width)]
        before = width
        for factor in EARLY:
            if isinstance(factor, str):
                layers.append(nn.MaxPool2d(2))
            else:
                layers.append(_Block(before, factor * width, 1, dropout))
                before = factor * width
        self.early = nn.Sequential(*layers)
        late: list[nn.Module] = [_Block(before, before, 2, dropout) for _ in range(2)]
        for _ in range(2):
            late += [nn.Conv2d(before, before, 3, padding=1, bias=False), nn.Dropout(dropout), *_norm_relu(before)]
        self.late = nn.Sequential(*late)
        self.channels: tuple[int, int] = (before, before)

    def forward(self, images: Tensor, levels: bool = False) -> Tensor | tuple[Tensor, Tensor]:
        low = self.early(images)
        high = self.late(low)
        return (high, low) if levels else high


class PixelHead(nn.Module):
    """Features `(N, D, h, w)` to logits `(N, K, H, W)`: a 1x1 convolution, then bilinear upsampling.

    Args:
        in_channels: D.
        num_classes: K, background included.
        output_size: `(H, W)`.
        dropout: share of the convolution's outputs dropped.
    """

    def __init__(self, in_channels: int, num_classes: int, output_size: tuple[int, int], dropout: float = 0.0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, num_classes, 1)
        self.dropout = nn.Dropout(dropout)
        self.output_size = output_size

    def forward(self, features: Tensor) -> Tensor:
        return F.interpolate(
            self.dropout(self.conv(features)), size=self.output_size, mode="bilinear", align_corners=True
        )


class _Block(nn.Module):
    def __init__(self, before: int, after: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.more = after - before
        self.net = nn.Sequential(
            nn.Conv2d(before, after, 3, padding=dilation, dilation=dilation, bias=False),
            nn.Dropout(dropout),
            *_norm_relu(after),
            nn.Conv2d(after, after, 3, padding=dilation, dilation=dilation, bias=False),
            nn.Dropout(dropout),
            nn.BatchNorm2d(after),
        )

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(F.pad(features, (0, 0, 0, 0, 0, self.more)) + self.net(features))


def _norm_relu(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels), nn.ReLU()]
