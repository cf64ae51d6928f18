import math

import numpy as np
import pytest
import torch

from seasa_da.layers import EntropyLoss


def probabilities(*rows):
    """Logits of these distributions."""
    return torch.tensor(rows, dtype=torch.float64).log()


def test_by_hand():
    # In bits 1.75 of 2, and 1 of 2.
    logits = probabilities([0.5, 0.25, 0.125, 0.125], [0.5, 0.5, 1e-300, 1e-300])
    expected = torch.tensor([7 / 8, 1 / 2], dtype=torch.float64)
    torch.testing.assert_close(EntropyLoss()(logits), expected)
    torch.testing.assert_close(EntropyLoss(2.0)(logits), (expected**2 + 1e-8) ** 2)
    torch.testing.assert_close(EntropyLoss(0.75)(logits), (expected**2 + 1e-8) ** 0.75)


@pytest.mark.parametrize("eta", [None, 2.0])
def test_uniform_is_one_and_certain_is_nothing(eta):
    logits = torch.tensor([[0.0] * 5, [1e4, 0.0, 0.0, 0.0, 0.0]], requires_grad=True)
    loss = EntropyLoss(eta)(logits)
    torch.testing.assert_close(loss, torch.tensor([1.0, 0.0]))
    loss.sum().backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("eta", [None, 1.5])
def test_the_mean_over_an_images_pixels_is_numpys(eta):
    logits = torch.randn(3, 4, 2, 5, generator=torch.Generator().manual_seed(0))
    probs = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(axis=1, keepdims=True)
    pixels = -(probs * np.log2(probs)).sum(axis=1) / 2
    if eta is not None:
        pixels = (pixels**2 + 1e-8) ** eta
    np.testing.assert_allclose(EntropyLoss(eta)(logits), pixels.mean(axis=(1, 2)), rtol=1e-5)


def test_the_penalty_moves_ambiguous_pixels_more_than_certain_ones():
    """The plain entropy does the reverse between these two (MinEnt's probability imbalance)."""
    slopes = {}
    for eta in (None, 2.0):
        logits = probabilities([0.9, 0.1], [0.6, 0.4]).requires_grad_()
        EntropyLoss(eta)(logits).sum().backward()
        certain, ambiguous = logits.grad.abs().max(dim=1).values.tolist()
        slopes[eta] = ambiguous / certain
    assert slopes[None] < 0.6 and slopes[2.0] > 1


@pytest.mark.parametrize("eta", [None, 2.0])
def test_gradient(eta):
    logits = torch.randn(2, 3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(EntropyLoss(eta), logits)


def test_half_precision_is_summed_in_single():
    logits = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(EntropyLoss(2.0)(logits.half()), EntropyLoss(2.0)(logits), rtol=1e-3, atol=0)


def test_it_is_at_most_one():
    assert EntropyLoss()(torch.zeros(1, 7)).item() == pytest.approx(1.0)
    assert EntropyLoss()(torch.randn(8, 7)).max() < 1 + math.ulp(1.0)
