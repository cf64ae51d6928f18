import copy

import pytest
import torch
from toys import Counted, build_adapter, changed, snapshot, toy_pair

from seasa_da.hooks import Stepper

SEGMENTER = {"G", "C", "C_aux"}
NETWORKS = {*SEGMENTER, "G_ST", "decoder", "D_S", "D_T", "D", "D_aux"}


class Moved(Stepper):
    """Notes which models' parameters each update moved, and which had a gradient before it."""

    def __init__(self, models):
        self.models, self.moved, self.with_gradient = models, [], []

    def step(self, optimizers):
        before = self._parameters()
        self.with_gradient.append(
            {name for name, model in self.models.items() if any(p.grad is not None for p in model.parameters())}
        )
        super().step(optimizers)
        self.moved.append({name.split(".")[0] for name in changed(before, self._parameters())})

    def _parameters(self):
        return {f"{n}.{k}": p.detach().clone() for n, m in self.models.items() for k, p in m.named_parameters()}


def watched(method, overrides=(), addons=()):
    adapter = build_adapter(method, addons, overrides)
    stepper = Moved({name: model for name, model in adapter.models.items() if name in NETWORKS})
    return adapter, stepper, adapter.training_step(toy_pair(), stepper=stepper, progress=0.5)


@pytest.mark.parametrize("network", ["deeplab", "native"])
def test_each_update_moves_its_own_and_no_other_gets_a_gradient(network):
    _, stepper, _ = watched("sifa-v2", (f"sifa.network={network}",))
    critics = {"D_S", "D_T", "D", "D_aux"}
    assert stepper.moved == [{"G_ST"}, SEGMENTER, {"decoder"}, critics]
    assert stepper.with_gradient == stepper.moved


def test_the_first_version_has_one_level():
    adapter, _, losses = watched("sifa-v1")
    assert "D_aux" not in adapter.models
    assert "adversarial_aux_loss" not in losses["g_loss"] and "discriminator_aux_loss" not in losses["d_loss"]
    assert losses["g_loss"]["seg_aux_loss"] == 0


def test_the_predictions_adversary_of_the_first_version_joins_after_a_quarter():
    for method, early in (("sifa-v1", 0.0), ("sifa-v2", None)):
        adapter = build_adapter(method)
        loss = adapter.training_step(toy_pair(), progress=0.1)["g_loss"]["adversarial_loss"]
        assert loss == 0 if early == 0.0 else loss > 0
        assert adapter.training_step(toy_pair(), progress=0.4)["g_loss"]["adversarial_loss"] > 0


def test_forwards_of_a_step():
    adapter = build_adapter("sifa-v2")
    counted = {name: Counted(adapter.models[name]) for name in ("G_ST", "decoder")}
    calls = {"G": 0}
    adapter.models["G"].register_forward_hook(lambda *_: calls.update(G=calls["G"] + 1))
    for name, module in counted.items():
        adapter.models[name] = module
    adapter.training_step(toy_pair())
    # Both domains in each of three updates; the translation once fresh and used twice.
    assert calls["G"] == 6 and len(counted["decoder"].calls) == 6
    assert len(counted["G_ST"].calls) == 2 + 2 + 1


@pytest.mark.parametrize("network", ["deeplab", "native"])
def test_addons_join_the_segmenters_update(network):
    _, stepper, losses = watched("sifa-v2", (f"sifa.network={network}",), ("se", "asa"))
    assert {"selective_entropy_loss", "semantic_alignment_loss"} <= losses["g_loss"].keys()
    assert stepper.moved[1] == SEGMENTER


def test_segmentation_and_cycles_fall_on_a_toy_pair():
    torch.manual_seed(0)
    # A cycle so heavy that the adversaries' ups and downs do not show.
    wider = ("sifa.width=8", "sifa.decoder_width=16", "sifa.lr=0.002", "sifa.cycle_weight=100")
    adapter, batch = build_adapter("sifa-v2", overrides=wider), toy_pair()
    course = [adapter.training_step(batch) for _ in range(30)]
    for group, name in (
        ("g_loss", "seg_dice_loss"),
        ("generator_loss", "cycle_target_loss"),
        ("decoder_loss", "decoder_cycle_target_loss"),
    ):
        assert course[-1][group][name] < 0.7 * course[0][group][name]


@pytest.mark.parametrize("method", ["sifa-v1", "sifa-v2"])
def test_a_checkpoint_survives_the_round_trip(method):
    adapter, again = build_adapter(method), build_adapter(method, seed=3)
    adapter.training_step(toy_pair())
    assert adapter.state_modules().keys() >= {*SEGMENTER, "G_ST", "decoder", "D_S", "D_T", "pool_S", "pool_T"}
    for name, module in again.state_modules().items():
        module.load_state_dict(adapter.state_modules()[name].state_dict())
    for name, optimizer in again.optimizers.items():
        optimizer.load_state_dict(copy.deepcopy(adapter.optimizers[name].state_dict()))
    batch = toy_pair(seed=1)
    for one in (adapter, again):
        one.training_step(batch)
    assert not changed(snapshot(adapter.state_modules()), snapshot(again.state_modules()))
