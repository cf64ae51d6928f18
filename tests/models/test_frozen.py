import torch
from torch import nn

from seasa_da.models import Frozen


def test_it_is_a_copy_that_stays_as_it_is():
    original = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    frozen = Frozen(original).train()
    before = {key: value.clone() for key, value in frozen.state_dict().items()}
    assert not any(layer.training for layer in frozen.modules())
    assert not any(p.requires_grad for p in frozen.parameters())
    images = torch.randn(2, 1, 8, 8, requires_grad=True)
    frozen(images).sum().backward()
    assert images.grad is not None  # gradients pass through
    with torch.no_grad():
        original[0].weight.zero_()
    assert all(value.equal(before[key]) for key, value in frozen.state_dict().items())
    assert original.training and all(p.requires_grad for p in original.parameters())
