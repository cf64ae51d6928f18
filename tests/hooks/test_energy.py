import pytest
import torch
from pytorch_adapt.adapters import DANN
from pytorch_adapt.containers import Models, Optimizers
from torch import nn
from toys import random_batch, tiny_models

from seasa_da.hooks import EnergyHook


def context(shift=0.0):
    """Tiny models whose target logits are lower by `shift`, so that the target's energy is higher."""
    models = tiny_models()
    inputs = {**models, **random_batch()}
    target = models["C"](models["G"](inputs["target_imgs"])) - shift
    return {**inputs, "target_imgs_features_logits": target}


@pytest.mark.parametrize("mode", ["raw", "hinge", "contrast"])
def test_the_energy_of_the_target_by_hand(mode):
    inputs = context(shift=1.0)
    outputs, losses = EnergyHook(0.5, mode)(inputs)
    src = -inputs["C"](inputs["G"](inputs["src_imgs"])).exp().sum(dim=1).log()
    tgt = -inputs["target_imgs_features_logits"].exp().sum(dim=1).log()
    expected = {"raw": tgt, "contrast": tgt - src.mean(), "hinge": (tgt - src.mean()).clamp(min=0) ** 2}[mode]
    assert losses.keys() == {"energy_loss"}
    torch.testing.assert_close(losses["energy_loss"], 0.5 * expected.mean(dim=(1, 2)))
    assert outputs.keys() == {"src_imgs_features", "target_imgs_features", "src_imgs_features_logits"}


def test_the_source_is_a_measure_and_does_not_learn():
    inputs = context(shift=1.0)
    source = inputs["C"](inputs["G"](inputs["src_imgs"])).detach().requires_grad_()
    _, losses = EnergyHook(1.0, "hinge")({**inputs, "src_imgs_features_logits": source})
    losses["energy_loss"].mean().backward()
    assert source.grad is None
    assert all(p.grad is not None for p in inputs["C"].parameters())  # by way of the target


def test_the_teacher_is_the_measure_where_there_is_one():
    inputs = context(shift=1.0)
    teacher = nn.Conv2d(1, 3, 1)
    _, losses = EnergyHook(0.5, "contrast")({**inputs, "teacher": teacher})
    src = -teacher(inputs["src_imgs"]).logsumexp(dim=1).mean()
    tgt = -inputs["target_imgs_features_logits"].logsumexp(dim=1)
    torch.testing.assert_close(losses["energy_loss"], 0.5 * (tgt - src).mean(dim=(1, 2)))
    losses["energy_loss"].mean().backward()
    assert teacher.weight.grad is None


@pytest.mark.parametrize("kept", [True, False])
def test_only_a_measure_that_stands_still_is_reached(kept):
    """A bias in common is the easiest way down for the target, and takes a measure by the same network along."""
    bias = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([bias], lr=0.1)
    for _ in range(100):
        logits = {
            f"{d}_imgs_features_logits": torch.full((1, 3, 2, 2), s) + bias for d, s in (("src", 2.0), ("target", 0.0))
        }
        teacher = {"teacher": lambda images: torch.full((1, 3, 2, 2), 2.0)} if kept else {}
        features = {f"{d}_imgs_features": torch.zeros(1) for d in ("src", "target")}
        images = {f"{d}_imgs": torch.zeros(1, 1, 2, 2) for d in ("src", "target")}
        EnergyHook(1.0)({**logits, **features, **images, **teacher})[1]["energy_loss"].mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert (bias.item() == pytest.approx(2.0, abs=1e-3)) == kept
    assert kept or bias.item() > 30


def test_descent_lowers_the_energy():
    inputs = context()
    parameters = list(inputs["C"].parameters())
    optimizer = torch.optim.SGD(parameters, lr=0.05)
    course = []
    for _ in range(10):
        now = {key: value for key, value in inputs.items() if key != "target_imgs_features_logits"}
        loss = EnergyHook(1.0, "raw")(now)[1]["energy_loss"].mean()
        course.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert course == sorted(course, reverse=True) and course[-1] < course[0] - 0.1


def test_it_joins_pytorch_adapts_own_classification_adapter():
    torch.manual_seed(0)
    models = Models(
        {
            "G": nn.Sequential(nn.Linear(6, 5), nn.ReLU()),
            "C": nn.Linear(5, 3),
            "D": nn.Sequential(nn.Linear(5, 1), nn.Flatten(0)),
        }
    )
    adapter = DANN(
        models=models,
        optimizers=Optimizers((torch.optim.SGD, {"lr": 0.1})),
        hook_kwargs={"post_g": [EnergyHook()]},
    )
    batch = {
        "src_imgs": torch.randn(4, 6),
        "src_labels": torch.tensor([0, 1, 2, 0]),
        "target_imgs": torch.randn(4, 6),
        "src_domain": torch.zeros(4),
        "target_domain": torch.ones(4),
    }
    losses = adapter.training_step(batch)
    assert any("energy_loss" in found for found in losses.values())
