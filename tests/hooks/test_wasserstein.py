import pytest
import torch
from torch import nn

from seasa_da.hooks import WassersteinAdaptationLossHook, WassersteinCriticLossHook


class Mean(nn.Module):
    """w times the mean of an image."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(float(weight)))

    def forward(self, seen):
        return self.weight * seen.flatten(1).mean(dim=1)


@pytest.fixture
def context():
    generator = torch.Generator().manual_seed(0)
    shapes = {"levels": (4, 3, 2, 2), "features_logits": (4, 3, 8, 8)}
    seen = {
        f"{domain}_imgs_{kind}": torch.randn(shape, generator=generator).requires_grad_()
        for domain in ("src", "target")
        for kind, shape in shapes.items()
    }
    return {**seen, "target_seeds": torch.arange(4), "D_feat": Mean(2), "D_mask": Mean(5)}


def means(context, domain):
    return (context[f"{domain}_imgs_{kind}"].mean().item() for kind in ("levels", "features_logits"))


def test_critics_losses_by_hand(context):
    outputs, losses = WassersteinCriticLossHook(weight=0.1, mask_weight=0.3)(context)
    (src, src_mask), (target, target_mask) = means(context, "src"), means(context, "target")
    assert outputs == {} and losses.keys() == {"critic_loss", "critic_mask_loss"}
    assert losses["critic_loss"].item() == pytest.approx(-0.1 * 2 * (src - target), abs=1e-6)
    assert losses["critic_mask_loss"].item() == pytest.approx(-0.1 * 0.3 * 5 * (src_mask - target_mask), abs=1e-6)
    sum(losses.values()).backward()
    assert context["D_feat"].weight.grad is not None and context["D_mask"].weight.grad is not None
    assert all(context[key].grad is None for key in context if "_imgs_" in key)


def test_the_layers_losses_by_hand(context):
    _, losses = WassersteinAdaptationLossHook(weight=0.1, mask_weight=0.3)(context)
    target, target_mask = means(context, "target")
    assert losses["adversarial_loss"].item() == pytest.approx(-0.1 * 2 * target, abs=1e-6)
    assert losses["adversarial_mask_loss"].item() == pytest.approx(-0.1 * 0.3 * 5 * target_mask, abs=1e-6)
    sum(losses.values()).backward()
    assert context["target_imgs_levels"].grad.abs().min() > 0
    assert context["target_imgs_features_logits"].grad.abs().min() > 0


def test_without_a_weight_the_mask_critic_is_not_asked(context):
    del context["D_mask"]
    assert WassersteinCriticLossHook(mask_weight=0)(context)[1].keys() == {"critic_loss"}
    assert WassersteinAdaptationLossHook(mask_weight=0)(context)[1].keys() == {"adversarial_loss"}


def test_the_penalty_of_both_critics(context):
    _, losses = WassersteinCriticLossHook(weight=0.1, mask_weight=0.3, penalty=10)(context)
    # The gradient of w times a mean of n numbers has length w / sqrt(n), wherever it is taken.
    assert losses["penalty_loss"].item() == pytest.approx(0.1 * 10 * (2 / 12**0.5 - 1) ** 2, rel=1e-5)
    assert losses["penalty_mask_loss"].item() == pytest.approx(0.1 * 0.3 * 10 * (5 / 192**0.5 - 1) ** 2, rel=1e-5)


def test_its_draws_are_functions_of_the_seeds(context):
    class Square(nn.Module):
        def forward(self, seen):
            return seen.square().flatten(1).sum(dim=1)

    context["D_feat"] = Square()
    hook = WassersteinCriticLossHook(mask_weight=0, penalty=1)

    def penalty(rows, seeds):
        part = {key: value[rows] if isinstance(value, torch.Tensor) else value for key, value in context.items()}
        return hook({**part, "target_seeds": seeds})[1]["penalty_loss"].item()

    both = [penalty(slice(at, at + 2), torch.arange(at, at + 2)) for at in (0, 2)]
    assert penalty(slice(0, 4), torch.arange(4)) == pytest.approx(sum(both) / 2)  # wherever in whatever batch
    assert penalty(slice(0, 4), torch.arange(4) + 9) != pytest.approx(sum(both) / 2)
