import pytest
import torch
from torch import nn
from toys import random_batch

from seasa_da.hooks import ImageDiscriminatorLossHook, TranslationHook, TranslationLossHook
from seasa_da.models import ImagePool


class Times(nn.Module):
    """Images times a number; its answers are easy to follow."""

    def __init__(self, factor):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(float(factor)))

    def forward(self, images):
        return self.factor * images


@pytest.fixture
def context():
    pools = {name: ImagePool(2, (1, 32, 32), name) for name in ("pool_S", "pool_T")}
    return {**random_batch(2), "G_ST": Times(2), "G_TS": Times(0.25), "D_S": Times(3), "D_T": Times(5), **pools}


def test_there_and_back(context):
    outputs, losses = TranslationHook()(context)
    src, target = context["src_imgs"], context["target_imgs"]
    assert losses == {}
    for key, expected in (
        ("src_as_target", 2 * src),
        ("target_as_src", 0.25 * target),
        ("src_cycled", 0.5 * src),
        ("target_cycled", 0.5 * target),
    ):
        torch.testing.assert_close(outputs[key], expected)


def test_generators_losses_by_hand(context):
    context.update(TranslationHook()(context)[0])
    _, losses = TranslationLossHook(cycle_weight=10, identity_weight=0.5)(context)
    src, target = context["src_imgs"], context["target_imgs"]
    expected = {
        "gan_src_as_target_loss": (10 * src - 1).square().mean(),  # D_T(G_ST(x)) = 5 * 2 x, wanted real
        "gan_target_as_src_loss": (0.75 * target - 1).square().mean(),
        "cycle_src_loss": 10 * (0.5 * src).abs().mean(),
        "cycle_target_loss": 10 * (0.5 * target).abs().mean(),
        "identity_src_loss": 5 * (0.75 * src).abs().mean(),  # G_TS leaves a source image as it is
        "identity_target_loss": 5 * target.abs().mean(),
    }
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value)


def test_without_identity_there_is_no_forward_for_it(context):
    context.update(TranslationHook()(context)[0])
    hook = TranslationLossHook(identity_weight=0)
    context["G_ST"] = context["G_TS"] = None
    assert hook(context)[1].keys() == {
        "gan_src_as_target_loss",
        "gan_target_as_src_loss",
        "cycle_src_loss",
        "cycle_target_loss",
    }


def test_discriminators_losses_by_hand_and_from_the_pool(context):
    context.update(TranslationHook()(context)[0])
    _, losses = ImageDiscriminatorLossHook()(context)
    src, target = context["src_imgs"], context["target_imgs"]
    # The pools are filling: they give the fresh fakes.
    torch.testing.assert_close(
        losses["critic_T_loss"], 0.5 * ((5 * target - 1).square().mean() + (10 * src).square().mean())
    )
    torch.testing.assert_close(
        losses["critic_S_loss"], 0.5 * ((3 * src - 1).square().mean() + (0.75 * target).square().mean())
    )
    sum(losses.values()).backward()
    assert context["G_ST"].factor.grad is None and context["G_TS"].factor.grad is None
    assert context["D_S"].factor.grad is not None and context["D_T"].factor.grad is not None


def test_a_full_pool_shows_earlier_fakes(context):
    hook, earlier = ImageDiscriminatorLossHook(), {**context, **TranslationHook()(context)[0]}
    hook(earlier)
    stored = context["pool_T"].images.clone()
    batch = random_batch(8, seed=3)
    later = {**context, **batch}
    later.update(TranslationHook()(later)[0])
    hook(later)
    kept = [any(image.equal(old) for old in stored) for image in context["pool_T"].images]
    assert not all(kept)  # with eight draws of a half some image went out, and was shown
