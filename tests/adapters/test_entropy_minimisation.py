"""MinEnt's step: its losses, who learns, what a checkpoint holds."""

import copy
import math

import torch
from accelerate import Accelerator
from toys import CLASSES, build_adapter, changed, snapshot, tiny_models, toy_pair
from training.standins import train

from seasa_da.adapters import SegmentationAdapter
from seasa_da.adapters.entropy_minimisation import EntropyMinimisation
from seasa_da.config import EntropySettings
from seasa_da.hooks import Stepper
from seasa_da.training import checkpoint
from seasa_da.training.checkpoint import Position
from seasa_da.training.stepper import AcceleratedStepper

SEGMENTER = {"G", "C", "C_aux"}
SUPERVISED = {"seg_ce_loss", "seg_dice_loss", "seg_aux_loss"}
ENTROPY = {"entropy_loss", "entropy_aux_loss"}


def tiny_adapter(cls=EntropyMinimisation, **settings):
    models = tiny_models()
    optimizer = torch.optim.SGD([p for m in models.values() for p in m.parameters()], lr=0.05)
    own = {"entropy": EntropySettings(**settings)} if cls is EntropyMinimisation else {}
    return cls(models, {"G": optimizer}, num_classes=CLASSES, **own)


def test_losses_by_hand():
    adapter, batch = tiny_adapter(weight=0.3, aux_weight=0.2), toy_pair()
    start = {name: copy.deepcopy(model) for name, model in adapter.models.items()}
    losses = adapter.training_step(batch)["g_loss"]
    assert losses.keys() == SUPERVISED | ENTROPY
    conv5, conv4 = start["G"](batch["target_imgs"], levels=True)
    for name, weight, logits in (
        ("entropy_loss", 0.3, start["C"](conv5)),
        ("entropy_aux_loss", 0.2, start["C_aux"](conv4)),
    ):
        p = logits.softmax(dim=1)
        entropy = -(p * p.log2()).sum() / (4 * 32 * 32 * math.log2(CLASSES))
        torch.testing.assert_close(losses[name], weight * entropy)
    plain = tiny_adapter(SegmentationAdapter).training_step(batch)["g_loss"]
    assert all(losses[name] == plain[name] for name in SUPERVISED)


def test_only_the_segmenter_learns():
    class Watch(Stepper):
        def step(self, optimizers):
            self.reached = {
                f"{n}.{key}" for n, m in adapter.models.items() for key, p in m.named_parameters() if p.grad is not None
            }
            super().step(optimizers)

    adapter, watch = build_adapter("minent", overrides=("train.weight_decay=0",)), Watch()
    before = snapshot(adapter.state_modules())
    adapter.training_step(toy_pair(), stepper=watch)
    assert adapter.state_modules().keys() == SEGMENTER
    parameters = {f"{n}.{key}" for n in SEGMENTER for key, _ in adapter.models[n].named_parameters()}
    assert watch.reached == parameters <= changed(before, snapshot(adapter.state_modules()))


def test_the_losses_fall_on_a_toy_pair():
    adapter = build_adapter("minent", overrides=("entropy.weight=0.3", "entropy.aux_weight=0.3"))
    course = [adapter.training_step(toy_pair())["g_loss"] for _ in range(20)]
    for names in (SUPERVISED, {"entropy_loss"}, {"entropy_aux_loss"}):
        totals = [sum(losses[name].item() for name in names) for losses in course]
        assert max(totals[-3:]) < 0.9 * totals[0]


def test_micro_batches_equal_one_batch():
    whole, parts = (
        train(tiny_adapter(weight=0.5, aux_weight=0.5), AcceleratedStepper(Accelerator(cpu=True), n)) for n in (1, 4)
    )
    for key, value in whole.items():
        torch.testing.assert_close(parts[key], value, atol=1e-6, rtol=0)


def test_a_checkpoint_survives_the_round_trip(tmp_path):
    adapter = build_adapter("minent")
    for seed in range(2):
        adapter.training_step(toy_pair(seed=seed))
    modules, optimizers = adapter.state_modules(), dict(adapter.optimizers.items())
    path = checkpoint.save(tmp_path, Position(0, "adapt", 2), modules, optimizers, about={}, keep=1)
    fresh = build_adapter("minent", seed=7)
    loaded = checkpoint.load(path)
    loaded.restore_modules(fresh.state_modules())
    loaded.restore_optimizers(dict(fresh.optimizers.items()))
    losses = [one.training_step(toy_pair(seed=2)) for one in (adapter, fresh)]
    assert losses[0] == losses[1]
    assert not changed(snapshot(adapter.state_modules()), snapshot(fresh.state_modules()))
