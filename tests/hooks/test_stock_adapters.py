"""SE and ASA in pytorch-adapt's own adapters, on `(N, C)` logits: where they go, and what they change."""

import pytest
import torch
from pytorch_adapt.adapters import DANN, GAN
from pytorch_adapt.containers import Models, Optimizers
from torch import nn

from seasa_da.config import ViewSettings
from seasa_da.hooks import SelectiveEntropyHook, SemanticAlignmentHook

CLASSES, DIM, BATCH = 3, 8, 6
VIEWS = ViewSettings(mu=0.5)


def models() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    trunk = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 7 * 7, DIM))
    critic = nn.Sequential(nn.Linear(DIM, 4), nn.Tanh(), nn.Linear(4, 1), nn.Flatten(0))
    return {"G": trunk, "C": nn.Linear(DIM, CLASSES), "D": critic}


def batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(2, BATCH, 1, 16, 16, generator=generator) * 2 - 1
    return {
        "src_imgs": images[0],
        "target_imgs": images[1],
        "src_labels": torch.arange(BATCH) % CLASSES,
        "src_domain": torch.zeros(BATCH),
        "target_domain": torch.ones(BATCH),
        "target_seeds": torch.arange(BATCH),
    }


def step(adapter: type, hooks: list) -> tuple[dict, dict[str, torch.Tensor]]:
    """One training step from the same weights; its losses, and the trunk's weights after it."""
    nets = models()
    # The sum of gradients is what the hooks change; SGD shows it without Adam's normalisation.
    trained = adapter(
        models=Models(nets),
        optimizers=Optimizers((torch.optim.SGD, {"lr": 0.1})),
        hook_kwargs={"post_g": hooks},
    )
    losses = trained.training_step(batch())
    return losses, {name: value.clone() for name, value in nets["G"].state_dict().items()}


@pytest.mark.parametrize(("adapter", "phase"), [(DANN, "total_loss"), (GAN, "g_loss")])
@pytest.mark.parametrize("names", [["se"], ["asa"], ["se", "asa"]])
def test_the_hooks_join_the_generators_update(adapter: type, phase: str, names: list[str]) -> None:
    made = {
        "se": (SelectiveEntropyHook(1.0, views=VIEWS), "selective_entropy_loss"),
        "asa": (SemanticAlignmentHook(CLASSES, DIM, weight=1.0, views=VIEWS), "semantic_alignment_loss"),
    }
    plain_losses, plain = step(adapter, [])
    losses, changed = step(adapter, [made[name][0] for name in names])
    assert set(losses[phase]) == set(plain_losses[phase]) | {made[name][1] for name in names}
    assert all(torch.isfinite(torch.as_tensor(value)) for value in losses[phase].values())
    # they reach the trunk: with them the same step goes elsewhere
    assert any(not torch.equal(plain[name], changed[name]) for name in plain)


@pytest.mark.parametrize(("adapter", "phase"), [(DANN, "total_loss"), (GAN, "g_loss")])
def test_their_values_are_those_of_the_classifiers_own_logits(adapter: type, phase: str) -> None:
    # identity views: every image is reliable, so SE is the mean entropy
    still = ViewSettings(mu=0.0, brightness=0.0, contrast=0.0, blur_probability=0.0)
    losses, _ = step(adapter, [SelectiveEntropyHook(1.0, views=still)])
    nets = models()
    with torch.no_grad():
        probs = nets["C"](nets["G"](batch()["target_imgs"])).softmax(dim=1)
    entropy = -(probs * probs.log()).sum(dim=1).mean()
    # DANN takes one step over all losses, GAN has moved only D by then: both saw the initial G and C
    assert float(losses[phase]["selective_entropy_loss"]) == pytest.approx(float(entropy), abs=1e-5)
