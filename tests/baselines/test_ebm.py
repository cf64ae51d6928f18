import copy

import pytest
import torch
from toys import build_adapter, changed, compose_run, small_segmenter, snapshot, toy_pair

from seasa_da.hooks import EnergyHook, SelectiveEntropyHook, Stepper
from seasa_da.layers import free_energy


def adapter_of(method, *overrides):
    adapter = build_adapter(method, overrides=overrides)
    adapter.survey([toy_pair()["target_imgs"]], Stepper())
    adapter.train_mode()
    return adapter


def test_the_stages_are_those_of_crst():
    described = [
        [(s.name, s.iterations, s.target, s.survey, s.source_share, s.schedule, s.shared) for s in compose_run(m)[1]]
        for m in ("ebm", "crst")
    ]
    assert described[0] == described[1]


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_the_energy_is_in_every_round_and_addons_in_the_last(stage):
    adapter = build_adapter("ebm", ("se",), stage=stage)
    assert [type(hook) for hook in adapter.post_g] == [EnergyHook, *([SelectiveEntropyHook] if stage == 3 else [])]


@pytest.mark.parametrize("mode", ["raw", "hinge", "contrast"])
def test_the_energy_loss_by_hand(mode):
    adapter, batch = adapter_of("ebm", f"energy.mode={mode}", "energy.weight=0.05"), toy_pair()
    start = {name: copy.deepcopy(adapter.models[name]).eval() for name in ("G", "C")}
    losses = adapter.training_step(batch)["g_loss"]
    with torch.no_grad():
        src, tgt = (
            -start["C"](start["G"](batch[f"{domain}_imgs"])).exp().sum(dim=1).log() for domain in ("src", "target")
        )
    expected = {"raw": tgt, "contrast": tgt - src.mean(), "hinge": (tgt - src.mean()).clamp(min=0) ** 2}[mode]
    torch.testing.assert_close(losses["energy_loss"], 0.05 * expected.mean(), atol=1e-7, rtol=1e-4)


def test_without_its_weight_it_is_crst():
    adapters = [adapter_of("ebm", "energy.weight=0"), adapter_of("crst")]
    for seed in range(2):
        for adapter in adapters:
            adapter.training_step(toy_pair(seed=seed))
    assert not changed(*(snapshot(adapter.state_modules()) for adapter in adapters))


def excess_after_training(weight):
    """How far target energies lie above the teacher's mean of the source after training with this weight."""
    overrides = (f"energy.weight={weight}", "self_training.target_weight=0", "self_training.lr_factor=1")
    models, batch = small_segmenter(), toy_pair()
    with torch.no_grad():
        for parameter in models["C"].parameters():
            parameter.mul_(30)  # energies that differ
    adapter = build_adapter("ebm", overrides=overrides, models=models)
    adapter.survey([batch["target_imgs"]], Stepper())
    adapter.train_mode()
    for _ in range(30):
        adapter.training_step(batch)
    with torch.no_grad():
        src = free_energy(adapter.models["teacher"](batch["src_imgs"]))
        tgt = free_energy(models["C"](models["G"](batch["target_imgs"])))
    return (tgt - src.mean()).clamp(min=0).mean().item()


def test_the_energy_of_the_target_falls_to_the_sources():
    assert excess_after_training(0.05) < 0.2 * excess_after_training(0)
