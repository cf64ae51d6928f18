import pytest
import torch
import torch.nn.functional as F
from torch import nn

from seasa_da.hooks import CriticLossHook, GatedAdversarialLossHook
from seasa_da.models import AccuracyGate


@pytest.fixture
def context():
    torch.manual_seed(0)
    keys = [f"{d}_imgs_features{s}" for d in ("src", "target") for s in ("", "_logits")]
    seen = {key: torch.randn(2, 3, 4, 4, requires_grad=True) for key in keys}
    return {**seen, "D_feat": nn.Conv2d(3, 2, 1), "gate": AccuracyGate(0.6, 2)}


@pytest.mark.parametrize(("sees", "suffix"), [("scores", "_logits"), ("features", "")])
def test_critics_loss_by_hand(context, sees, suffix):
    _, losses = CriticLossHook(sees)(context)
    src, target = (context["D_feat"](context[f"{domain}_imgs_features{suffix}"]) for domain in ("src", "target"))
    nll = [-src.log_softmax(dim=1)[:, 0], -target.log_softmax(dim=1)[:, 1]]  # source is 0, target 1
    torch.testing.assert_close(losses["critic_loss"], torch.stack(nll).mean())
    right = torch.stack([src[:, 0] > src[:, 1], target[:, 1] > target[:, 0]])
    assert context["gate"].accuracies[0].item() == pytest.approx(right.float().mean().item())
    assert context["gate"].count == 1
    losses["critic_loss"].backward()
    assert all(context[f"{domain}_imgs_features{suffix}"].grad is None for domain in ("src", "target"))
    assert context["D_feat"].weight.grad is not None


@pytest.mark.parametrize(("accuracy", "weight"), [(0.9, 0.25), (0.3, 0.0)])
def test_the_adversary_counts_while_the_gate_is_open(context, accuracy, weight):
    context["gate"].record(torch.tensor(accuracy), torch.tensor(1.0))
    _, losses = GatedAdversarialLossHook(0.25)(context)
    logits = context["D_feat"](context["target_imgs_features_logits"])
    expected = weight * F.cross_entropy(logits, torch.zeros(2, 4, 4, dtype=torch.int64))
    torch.testing.assert_close(losses["adversarial_loss"], expected)
    losses["adversarial_loss"].backward()
    assert (context["target_imgs_features_logits"].grad.abs().sum() > 0) == (weight > 0)
    assert context["src_imgs_features_logits"].grad is None
