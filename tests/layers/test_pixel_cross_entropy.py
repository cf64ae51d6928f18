import math

import pytest
import torch

from seasa_da.layers import pixel_cross_entropy


@pytest.mark.parametrize("shape", [(2,), (2, 1, 1)])
def test_by_hand(shape):
    logits = torch.tensor([[0.0, math.log(3.0)], [0.0, 0.0]]).view(2, 2, *shape[1:])
    expected = (math.log(4 / 3) + math.log(2)) / 2
    assert pixel_cross_entropy(logits, torch.tensor([1, 0]).view(shape)).item() == pytest.approx(expected)
