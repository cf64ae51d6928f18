import pytest
import torch
from torch import nn

from seasa_da.training.schedules import poly, scale_learning_rates


@pytest.mark.parametrize(
    ("iteration", "total", "power", "expected"),
    [(0, 100, 0.9, 1.0), (50, 100, 0.9, 0.5**0.9), (75, 100, 2.0, 0.0625), (100, 100, 0.9, 0.0), (70, 100, 0.0, 1.0)],
)
def test_poly(iteration, total, power, expected):
    assert poly(iteration, total, power) == pytest.approx(expected)


def test_every_groups_rate_is_scaled_from_its_first():
    groups = [{"params": nn.Linear(1, 1).parameters(), "lr": rate} for rate in (0.1, 1.0)]
    optimizer, other = torch.optim.SGD(groups, lr=0.5), torch.optim.Adam(nn.Linear(1, 1).parameters(), lr=0.01)
    for factor in (0.5, 0.5, 0.25, 0.0, 1.0):  # not of each other
        scale_learning_rates([optimizer, other], factor)
        assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.1 * factor, factor])
        assert other.param_groups[0]["lr"] == pytest.approx(0.01 * factor)


def test_the_first_rate_survives_a_checkpoint():
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    scale_learning_rates([optimizer], 0.25)
    fresh = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=9.0)
    fresh.load_state_dict(optimizer.state_dict())
    scale_learning_rates([fresh], 0.5)
    assert fresh.param_groups[0]["lr"] == pytest.approx(0.05)
