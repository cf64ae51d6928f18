import math

import pytest
import torch
from torch import nn

from seasa_da.hooks import AdversarialLossHook, DiscriminatorLossHook, ScheduledWeight


class Constant(nn.Module):
    """A discriminator whose answer is ln 3 for all it sees, that is 3/4 source; it passes gradients on."""

    def forward(self, logits):
        return logits.mean(dim=1, keepdim=True) * 0 + logits.mean() + math.log(3)


def context():
    shapes = {f"{d}_imgs_{level}_logits": (2, 3, 4, 4) for d in ("src", "target") for level in ("features", "conv4")}
    tensors = {key: torch.zeros(shape, requires_grad=True) for key, shape in shapes.items()}
    return {"D": Constant(), "D_aux": Constant(), **tensors}


def test_the_target_shall_look_like_the_source():
    hook = AdversarialLossHook({"D": ScheduledWeight(0.5), "D_aux": ScheduledWeight(0.25)})
    outputs, losses = hook(context())
    assert outputs == {}
    # Source is 1: -ln(3/4) where the answer is 3/4.
    assert losses["adversarial_loss"].item() == pytest.approx(0.5 * math.log(4 / 3))
    assert losses["adversarial_aux_loss"].item() == pytest.approx(0.25 * math.log(4 / 3))
    assert losses.keys() == {"adversarial_loss", "adversarial_aux_loss"}


def test_the_adversary_moves_target_logits_towards_the_source():
    inputs = context()
    _, losses = AdversarialLossHook({"D": ScheduledWeight(1.0), "D_aux": ScheduledWeight(1.0)})(inputs)
    sum(losses.values()).backward()
    for level in ("features", "conv4"):
        assert (inputs[f"target_imgs_{level}_logits"].grad < 0).all()  # descent raises the answer
        assert inputs[f"src_imgs_{level}_logits"].grad is None


def test_the_weight_follows_its_schedule():
    hook = AdversarialLossHook({"D": ScheduledWeight(1.0, ramp=1.0)})
    assert hook({**context(), "progress": 0.5})[1]["adversarial_loss"].item() == pytest.approx(0.5 * math.log(4 / 3))
    assert hook({**context(), "progress": 0.0})[1]["adversarial_loss"].item() == 0


def test_discriminators_tell_the_domains_apart():
    outputs, losses = DiscriminatorLossHook()(context())
    assert outputs == {}
    # Both domains get the answer 3/4: half of -ln(3/4) for the source and of -ln(1/4) for the target.
    expected = 0.5 * (math.log(4 / 3) + math.log(4))
    assert losses.keys() == {"discriminator_loss", "discriminator_aux_loss"}
    assert [loss.item() for loss in losses.values()] == pytest.approx([expected, expected])


def test_discriminators_see_detached_logits():
    inputs = context()
    for name in ("D", "D_aux"):
        inputs[name] = nn.Conv2d(3, 1, 1)
    _, losses = DiscriminatorLossHook()(inputs)
    sum(losses.values()).backward()
    assert all(p.grad is not None for name in ("D", "D_aux") for p in inputs[name].parameters())
    assert all(value.grad is None for value in inputs.values() if isinstance(value, torch.Tensor))


def test_a_good_discriminator_has_a_small_loss():
    inputs = context()
    sign = nn.Conv2d(3, 1, 1, bias=False)
    nn.init.constant_(sign.weight, 1.0)
    inputs.update(D=sign, D_aux=sign)
    for level in ("features", "conv4"):
        inputs[f"src_imgs_{level}_logits"] = torch.full((2, 3, 4, 4), 5.0)
        inputs[f"target_imgs_{level}_logits"] = torch.full((2, 3, 4, 4), -5.0)
    _, losses = DiscriminatorLossHook()(inputs)
    assert all(loss < 1e-5 for loss in losses.values())
