import itertools
import math

import pytest
import torch

from seasa_da.layers import hard_pseudo_labels, soft_pseudo_labels


def simplex(classes, steps):
    """All distributions with probabilities in multiples of 1/steps: `(n, classes)`."""
    cells = [cell for cell in itertools.product(range(steps + 1), repeat=classes) if sum(cell) == steps]
    return torch.tensor(cells, dtype=torch.float64) / steps


def cost(labels, probs, thresholds, alpha):
    """-Σ ŷ ln p + α Σ ŷ ln ŷ + Σ ŷ ln λ of each row; that of ŷ = 0 is 0."""
    entropy = torch.special.entr(labels).sum(dim=1)
    return -(labels * probs.log()).sum(dim=1) - alpha * entropy + (labels * thresholds.log()).sum(dim=1)


def random_case(seed, n=40, classes=3):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(n, classes, dtype=torch.float64, generator=generator)
    thresholds = 0.4 + 0.5 * torch.rand(classes, dtype=torch.float64, generator=generator)
    return logits, thresholds


def test_hard_labels_by_hand():
    probs = torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.34, 0.33, 0.33], [0.5, 0.25, 0.25], [0.6, 0.4, 0.0]])
    thresholds = torch.tensor([0.8, 0.5, 0.3])
    found = hard_pseudo_labels(probs.clamp(min=1e-9).log(), thresholds)
    # p/λ: .875 .4 .33 | .625 .8 .33 | .425 .66 1.1 | .625 .5 .83 | .75 .8 0: only the third has one above 1,
    # and it is not of the class that is likeliest.
    assert found.kept.tolist() == [False, False, True, False, False]
    assert found.probs.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_the_threshold_itself_is_kept():
    logits = torch.tensor([[2.0, 0.0, -1.0], [1.99, 0.0, -1.0]])
    thresholds = logits.softmax(dim=1)[0].max().expand(3)
    assert hard_pseudo_labels(logits, thresholds).kept.tolist() == [True, False]


@pytest.mark.parametrize("seed", range(3))
def test_hard_labels_have_the_least_cost(seed):
    logits, thresholds = random_case(seed)
    found = hard_pseudo_labels(logits, thresholds)
    choices = torch.cat([torch.zeros(1, 3), torch.eye(3)]).double()
    probs = logits.softmax(dim=1)
    for i in range(len(logits)):
        costs = cost(choices, probs[i].expand(4, 3), thresholds, alpha=0.0)
        assert choices[costs.argmin()].equal(found.probs[i])
    assert 0 < found.kept.sum() < len(logits)


@pytest.mark.parametrize("alpha", [0.1, 0.25, 1.0, 3.0])
def test_soft_labels_have_the_least_cost_on_a_grid(alpha):
    logits, thresholds = random_case(0)
    found = soft_pseudo_labels(logits, thresholds, alpha)
    probs, grid = logits.softmax(dim=1), simplex(3, 100)
    assert found.kept.any()
    z = ((probs / thresholds) ** (1 / alpha)).sum(dim=1)
    for i in range(len(logits)):
        costs = cost(grid, probs[i].expand_as(grid), thresholds, alpha)
        least = -alpha * z[i].log()
        assert costs.min() >= least - 1e-12  # the closed form is not beaten
        assert costs.min() - least < 2e-2 * max(alpha, 1.0)  # and is there, but for the grid
        if (costs.min() - least) < abs(least):  # where the grid is fine enough to tell
            assert bool(found.kept[i]) == bool(costs.min() < 0)
        if found.kept[i]:
            assert cost(found.probs[i][None], probs[i][None], thresholds, alpha).item() == pytest.approx(least.item())
            assert (found.probs[i] - grid[costs.argmin()]).abs().max() <= 0.02
    assert found.kept.equal(z > 1)
    torch.testing.assert_close(found.probs.sum(dim=1), found.kept.double())


def test_a_small_alpha_gives_the_hard_label():
    logits, thresholds = random_case(2)
    hard, soft = hard_pseudo_labels(logits, thresholds), soft_pseudo_labels(logits, thresholds, 1e-4)
    assert soft.kept.equal(hard.kept)
    torch.testing.assert_close(soft.probs, hard.probs)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.99])
def test_without_thresholds_nothing_is_kept(alpha):
    found = soft_pseudo_labels(3 * torch.randn(50, 4), torch.ones(4), alpha)
    assert not found.kept.any()
    assert not found.probs.any()


def test_images_are_labelled_pixel_by_pixel():
    logits, thresholds = random_case(3, n=2 * 5 * 4)
    images = logits.view(2, 5, 4, 3).movedim(-1, 1)
    for label in (hard_pseudo_labels, lambda x, t: soft_pseudo_labels(x, t, 0.25)):
        flat, dense = label(logits, thresholds), label(images, thresholds)
        assert dense.kept.shape == (2, 5, 4) and dense.probs.shape == (2, 3, 5, 4)
        assert dense.kept.flatten().equal(flat.kept)
        torch.testing.assert_close(dense.probs.movedim(1, -1).reshape(-1, 3), flat.probs)


def test_extreme_logits_give_finite_labels():
    logits = torch.tensor([[1e4, -1e4, 0.0]])
    thresholds = torch.tensor([0.5, 0.99, 1.0])
    for found in (hard_pseudo_labels(logits, thresholds), soft_pseudo_labels(logits, thresholds, 1e-3)):
        assert found.probs.tolist() == [[1, 0, 0]]


def test_half_precision_logits_are_labelled_in_single():
    logits, thresholds = random_case(1)
    found = soft_pseudo_labels(logits.bfloat16(), thresholds.float(), 0.25)
    assert found.probs.dtype == torch.float32
    assert math.isclose(found.probs.sum().item(), found.kept.sum().item(), rel_tol=1e-5)
