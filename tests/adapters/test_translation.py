import copy

import torch
from toys import build_adapter, changed, snapshot, toy_pair

from seasa_da.adapters.translation import DISCRIMINATORS, GENERATORS
from seasa_da.hooks import Stepper

WIDER = ("translation.width=8", "translation.critic_width=8", "translation.lr=0.002")


def adapter_of(method="cyclegan", stage=0, overrides=()):
    return build_adapter(method, overrides=(*WIDER, *overrides), stage=stage)


class Moved(Stepper):
    """Notes which models each update moved."""

    def __init__(self, models):
        self.models, self.found = dict(models), []

    def step(self, optimizers):
        before = snapshot(self.models)
        super().step(optimizers)
        self.found.append({name.split(".")[0] for name in changed(before, snapshot(self.models))})


def test_each_update_moves_its_own_networks():
    for method, stage in (("cyclegan", 0), ("cycada", 2)):
        adapter = adapter_of(method, stage)
        stepper = Moved({name: model for name, model in adapter.models.items() if not name.startswith("pool")})
        adapter.training_step(toy_pair(), stepper=stepper)
        assert stepper.found == [set(GENERATORS), set(DISCRIMINATORS)]


def test_generators_of_one_forward_serve_both_updates():
    adapter = adapter_of()
    calls = dict.fromkeys(GENERATORS, 0)
    for name in GENERATORS:
        adapter.models[name].register_forward_hook(lambda *_, name=name: calls.update({name: calls[name] + 1}))
    adapter.training_step(toy_pair())
    # There, back again, and identity: three each, and none for the discriminators.
    assert calls == {"G_ST": 3, "G_TS": 3}


def test_cycle_and_identity_fall_on_a_toy_pair():
    torch.manual_seed(0)
    adapter, batch = adapter_of(), toy_pair()
    course = [adapter.training_step(batch)["g_loss"] for _ in range(25)]
    for name in ("cycle_src_loss", "cycle_target_loss"):
        assert course[-1][name] < 0.7 * course[0][name]


def test_the_discriminators_learn_to_tell_fakes():
    adapter, batch = adapter_of(overrides=("translation.pool=0",)), toy_pair()
    for group in adapter.optimizers["generators"].param_groups:
        group["lr"] = 0.0
    course = [adapter.training_step(batch)["d_loss"]["critic_T_loss"].item() for _ in range(30)]
    assert course[-1] < 0.5 * course[0]


def test_a_checkpoint_holds_networks_and_pools():
    adapter, again = adapter_of(), adapter_of()
    adapter.training_step(toy_pair())
    assert adapter.state_modules().keys() == {*GENERATORS, *DISCRIMINATORS, "pool_S", "pool_T"}
    for name, module in again.state_modules().items():
        module.load_state_dict(adapter.state_modules()[name].state_dict())
    for name, optimizer in again.optimizers.items():
        optimizer.load_state_dict(copy.deepcopy(adapter.optimizers[name].state_dict()))
    batch = toy_pair(seed=1)
    for one in (adapter, again):
        one.training_step(batch)
    assert not changed(snapshot(adapter.state_modules()), snapshot(again.state_modules()))


def test_the_frozen_segmenter_guides_and_stays():
    adapter = adapter_of("cycada", stage=2)
    before = snapshot({"f_S": adapter.models["f_S"]})
    losses = adapter.training_step(toy_pair())
    assert {"semantic_src_loss", "semantic_target_loss"} <= losses["g_loss"].keys()
    assert not changed(before, snapshot({"f_S": adapter.models["f_S"]}))
