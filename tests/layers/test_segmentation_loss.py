import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from seasa_da.layers import SegmentationLoss, class_counts


def batch(n=4, n_classes=3, size=6, ignored=True, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, n_classes, size, size, dtype=torch.float64, generator=generator).requires_grad_()
    labels = torch.randint(0, n_classes, (n, size, size), generator=generator)
    labels[0, 0] = 255 if ignored else 0
    return logits, labels


def numpys(logits, labels, n_classes):
    """Cross-entropy and Dice by loops over samples and classes, as written in the specification."""
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    counts = np.array([(labels == c).sum() for c in range(n_classes)])
    weights = 1 - (counts + 1) / counts.sum()
    numerator = denominator = 0.0
    dice = []
    for p, y in zip(probs, labels, strict=True):
        for c in range(n_classes):
            here = y == c
            numerator -= weights[c] * np.log(p[c][here]).sum()
            denominator += weights[c] * here.sum()
            p_c = p[c][y != 255]
            dice.append(2 * p[c][here].sum() / ((p_c**2).sum() + here.sum() + 1e-5))
    return numerator / denominator, 1 - np.mean(dice)


@pytest.mark.parametrize("ignored", [False, True])
def test_terms_are_numpys(ignored):
    logits, labels = batch(ignored=ignored)
    terms = SegmentationLoss(3, dice_weight=0.5)(logits, labels)
    ce, dice = numpys(logits.detach().numpy(), labels.numpy(), 3)
    assert terms.ce.item() == pytest.approx(ce)
    assert terms.dice.item() == pytest.approx(dice)
    assert terms.total.item() == pytest.approx(ce + 0.5 * dice)


def test_unweighted_is_torchs_cross_entropy():
    logits, labels = batch()
    ce = SegmentationLoss(3, class_weighted=False)(logits, labels).ce
    torch.testing.assert_close(ce, F.cross_entropy(logits, labels, ignore_index=255))


def test_by_hand():
    # two pixels, p = (3/4, 1/4) and (1/2, 1/2), labels 0 and 1; both classes fill half: equal weights
    logits = torch.tensor([[[[math.log(3), 0.0]], [[0.0, 0.0]]]])
    terms = SegmentationLoss(2)(logits, torch.tensor([[[0, 1]]]))
    assert terms.ce.item() == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)
    dice = [1.5 / (9 / 16 + 1 / 4 + 1), 1.0 / (1 / 16 + 1 / 4 + 1)]
    assert terms.dice.item() == pytest.approx(1 - sum(dice) / 2, rel=1e-4)


@pytest.mark.parametrize("parts", [2, 4])
@pytest.mark.parametrize("class_weighted", [False, True])
def test_mean_over_parts_is_the_whole(parts, class_weighted):
    logits, labels = batch()
    loss = SegmentationLoss(3, class_weighted=class_weighted)
    whole = loss(logits, labels)
    (gradient,) = torch.autograd.grad(whole.total, logits)
    counts = class_counts(labels, 3)
    pieces = [
        loss(piece, part, counts, parts) for piece, part in zip(logits.chunk(parts), labels.chunk(parts), strict=True)
    ]
    mean = [sum(values) / parts for values in zip(*pieces, strict=True)]
    torch.testing.assert_close(mean, list(whole))
    torch.testing.assert_close(torch.autograd.grad(mean[2], logits)[0], gradient)


@pytest.mark.parametrize(
    "labels",
    [
        torch.zeros(2, 3, 3, dtype=torch.long),
        torch.full((2, 3, 3), 255),
        torch.tensor([[[0, 255, 255]] * 3, [[1, 255, 255]] * 3]),
    ],
    ids=["one class only", "nothing labelled", "two classes"],
)
def test_poor_batches_are_finite(labels):
    logits = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    terms = SegmentationLoss(4)(logits, labels)
    terms.total.backward()
    assert logits.grad.isfinite().all()
    if (labels == 255).all():
        assert terms.ce.item() == 0.0
    else:  # equal weights: the plain mean
        torch.testing.assert_close(terms.ce, F.cross_entropy(logits, labels, ignore_index=255))


def test_ignored_pixels_get_no_gradient_nor_have_a_say():
    logits, labels = batch()
    terms = SegmentationLoss(3)(logits, labels)
    terms.total.backward()
    assert not logits.grad[0, :, 0].any()
    assert logits.grad[0, :, 1:].any()
    with torch.no_grad():
        logits[0, :, 0] += 7 * torch.arange(3)[:, None]
    torch.testing.assert_close(list(SegmentationLoss(3)(logits, labels)), list(terms))


def test_a_perfect_prediction_costs_nothing():
    labels = torch.randint(0, 3, (2, 8, 8), generator=torch.Generator().manual_seed(0))
    logits = 100 * (F.one_hot(labels, 3).movedim(-1, 1) - 0.5)
    assert SegmentationLoss(3)(logits, labels).total.item() == pytest.approx(0, abs=1e-5)


def test_samples_are_images_of_one_pixel():
    logits, labels = batch(n=5, size=1, ignored=False)
    loss = SegmentationLoss(3)
    torch.testing.assert_close(list(loss(logits[:, :, 0, 0], labels[:, 0, 0])), list(loss(logits, labels)))


def test_gradient():
    logits, labels = batch(n=2, size=3)
    assert torch.autograd.gradcheck(lambda x: SegmentationLoss(3)(x, labels).total, logits)


def test_half_precision_counts_pixels():
    labels = torch.zeros(1, 64, 64, dtype=torch.uint8)
    labels[0, :3] = 1
    logits = torch.randn(1, 2, 64, 64, generator=torch.Generator().manual_seed(0)).bfloat16()
    half, single = SegmentationLoss(2)(logits, labels), SegmentationLoss(2)(logits.float(), labels)
    torch.testing.assert_close(list(half), list(single))


def test_class_counts():
    labels = torch.tensor([[0, 2, 2], [255, 1, 2]], dtype=torch.uint8)
    assert class_counts(labels, 3).tolist() == [1, 1, 3]
    assert class_counts(labels, 2).tolist() == [1, 1]
    assert class_counts(torch.tensor([-1, 0]), 2).tolist() == [1, 0]
