import math

import pytest
import torch
import torch.nn.functional as F

from seasa_da.layers import confidence_kld, soft_cross_entropy


def images(seed=0, n=4):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, 3, 5, 4, dtype=torch.float64, generator=generator).requires_grad_()
    kept = torch.rand(n, 5, 4, generator=generator) < 0.4
    targets = torch.rand(n, 3, 5, 4, dtype=torch.float64, generator=generator).softmax(dim=1) * kept[:, None]
    return logits, targets, kept


def test_by_hand():
    logits = torch.tensor([[0.8, 0.2], [0.5, 0.5], [0.1, 0.9]]).log()
    targets, kept = torch.tensor([[1.0, 0.0], [0.3, 0.7], [0.5, 0.5]]), torch.tensor([True, True, False])
    expected = (-math.log(0.8) + math.log(2)) / 2
    assert soft_cross_entropy(logits, targets, kept).item() == pytest.approx(expected)
    # The mean of -(ln p_0 + ln p_1)/2 of the first two.
    assert confidence_kld(logits, kept).item() == pytest.approx((-math.log(0.8 * 0.2) / 2 + math.log(2)) / 2)


def test_one_hot_targets_give_cross_entropy():
    logits, _, kept = images()
    labels = torch.randint(3, kept.shape)
    one_hot = F.one_hot(labels, 3).movedim(-1, 1)
    expected = F.cross_entropy(logits, labels.masked_fill(~kept, 255), ignore_index=255)
    torch.testing.assert_close(soft_cross_entropy(logits, one_hot, kept), expected)


def test_the_regulariser_is_least_where_the_prediction_is_uniform():
    _, _, kept = images()
    uniform = torch.zeros(4, 3, 5, 4, requires_grad=True)
    loss = confidence_kld(uniform, kept)
    assert loss.item() == pytest.approx(math.log(3))
    loss.backward()
    assert uniform.grad.abs().max() < 1e-8
    logits = images()[0]
    assert confidence_kld(logits, kept) > math.log(3)
    p = logits.softmax(dim=1)
    kl = (1 / 3 * (math.log(1 / 3) - p.log())).sum(dim=1)[kept].mean()
    torch.testing.assert_close(confidence_kld(logits, kept), kl + math.log(3))


def test_pixels_that_are_not_kept_get_no_gradient():
    logits, targets, kept = images()
    (soft_cross_entropy(logits, targets, kept) + confidence_kld(logits, kept)).backward()
    moved = logits.grad.abs().sum(dim=1) > 0
    assert moved.equal(kept)


def test_parts_average_to_the_whole():
    logits, targets, kept = images()
    whole = soft_cross_entropy(logits, targets, kept) + confidence_kld(logits, kept)
    (gradient,) = torch.autograd.grad(whole, logits)
    assert len(set(kept.flatten(1).sum(dim=1).tolist())) > 1
    parts = [
        soft_cross_entropy(x, t, k, kept.sum() / 4) + confidence_kld(x, k, kept.sum() / 4)
        for x, t, k in zip(logits.chunk(4), targets.chunk(4), kept.chunk(4), strict=True)
    ]
    mean = torch.stack(parts).mean()
    torch.testing.assert_close(mean, whole)
    torch.testing.assert_close(torch.autograd.grad(mean, logits)[0], gradient)


def test_nothing_kept_is_nothing_lost():
    logits, targets, kept = images()
    none = torch.zeros_like(kept)
    loss = soft_cross_entropy(logits, targets * 0, none) + confidence_kld(logits, none)
    assert loss.item() == 0
    loss.backward()
    assert not logits.grad.any()


def test_gradient():
    logits, targets, kept = images(n=1)
    assert torch.autograd.gradcheck(lambda x: soft_cross_entropy(x, targets, kept), logits)


def test_extreme_logits_have_finite_losses():
    logits = torch.tensor([[1e5, -1e5, 0.0]], requires_grad=True)
    soft_cross_entropy(logits, torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([True])).backward()
    assert logits.grad.isfinite().all()
