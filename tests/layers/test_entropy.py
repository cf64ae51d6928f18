import math

import numpy as np
import pytest
import torch

from seasa_da.layers import entropy_map, self_information


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 2, 5)])
def test_entropy_is_numpys(shape):
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    probs = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(axis=1, keepdims=True)
    expected = -(probs * np.log(probs)).sum(axis=1)
    np.testing.assert_allclose(entropy_map(logits), expected, rtol=1e-5)


def test_half_precision_is_left_before_pixels_are_summed():
    logits = torch.randn(2, 5, 64, 64).bfloat16()
    assert entropy_map(logits).dtype == torch.float32
    torch.testing.assert_close(entropy_map(logits), entropy_map(logits.float()), rtol=0, atol=0)
    assert entropy_map(logits.double()).dtype == torch.float64


def test_entropy_of_uniform_certain_and_fair_coin():
    logits = torch.tensor([[0.0, 0.0, 0.0], [1e4, 0.0, 0.0], [0.0, 0.0, -1e4]], requires_grad=True)
    entropy = entropy_map(logits)
    torch.testing.assert_close(entropy, torch.tensor([math.log(3), 0.0, math.log(2)]))
    entropy.sum().backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("eps", [1e-7, 1e-30])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_self_information_of_uniform_and_one_hot(n_classes, eps):
    uniform = torch.full((2, n_classes, 3, 3), 1 / n_classes)
    torch.testing.assert_close(self_information(uniform, eps), uniform)
    one_hot = torch.eye(n_classes, requires_grad=True)
    information = self_information(one_hot, eps)
    torch.testing.assert_close(information, torch.zeros(n_classes, n_classes), atol=1e-6, rtol=0)
    information.sum().backward()
    assert one_hot.grad.isfinite().all()


def test_self_information_by_hand():
    # C = 4: log2 C = 2; -1/2 log2 1/2 / 2 = 1/4, -1/4 log2 1/4 / 2 = 1/4, -1/8 log2 1/8 / 2 = 3/16
    information = self_information(torch.tensor([[0.5, 0.25, 0.125, 0.125]]))
    torch.testing.assert_close(information, torch.tensor([[0.25, 0.25, 0.1875, 0.1875]]))


def test_self_information_sums_to_the_entropy():
    logits = torch.randn(2, 5, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    total = self_information(logits.softmax(dim=1), eps=0.0).sum(dim=1) * math.log(5)
    torch.testing.assert_close(total, entropy_map(logits))


def test_gradients():
    logits = torch.randn(2, 3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    logits.requires_grad_()
    assert torch.autograd.gradcheck(entropy_map, logits)
    assert torch.autograd.gradcheck(lambda x: self_information(x.softmax(dim=1)), logits)
