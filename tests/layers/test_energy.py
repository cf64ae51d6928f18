import math

import pytest
import torch

from seasa_da.layers import EnergyLoss, free_energy


@pytest.fixture
def logits():
    return torch.randn(2, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()


def test_by_hand():
    logits = torch.tensor([[0.0, math.log(2), math.log(5)], [math.log(7), -99.0, -99.0]])
    assert free_energy(logits).tolist() == pytest.approx([-math.log(8), -math.log(7)])


def test_a_shift_of_the_logits_is_a_shift_of_the_energy(logits):
    torch.testing.assert_close(free_energy(logits + 2.5), free_energy(logits) - 2.5)


def test_its_gradient_is_the_prediction(logits):
    (gradient,) = torch.autograd.grad(free_energy(logits).sum(), logits)
    torch.testing.assert_close(gradient, -logits.softmax(dim=1))


def test_every_mode_by_hand():
    # Energies -ln 2 and -ln 4 of the pixels of one image, compared with m = -ln 3.
    logits = torch.tensor([[0.0, math.log(2)], [0.0, math.log(2)]]).view(1, 2, 1, 2)
    m = torch.tensor(-math.log(3))
    mean = -(math.log(2) + math.log(4)) / 2
    expected = {"raw": mean, "contrast": mean + math.log(3), "hinge": math.log(3 / 2) ** 2 / 2}
    for mode, value in expected.items():
        loss = EnergyLoss(mode)(logits, m)
        assert loss.shape == (1,)
        assert loss.item() == pytest.approx(value)


def test_the_hinge_leaves_alone_what_is_low_enough(logits):
    energy = free_energy(logits.detach())
    m = energy.median()
    EnergyLoss("hinge")(logits, m).sum().backward()
    moved = logits.grad.abs().sum(dim=1) > 0
    assert moved.equal(energy > m)
    assert moved.any() and not moved.all()
    assert (logits.grad[moved[:, None].expand_as(logits)] < 0).all()  # descent raises the logits


def test_contrast_trains_as_raw_does(logits):
    m = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    raw, contrast = (torch.autograd.grad(EnergyLoss(mode)(logits, m).sum(), logits)[0] for mode in ("raw", "contrast"))
    assert raw.equal(contrast)
    loss = EnergyLoss("hinge")(logits, m - 5)
    assert torch.autograd.grad(loss.sum(), m, allow_unused=True) == (None,)


def test_classification_logits_have_one_energy_each():
    logits = torch.randn(6, 5)
    torch.testing.assert_close(EnergyLoss("raw")(logits, torch.tensor(0.0)), free_energy(logits))


def test_faults_are_named():
    with pytest.raises(ValueError, match="mode='sgld'"):
        EnergyLoss("sgld")
