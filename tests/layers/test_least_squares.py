import pytest
import torch

from seasa_da.layers import FAKE, REAL, least_squares_loss


@pytest.mark.parametrize(
    ("wanted", "expected"), [(REAL, (1.0 + 0.25 + 0.0 + 4.0) / 4), (FAKE, (0.0 + 0.25 + 1 + 1) / 4)]
)
def test_by_hand(wanted, expected):
    scores = torch.tensor([[0.0, 0.5], [1.0, -1.0]])
    assert least_squares_loss(scores, wanted).item() == pytest.approx(expected)
