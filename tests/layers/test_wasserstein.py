import pytest
import torch

from seasa_da.layers import gradient_penalty, wasserstein_distance


def test_the_distance_of_means():
    assert wasserstein_distance(torch.tensor([3.0, 5.0]), torch.tensor([1.0, 2.0])).item() == 2.5


@pytest.mark.parametrize(("slope", "expected"), [(1.0, 0.0), (3.0, 4.0), (0.0, 1.0)])
def test_a_linear_critics_penalty_is_its_slopes(slope, expected):
    def critic(seen):
        return slope * seen.flatten(1)[:, 0]

    src, target = torch.randn(4, 2, 3, 3), torch.randn(4, 2, 3, 3)
    assert gradient_penalty(critic, src, target, torch.rand(4)).item() == pytest.approx(expected, abs=1e-6)


def test_it_is_taken_at_each_pairs_own_point():
    def critic(seen):
        return 0.5 * seen.square().sum(dim=1)  # its gradient is the point itself

    src, target = torch.tensor([[4.0], [2.0]]), torch.tensor([[0.0], [-2.0]])
    # at 3 = 3/4 of 4 and at 0 = halfway: ((3 - 1)² + (0 - 1)²) / 2
    assert gradient_penalty(critic, src, target, torch.tensor([0.75, 0.5])).item() == pytest.approx(2.5)


def test_the_critic_learns_from_it_and_the_images_do_not():
    weight = torch.tensor(3.0, requires_grad=True)
    src, target = torch.randn(2, 1, requires_grad=True), torch.randn(2, 1, requires_grad=True)
    gradient_penalty(lambda seen: weight * seen[:, 0], src, target, torch.rand(2)).backward()
    assert weight.grad.item() == pytest.approx(4.0)  # d (w - 1)² / dw
    assert src.grad is None and target.grad is None
