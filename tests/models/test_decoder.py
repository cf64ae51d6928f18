import pytest
import torch
from torch import nn

from seasa_da.models import Decoder


def test_layers_are_the_codes():
    decoder = Decoder(2048, 1, doublings=3)
    assert [m.out_channels for m in decoder.modules() if isinstance(m, nn.ConvTranspose2d)] == [64, 64, 32]
    convolutions = [m for m in decoder.modules() if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in convolutions] == [128] * 10 + [1]  # 1x1, 3x3, four blocks of two, and the last
    assert convolutions[-1].kernel_size == (7, 7)


@pytest.mark.parametrize(("size", "features", "doublings"), [(256, 33, 3), (64, 16, 2), (40, 5, 3)])
def test_an_image_comes_back_in_its_own_size(size, features, doublings):
    images = torch.rand(2, 1, size, size) * 2 - 1
    with torch.no_grad():
        decoded = Decoder(6, 1, doublings, width=8)(torch.randn(2, 6, features, features), images)
    assert decoded.shape == images.shape and decoded.abs().max() <= 1


def test_it_starts_near_the_image_and_depends_on_features():
    images, decoder = torch.rand(1, 1, 32, 32) - 0.5, Decoder(6, 1, 2, width=8)
    first, second = (decoder(torch.randn(1, 6, 8, 8), images) for _ in range(2))
    assert (first - images.tanh()).abs().mean() < 0.2
    assert not first.equal(second)
