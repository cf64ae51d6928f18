import pytest
import torch
from torch import nn

from seasa_da.models import Generator


def test_layers_are_the_papers():
    generator = Generator(1)
    convolutions = [m for m in generator.modules() if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in convolutions[:3]] == [64, 128, 256]
    assert [m.stride[0] for m in convolutions[:3]] == [1, 2, 2]
    assert [m.out_channels for m in convolutions[3:-1]] == [256] * 18  # nine blocks of two
    assert (convolutions[-1].out_channels, convolutions[-1].kernel_size) == (1, (7, 7))
    assert [m.out_channels for m in generator.modules() if isinstance(m, nn.ConvTranspose2d)] == [128, 64]
    norms = [m for m in generator.modules() if isinstance(m, nn.InstanceNorm2d)]
    assert len(norms) == 23 and not any(m.affine or m.track_running_stats for m in norms)
    assert sum(isinstance(m, nn.ReflectionPad2d) for m in generator.modules()) == 20
    weights = torch.cat([m.weight.flatten() for m in convolutions])
    assert weights.std().item() == pytest.approx(0.02, rel=0.02) and abs(weights.mean().item()) < 1e-4


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 32, 32), (3, 30, 45), (2, 17, 64)])
def test_shape_and_range_are_the_images(channels, height, width):
    images = torch.rand(2, channels, height, width) * 2 - 1
    translated = Generator(channels, width=4, blocks=1)(images)
    assert translated.shape == images.shape and translated.abs().max() <= 1


def test_residual_starts_near_the_image():
    torch.manual_seed(0)
    images = torch.rand(2, 1, 32, 32) * 1.6 - 0.8
    near, far = (Generator(1, width=8, blocks=2, residual=flag) for flag in (True, False))
    near.load_state_dict(far.state_dict())
    assert torch.allclose(near(images), (images + near.net(images)).tanh())
    assert (near(images) - images.tanh()).abs().mean() < (far(images) - images.tanh()).abs().mean()


def test_an_images_translation_does_not_depend_on_its_batch():
    generator, images = Generator(1, width=4, blocks=1), torch.rand(3, 1, 32, 32)
    torch.testing.assert_close(generator(images)[1:2], generator(images[1:2]))
