import pytest
import torch
from torch import nn

from seasa_da.models import FeatureCritic, MaskCritic


@pytest.mark.parametrize("size", [4, 8, 16, 32, 33])
def test_one_score_an_image_from_stacked_features(size):
    critic = FeatureCritic((6, 5, 4), num_classes=3, size=(size, size), reduced=2, width=4)
    assert critic(torch.randn(2, 6 + 5 + 4 + 3 + 1, size, size)).shape == (2,)
    # at least 2x2 and at most 4x4 cells reach the last layer
    (last,) = [layer for layer in critic.modules() if isinstance(layer, nn.Linear)]
    strided = [layer for layer in critic.modules() if isinstance(layer, nn.Conv2d) and layer.stride == (2, 2)]
    assert last.in_features // min(4 * 2 ** len(strided), 32) in (4, 9, 16)


@pytest.mark.parametrize("size", [16, 32, 64, 100, 256])
def test_one_score_an_image_from_a_mask(size):
    critic = MaskCritic(3, (size, size), width=4)
    assert critic(torch.randn(2, 3, size, size)).shape == (2,)
    assert len([layer for layer in critic.modules() if isinstance(layer, nn.Conv2d)]) == 4


@pytest.mark.parametrize("size", [(16, 12), (33, 33)])
def test_each_level_has_its_own_reduction(size):
    torch.manual_seed(0)
    critic = FeatureCritic((6, 5), num_classes=3, size=size, reduced=2, width=4)
    assert [(layer.in_channels, layer.out_channels) for layer in critic.reduce] == [(6, 2), (5, 2)]
    stacked = torch.randn(1, 15, *size, requires_grad=True)
    critic(stacked).sum().backward()
    assert (stacked.grad.abs().sum(dim=(0, 2, 3)) > 0).all()  # every channel is seen, the label's too
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in critic.parameters())


@pytest.mark.parametrize(
    ("critic", "shape"),
    [(FeatureCritic((3,), 2, (16, 16), 2, 4), (6, 16, 16)), (MaskCritic(2, (32, 32), 4), (2, 32, 32))],
)
def test_an_images_score_is_its_own(critic, shape):
    """No norm over a batch: a Wasserstein critic is a function of one image."""
    images = torch.randn(3, *shape)
    critic.train()
    torch.testing.assert_close(critic(images)[1:2], critic(images[1:2]))
    assert not [layer for layer in critic.modules() if isinstance(layer, nn.BatchNorm2d | nn.Dropout)]


@pytest.mark.parametrize(
    "build", [lambda: FeatureCritic((512, 1024, 2048), 5, (33, 33)), lambda: MaskCritic(5, (256, 256))]
)
@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_clipped_weights_bound_the_score_at_the_papers_size(build, scale):
    critic = build()
    clip = 0.03
    with torch.no_grad():
        for name, parameter in critic.named_parameters():
            parameter.fill_(0.0 if name.endswith("bias") else clip)
        channels, side = (3590, 33) if isinstance(critic, FeatureCritic) else (5, 256)
        score = critic(scale * torch.rand(1, channels, side, side)).item()
    (last,) = [layer for layer in critic.modules() if isinstance(layer, nn.Linear)]
    # After a norm over n values their sum of squares is n, and so is the most that their sum can be.
    assert abs(score) <= clip * last.in_features
    assert abs(score) < 65504  # half precision's largest number
