import pytest
import torch
from toys import build_adapter, changed, snapshot, toy_pair

from seasa_da.hooks import Stepper

SEGMENTER = {"G", "C", "C_aux"}


class Moved(Stepper):
    """Notes which models' parameters each update moved."""

    def __init__(self, models):
        self.models, self.found = models, []

    def step(self, optimizers):
        before = self._parameters()
        super().step(optimizers)
        self.found.append({name.split(".")[0] for name in changed(before, self._parameters())})

    def _parameters(self):
        return {f"{n}.{k}": p.detach().clone() for n, m in self.models.items() for k, p in m.named_parameters()}


@pytest.mark.parametrize("sees", ["scores", "features"])
@pytest.mark.parametrize("addons", [(), ("se", "asa")])
def test_the_segmenter_first_then_the_critic(sees, addons):
    adapter = build_adapter("cycada", addons, (f"cycada.critic_input={sees}",))
    stepper = Moved(dict(adapter.models.items()))
    losses = adapter.training_step(toy_pair(), stepper=stepper, progress=0.5)
    assert stepper.found == [SEGMENTER, {"D_feat"}]
    assert ("selective_entropy_loss" in losses["g_loss"]) == bool(addons)
    assert "adversarial_loss" in losses["g_loss"] and losses["d_loss"].keys() == {"critic_loss"}


def test_one_forward_a_domain():
    adapter = build_adapter("cycada")
    calls = []
    adapter.models["G"].register_forward_hook(lambda *_: calls.append(1))
    adapter.training_step(toy_pair())
    assert len(calls) == 2


def test_a_closed_gate_leaves_the_supervised_update_alone():
    torch.manual_seed(0)
    closed = build_adapter("cycada", overrides=("cycada.gate=0.99", "cycada.critic_dropout=0"))
    free = build_adapter("cycada", overrides=("cycada.weight=0", "cycada.critic_dropout=0"))
    for adapter in (closed, free):
        adapter.training_step(toy_pair())
    parts = [{name: adapter.models[name] for name in SEGMENTER} for adapter in (closed, free)]
    assert not changed(snapshot(parts[0]), snapshot(parts[1]))


def test_the_critic_learns_to_tell_the_domains_apart():
    settings = ("cycada.critic_input=features", "cycada.critic_lr=0.3", "cycada.critic_dropout=0", "cycada.weight=0")
    settings = (*settings, "cycada.critic_width=32", "translation.residual=true", "train.lr=1e-9")
    adapter, batch = build_adapter("cycada", overrides=settings), toy_pair()
    course = [adapter.training_step(batch)["d_loss"]["critic_loss"].item() for _ in range(40)]
    assert min(course) < 0.5 * course[0]


def test_a_checkpoint_holds_critic_and_gate():
    assert build_adapter("cycada").state_modules().keys() == {*SEGMENTER, "G_ST", "D_feat", "gate"}
