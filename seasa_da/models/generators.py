"""The image-to-image network of CycleGAN.

Paper: Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", ICCV 2017
(appendix 7.2), after Johnson et al., ECCV 2016. From the paper: 7x7 convolution, two of stride 2, residual blocks, two
transposed convolutions, 7x7 convolution, tanh; reflection padding; instance norm. From the authors' code: no affine
part in the norm, N(0, 0.02) start. Our choice: `residual`, the form tanh(x + r) of SIFA, as an option; slices whose
sides are no multiple of 4 come back in their own size.
"""

from __future__ import annotations

from torch import Tensor, nn


class Generator(nn.Module):
    """Images `(N, C, H, W)` in [-1, 1] to images of the other domain, same shape and range.

    Args:
        channels: C.
        width: channels after the first layer (paper: 64).
        blocks: residual blocks (paper: 9 for 256x256, 6 for 128x128).
        residual: tanh(x + r) in place of tanh(r), which starts near the identity.
    """

    def __init__(self, channels: int, width: int = 64, blocks: int = 9, residual: bool = False) -> None:
        super().__init__()
        self.residual = residual
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(channels, width, 7), *norm_relu(width)]
        for before in (width, 2 * width):
            layers += [nn.Conv2d(before, 2 * before, 3, stride=2, padding=1), *norm_relu(2 * before)]
        layers += [ResidualBlock(4 * width) for _ in range(blocks)]
        for before in (4 * width, 2 * width):
            after = before // 2
            layers += [nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=1), *norm_relu(after)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, channels, 7)]
        self.net = nn.Sequential(*layers)
        init_gaussian(self)

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        change = self.net(images)[..., :height, :width]
        return (images + change if self.residual else change).tanh()


class ResidualBlock(nn.Module):
    """x + two 3x3 convolutions with instance norm; shape `(N, channels, H, W)` stays."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            *norm_relu(channels),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.net(features)


def init_gaussian(module: nn.Module, std: float = 0.02) -> None:
    """Draw the weights of every convolution from N(0, std) and set their biases to 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, std)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def norm_relu(channels: int) -> list[nn.Module]:
    """Instance norm without affine part, then ReLU."""
    return [nn.InstanceNorm2d(channels), nn.ReLU()]
