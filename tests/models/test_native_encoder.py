import torch
from torch import nn

from seasa_da.models import NativeEncoder, PixelHead


def test_both_levels_are_an_eighth_of_the_image():
    encoder = NativeEncoder(1, width=2)
    assert encoder.channels == (64, 64)
    high, low = encoder(torch.randn(2, 1, 64, 64), levels=True)
    assert high.shape == low.shape == (2, 64, 8, 8)
    encoder.eval()
    images = torch.randn(2, 1, 64, 64)
    assert encoder(images).equal(encoder(images, levels=True)[0])


def test_widths_are_the_codes():
    convolutions = [m for m in NativeEncoder(1).modules() if isinstance(m, nn.Conv2d)]
    assert convolutions[0].out_channels == 16 and convolutions[0].kernel_size == (7, 7)
    assert [m.out_channels for m in convolutions[1::2]][:11] == [*(16, 32, 64, 64, 128, 128, 256, 256, 256, 256, 512)]
    assert sum(m.dilation == (2, 2) for m in convolutions) == 4
    assert all(m.momentum == 0.1 for m in NativeEncoder(1).modules() if isinstance(m, nn.BatchNorm2d))


def test_every_convolution_gets_a_gradient():
    torch.manual_seed(0)
    encoder = NativeEncoder(1, width=2)
    sum(level.square().mean() for level in encoder(torch.randn(2, 1, 32, 32), levels=True)).backward()
    assert all(m.weight.grad.abs().sum() > 0 for m in encoder.modules() if isinstance(m, nn.Conv2d))


def test_a_head_is_one_matrix_a_pixel():
    head = PixelHead(3, 2, (8, 8))
    nn.init.zeros_(head.conv.bias)
    features = torch.zeros(1, 3, 2, 2)
    features[0, 1] = 2.0
    expected = 2 * head.conv.weight[:, 1, 0, 0]
    torch.testing.assert_close(head(features), expected.view(1, 2, 1, 1).expand(1, 2, 8, 8))


def test_dropout_takes_single_elements_before_the_norm_and_none_when_evaluated():
    encoder, head = NativeEncoder(1, width=2, dropout=0.25), PixelHead(64, 3, (8, 8), dropout=0.25)
    assert sum(isinstance(m, nn.Dropout) and m.p == 0.25 for m in encoder.modules()) == 1 + 2 * 14 + 2
    assert isinstance(encoder.early[1], nn.Dropout) and isinstance(encoder.early[2], nn.BatchNorm2d)
    features = torch.randn(1, 64, 8, 8)
    assert (head(features) == 0).any() and not (head.eval()(features) == 0).any()
