"""The discriminator of images: CycleGAN's 70x70 PatchGAN.

Paper: Isola et al., CVPR 2017; Zhu et al., ICCV 2017. 4x4 convolutions, strides 2, 2, 2, 1, 1, instance norm (without
affine part) on the three in the middle, LeakyReLU 0.2, N(0, 0.02) start.
"""

from __future__ import annotations

from torch import Tensor, nn

from seasa_da.models.generators import init_gaussian


class ImageDiscriminator(nn.Module):
    """Images `(N, C, H, W)` to a map of raw scores `(N, outputs, h, w)`, large for real ones.

    Args:
        channels: C.
        width: channels after the first layer (paper: 64).
        outputs: scores a place; SIFA's discriminator of source images has a second one for its auxiliary task.
    """

    def __init__(self, channels: int, width: int = 64, outputs: int = 1) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for before, stride in ((width, 2), (2 * width, 2), (4 * width, 1)):
            layers += [
                nn.Conv2d(before, 2 * before, 4, stride=stride, padding=1),
                nn.InstanceNorm2d(2 * before),
                nn.LeakyReLU(0.2),
            ]
        layers.append(nn.Conv2d(8 * width, outputs, 4, stride=1, padding=1))
        self.net = nn.Sequential(*layers)
        init_gaussian(self)

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images)
