import itertools
import math

import pytest
import torch

from seasa_da.layers import SelectiveEntropyLoss, entropy_map


@pytest.fixture
def logits():
    return torch.randn(2, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()


def test_by_hand():
    # Entropies: ln 2, ln 2, ln 2, 0 (two classes); the last and the first pixel are reliable.
    logits = torch.tensor([[[[0.0, 0.0], [0.0, 99.0]], [[0.0, 0.0], [0.0, -99.0]]]])
    reliable = torch.tensor([[[True, False], [False, True]]])
    expected = (math.log(2) + 0 - 2 * math.log(2)) / 4
    torch.testing.assert_close(SelectiveEntropyLoss()(logits, reliable), torch.tensor([expected]))


@pytest.mark.parametrize(
    ("minimise", "maximise"), list(itertools.product(["reliable", "all", "none"], ["unreliable", "none"]))
)
def test_every_choice_by_loops(logits, minimise, maximise):
    reliable = torch.rand(2, 4, 4, generator=torch.Generator().manual_seed(1)) < 0.5
    entropy = entropy_map(logits).flatten(1).tolist()
    expected = []
    for image, mask in zip(entropy, reliable.flatten(1).tolist(), strict=True):
        total = 0.0
        for h, keep in zip(image, mask, strict=True):
            total += h if minimise == "all" or (minimise == "reliable" and keep) else 0.0
            total -= h if maximise == "unreliable" and not keep else 0.0
        expected.append(total / 16)
    loss = SelectiveEntropyLoss(minimise, maximise)(logits, reliable)
    torch.testing.assert_close(loss, torch.tensor(expected, dtype=torch.float64))


def test_all_reliable_is_the_mean_entropy(logits):
    loss = SelectiveEntropyLoss()(logits, torch.ones(2, 4, 4, dtype=torch.bool))
    torch.testing.assert_close(loss, entropy_map(logits).mean(dim=(1, 2)))


def test_descent_flattens_unreliable_and_sharpens_reliable_pixels(logits):
    reliable = torch.zeros(2, 4, 4, dtype=torch.bool)
    reliable[..., :2] = True
    SelectiveEntropyLoss()(logits, reliable).sum().backward()
    before, after = entropy_map(logits), entropy_map(logits - 0.1 * logits.grad)
    assert (after < before)[reliable].all()
    assert (after > before)[~reliable].all()


def test_descent_on_an_unreliable_pixel_ends_uniform():
    logits = torch.tensor([[3.0, 0.0, -1.0]])
    for _ in range(200):
        logits = logits.detach().requires_grad_()
        SelectiveEntropyLoss()(logits, torch.tensor([False])).sum().backward()
        logits = logits - logits.grad
    torch.testing.assert_close(logits.softmax(dim=1), torch.full((1, 3), 1 / 3), atol=0.01, rtol=0)


def test_classification_logits_give_plus_or_minus_entropy():
    logits = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    entropy = entropy_map(logits)
    loss = SelectiveEntropyLoss()(logits, torch.tensor([True, False]))
    torch.testing.assert_close(loss, torch.stack([entropy[0], -entropy[1]]))


def test_extreme_logits_have_finite_gradients():
    logits = (torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 1e5).requires_grad_()
    SelectiveEntropyLoss()(logits, torch.rand(2, 4, 4) < 0.5).sum().backward()
    assert logits.grad.isfinite().all()


def test_gradient(logits):
    reliable = torch.rand(2, 4, 4, generator=torch.Generator().manual_seed(1)) < 0.5
    assert torch.autograd.gradcheck(lambda x: SelectiveEntropyLoss()(x, reliable), logits)


def test_from_entropies_by_hand():
    entropy = torch.tensor([[[0.1, 0.2], [0.3, 0.6]]])
    reliable = torch.tensor([[[True, False], [True, False]]])
    torch.testing.assert_close(SelectiveEntropyLoss().reduce(entropy, reliable), torch.tensor([-0.1]))


def test_faults_are_named(logits):
    with pytest.raises(ValueError, match="minimise='some'"):
        SelectiveEntropyLoss(minimise="some")
    with pytest.raises(ValueError, match="maximise='all'"):
        SelectiveEntropyLoss(maximise="all")
    with pytest.raises(ValueError, match=r"reliable is \(4, 4\)"):
        SelectiveEntropyLoss()(logits, torch.ones(4, 4, dtype=torch.bool))
