import copy

import pytest
import torch
from torch import nn
from toys import build_adapter, changed, small_segmenter, snapshot, toy_pair

from seasa_da.hooks import Stepper
from seasa_da.training import checkpoint
from seasa_da.training.checkpoint import Position

METHOD = "pnp-adanet"
CRITICS = {"D_feat", "D_mask"}
EARLY = ("net.conv1", "net.bn1", "net.layer1", "net.layer2")


def adapter_of(*overrides, stage=2, **others):
    return build_adapter(METHOD, overrides=overrides, stage=stage, **others)


class Moved(Stepper):
    """Notes which parameters each update moved, and which models had gradients before it."""

    def __init__(self, models):
        self.models, self.found, self.with_gradient = dict(models), [], []

    def step(self, optimizers):
        before = self._parameters()
        named = {f"{n}.{k}": p for n, m in self.models.items() for k, p in m.named_parameters()}
        self.with_gradient.append({name for name, p in named.items() if p.grad is not None})
        super().step(optimizers)
        self.found.append(changed(before, self._parameters()))

    def _parameters(self):
        return {f"{n}.{k}": p.detach().clone() for n, m in self.models.items() for k, p in m.named_parameters()}


def of(names):
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize(("adapted", "early"), [("layer2", EARLY), ("layer3", (*EARLY, "net.layer3"))])
def test_critics_and_then_the_targets_own_layers(adapted, early):
    adapter = adapter_of(f"pnp.adapted={adapted}")
    stepper = Moved(adapter.models)
    losses = [adapter.training_step(toy_pair(seed=seed), stepper=stepper) for seed in range(2)]
    assert losses[0]["d_loss"].keys() == {"critic_loss", "critic_mask_loss"} and losses[0]["g_loss"] == {}
    assert losses[1]["g_loss"].keys() == {"adversarial_loss", "adversarial_mask_loss"} and losses[1]["d_loss"] == {}
    critics, layers = stepper.with_gradient
    assert of(critics) == CRITICS
    wanted = {f"G.{key}" for key, _ in adapter.models["G"].named_parameters() if key.startswith(early)}
    assert layers == wanted
    assert of(stepper.found[0]) == CRITICS and stepper.found[1] <= wanted and len(stepper.found[1]) > len(wanted) / 2
    assert not [p for m in adapter.models.values() for p in m.parameters() if p.grad is not None]


def test_the_critic_of_features_alone_at_first():
    adapter = adapter_of(stage=1)
    before = snapshot({name: adapter.models[name] for name in ("G", "C", "G_S")})
    stepper = Moved(adapter.models)
    assert adapter.training_step(toy_pair(), stepper=stepper)["d_loss"].keys() == {"critic_loss"}
    assert of(stepper.found[0]) == {"D_feat"} and "D_mask" not in adapter.models
    assert not changed(before, snapshot({name: adapter.models[name] for name in ("G", "C", "G_S")}))


@pytest.mark.parametrize("stage", [1, 2])
def test_weights_are_inside_the_clip_after_each_step(stage):
    adapter = adapter_of("pnp.clip=0.015", "pnp.lr=0.1", stage=stage)
    weights = [
        p
        for name in CRITICS & adapter.models.keys()
        for layer in adapter.models[name].modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
        for p in (layer.weight,)
    ]
    start = torch.cat([p.detach().flatten() for p in weights]).abs().max()
    assert start > 0.015
    for seed in range(4):
        adapter.training_step(toy_pair(seed=seed))
        largest = torch.cat([p.detach().flatten() for p in weights]).abs().max()
        assert 0.01499 < largest <= 0.015


def test_a_penalty_takes_the_place_of_clipping():
    adapter = adapter_of("pnp.penalty=10", "pnp.lr=0.1")
    losses = adapter.training_step(toy_pair())["d_loss"]
    assert losses.keys() == {"critic_loss", "critic_mask_loss", "penalty_loss", "penalty_mask_loss"}
    assert max(p.abs().max() for name in CRITICS for p in adapter.models[name].parameters()) > 0.05


def test_what_is_the_sources_stays_bit_for_bit():
    """Every weight and buffer but those of the target's own layers; their batch norm in the layers' updates alone."""
    models = small_segmenter()
    adapter = adapter_of("pnp.lr=0.01", models=models)
    source = snapshot({name: models[name] for name in ("G", "C", "C_aux", "G_S")})
    for seed in range(4):
        before = snapshot({"G": models["G"]})
        losses = adapter.training_step(toy_pair(seed=seed))
        assert bool(changed(before, snapshot({"G": models["G"]}))) == bool(losses["g_loss"])
    moved = changed(source, snapshot({name: models[name] for name in ("G", "C", "C_aux", "G_S")}))
    assert moved and all(name.startswith(tuple(f"G.{layer}" for layer in EARLY)) for name in moved)
    buffers = {name for name in source if name.startswith(tuple(f"G.{x}" for x in EARLY)) and "running_" in name}
    assert buffers <= moved


def test_the_critics_learn_and_the_layers_follow():
    critics = ("pnp.critic_steps=1000", "pnp.lr=0.003", "pnp.critic_width=8")
    adapter, batch = adapter_of(*critics), toy_pair()
    course = [adapter.training_step(batch)["d_loss"]["critic_loss"].item() for _ in range(40)]
    assert course[-1] < min(course[0], 0)
    turns = adapter.models["turns"]
    for group in adapter.optimizers["D"].param_groups:
        group["lr"] = 0.0
    course = []
    for _ in range(10):
        turns.load_state_dict({"count": torch.tensor(1000)})  # the layers' turn, again and again
        course.append(adapter.training_step(batch)["g_loss"]["adversarial_loss"].item())
    assert course[-1] < course[0]


def test_the_critics_go_on_into_the_last_stage():
    models = small_segmenter()
    build_adapter(METHOD, models=models, stage=1)
    critic, source = models["D_feat"], models["G_S"]
    adapter = build_adapter(METHOD, models=models, stage=2)
    assert adapter.models["D_feat"] is critic and adapter.models["G_S"] is source
    assert not any(p.requires_grad for p in source.parameters())


@pytest.mark.parametrize("overrides", [("pnp.mask_weight=0",), ("pnp.critic_updates=0",)])
def test_without_the_mask_critic_or_the_critics_stage(overrides):
    adapter = adapter_of(*overrides, stage=-1)
    assert ("D_mask" in adapter.models) == (overrides[0] != "pnp.mask_weight=0")
    for seed in range(2):
        adapter.training_step(toy_pair(seed=seed))
    assert adapter.models["turns"].count == 2


@pytest.mark.parametrize("iterations", [1, 2])
def test_a_checkpoint_survives_the_round_trip(tmp_path, iterations):
    adapter = adapter_of()
    for seed in range(iterations):
        adapter.training_step(toy_pair(seed=seed))
    assert adapter.state_modules().keys() == {"G", "C", "G_S", "turns", *CRITICS}
    optimizers = dict(adapter.optimizers.items())
    path = checkpoint.save(
        tmp_path, Position(2, "adapt", iterations), adapter.state_modules(), optimizers, about={}, keep=1
    )
    fresh = adapter_of(seed=7)
    fresh.training_step(toy_pair())  # has turns and modes of its own by now
    loaded = checkpoint.load(path)
    loaded.restore_modules(fresh.state_modules())
    loaded.restore_optimizers(dict(fresh.optimizers.items()))
    for seed in (2, 3):
        losses = [one.training_step(toy_pair(seed=seed)) for one in (adapter, fresh)]
        assert losses[0] == losses[1]
    assert not changed(snapshot(adapter.state_modules()), snapshot(fresh.state_modules()))


def test_forwards_are_the_fewest():
    adapter, calls = adapter_of(), []
    for name in ("G", "G_S", "C", *CRITICS):
        adapter.models[name].register_forward_hook(lambda *_, name=name: calls.append(name))
    adapter.training_step(toy_pair())
    assert sorted(calls) == sorted(["G_S", "G", "C", "C", *2 * ["D_feat"], *2 * ["D_mask"]])
    calls.clear()
    adapter.training_step(toy_pair())
    assert sorted(calls) == sorted(["G", "C", *CRITICS])  # no source image


def test_a_step_needs_no_source_labels():
    adapter, batch = adapter_of(), toy_pair()
    other = copy.deepcopy(batch)
    other["src_labels"].zero_()
    again = adapter_of()
    for _ in range(2):
        adapter.training_step(batch), again.training_step(other)
    assert not changed(snapshot(adapter.state_modules()), snapshot(again.state_modules()))
