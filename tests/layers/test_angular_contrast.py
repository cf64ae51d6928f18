import math

import numpy as np
import pytest
import torch

from seasa_da.layers import AngularContrastLoss, with_angular_margin

SEEN = torch.ones(3, dtype=torch.bool)
COSINES = torch.tensor([[0.8, 0.1, -0.4], [0.3, -0.6, 0.5]], dtype=torch.float64)
LABELS = torch.tensor([0, 1])
ALL = torch.ones(2, dtype=torch.bool)


def by_hand(cosines, label, temperature, margin, classes):
    """Of one feature, from its angles."""
    scores = [
        math.cos(math.acos(cosines[k]) + margin) / temperature if k == label else cosines[k] / temperature
        for k in classes
    ]
    own = scores[list(classes).index(label)]
    return temperature * (math.log(sum(math.exp(score) for score in scores)) - own)


def test_the_margin_turns_the_feature_away():
    angles = torch.linspace(0.1, 2.9, 20, dtype=torch.float64)
    torch.testing.assert_close(with_angular_margin(angles.cos(), 0.2), (angles + 0.2).cos())
    assert with_angular_margin(torch.tensor([0.3]), 0.0).item() == pytest.approx(0.3)


def test_past_the_last_angle_it_goes_on_falling():
    cosines = torch.linspace(-1, 1, 201, dtype=torch.float64)
    moved = with_angular_margin(cosines, 0.4)
    assert (moved.diff() > 0).all() and (moved < cosines + 1e-9).all()
    assert moved[0].item() == pytest.approx(-1 - 0.4 * math.sin(0.4))


@pytest.mark.parametrize("cosine", [1.0, -1.0, 1.0000001])
def test_its_gradient_is_finite_everywhere(cosine):
    cosines = torch.tensor([cosine], requires_grad=True)
    with_angular_margin(cosines, 0.2).sum().backward()
    assert cosines.grad.isfinite().all()


@pytest.mark.parametrize(("temperature", "margin"), [(1.0, 0.2), (2.0, 0.4), (0.1, 0.0)])
def test_loss_by_hand(temperature, margin):
    loss = AngularContrastLoss(temperature, margin)(COSINES, LABELS, SEEN, ALL)
    expected = [by_hand(row, int(y), temperature, margin, range(3)) for row, y in zip(COSINES, LABELS, strict=True)]
    np.testing.assert_allclose(loss, np.mean(expected), rtol=1e-9)
    grid = COSINES.t().reshape(1, 3, 1, 2)
    torch.testing.assert_close(
        AngularContrastLoss(temperature, margin)(grid, LABELS.view(1, 1, 2), SEEN, ALL.view(1, 1, 2)), loss
    )


def test_a_class_without_a_centre_is_not_in_the_softmax():
    seen = torch.tensor([True, True, False])
    loss = AngularContrastLoss(1.0, 0.2)(COSINES, LABELS, seen, ALL)
    expected = [by_hand(row, int(y), 1.0, 0.2, (0, 1)) for row, y in zip(COSINES, LABELS, strict=True)]
    np.testing.assert_allclose(loss, np.mean(expected), rtol=1e-9)


def test_only_kept_features_count_whatever_the_others_labels_are():
    kept = torch.tensor([True, False])
    cosines = COSINES.clone().requires_grad_()
    loss = AngularContrastLoss(1.0, 0.2)(cosines, torch.tensor([0, 255]), SEEN, kept)
    torch.testing.assert_close(loss, AngularContrastLoss(1.0, 0.2)(COSINES[:1], LABELS[:1], SEEN, ALL[:1]))
    loss.backward()
    assert cosines.grad[0].abs().min() > 0 and not cosines.grad[1].any()


@pytest.mark.parametrize("seen", [SEEN, ~SEEN])
def test_where_none_is_kept_it_is_0_with_a_graph(seen):
    cosines = COSINES.clone().requires_grad_()
    loss = AngularContrastLoss()(cosines, LABELS, seen, ~ALL)
    loss.backward()
    assert loss.item() == 0 and not cosines.grad.any()


def test_parts_average_to_the_whole():
    loss_fn = AngularContrastLoss(2.0, 0.2)
    cosines = torch.rand(6, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    labels, kept = torch.tensor([0, 1, 2, 0, 1, 2]), torch.tensor([True, True, True, False, True, False])
    whole = loss_fn(cosines, labels, SEEN, kept)
    parts = [loss_fn(cosines[i : i + 3], labels[i : i + 3], SEEN, kept[i : i + 3], kept.sum() / 2) for i in (0, 3)]
    torch.testing.assert_close(sum(parts) / 2, whole)


def test_gradient():
    loss_fn = AngularContrastLoss(2.0, 0.2)
    assert torch.autograd.gradcheck(
        lambda x: loss_fn(x, LABELS, SEEN, torch.tensor([True, True])), COSINES.clone().requires_grad_()
    )
