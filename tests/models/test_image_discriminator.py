import pytest
import torch
from torch import nn

from seasa_da.models import ImageDiscriminator


def test_layers_are_the_papers():
    discriminator = ImageDiscriminator(1)
    convolutions = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in convolutions] == [64, 128, 256, 512, 1]
    assert [m.stride[0] for m in convolutions] == [2, 2, 2, 1, 1]
    assert [m.num_features for m in discriminator.modules() if isinstance(m, nn.InstanceNorm2d)] == [128, 256, 512]


@pytest.mark.parametrize(("size", "expected"), [(256, 30), (64, 6), (32, 2)])
def test_answers_are_a_map(size, expected):
    with torch.no_grad():
        assert ImageDiscriminator(1, width=4)(torch.randn(2, 1, size, size)).shape == (2, 1, expected, expected)


def test_a_score_sees_seventy_pixels():
    discriminator = ImageDiscriminator(1, width=2)
    for layer in discriminator.net:  # a norm over the whole map would let every pixel see all others
        if isinstance(layer, nn.InstanceNorm2d):
            layer.forward = lambda features: features
    image = torch.randn(1, 1, 256, 256, requires_grad=True)
    discriminator(image)[0, 0, 15, 15].backward()
    rows = image.grad[0, 0].abs().sum(dim=1).nonzero()
    assert (rows.max() - rows.min() + 1).item() == 70


def test_a_second_score_shares_all_but_the_last_layer():
    discriminator = ImageDiscriminator(1, width=4, outputs=2)
    assert discriminator(torch.randn(1, 1, 32, 32)).shape == (1, 2, 2, 2)
    assert [m.out_channels for m in discriminator.modules() if isinstance(m, nn.Conv2d)] == [4, 8, 16, 32, 2]
