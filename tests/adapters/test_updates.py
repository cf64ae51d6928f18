"""What every adapter does in a step: who moves when, how many forwards, what is learnt, what a checkpoint holds."""

from collections import Counter
from functools import partial

import pytest
import torch
from toys import build_adapter, changed, small_segmenter, snapshot, toy_pair

from seasa_da.adapters import SEASA, OutputAdversary, SegmentationAdapter
from seasa_da.hooks import Stepper
from seasa_da.training import checkpoint
from seasa_da.training.checkpoint import Position

SEGMENTER = {"G", "C", "C_aux"}
CRITICS = {"D", "D_aux"}
SUPERVISED = {"seg_ce_loss", "seg_dice_loss", "seg_aux_loss"}
ADVERSARIAL = {"adversarial_loss", "adversarial_aux_loss"}
ADAPTERS = {
    "source-only": ("source-only", ()),
    "adaoutput": ("adaoutput", ()),
    "ours": ("ours", ()),
    "released-code": ("ours", ("recipe=released-code",)),
}


def adapter_of(name, *overrides, **others):
    method, recipe = ADAPTERS[name]
    return build_adapter(method, overrides=(*recipe, *overrides), **others)


class Watch(Stepper):
    """Notes, for each update in turn, which modules had gradients and which parameters moved."""

    def __init__(self, models):
        self.models = models
        self.moved = []
        self.still = []
        self.with_gradient = []

    def step(self, optimizers):
        before = self._parameters()
        self.with_gradient.append(
            {name for name, model in self.models.items() if any(p.grad is not None for p in model.parameters())}
        )
        super().step(optimizers)
        moved = changed(before, self._parameters())
        self.moved.append({name.split(".")[0] for name in moved})
        self.still.append(before.keys() - moved)

    def _parameters(self):
        return {
            f"{name}.{key}": p.detach().clone()
            for name, model in self.models.items()
            for key, p in model.named_parameters()
        }


@pytest.mark.parametrize("name", ADAPTERS)
def test_each_update_moves_its_own_modules(name):
    # Without weight decay a parameter moves only where a gradient reached it.
    adapter = adapter_of(name, "train.weight_decay=0")
    watch = Watch(adapter.models)
    adapter.training_step(toy_pair(), stepper=watch)
    assert watch.moved == ([SEGMENTER] if name == "source-only" else [SEGMENTER, CRITICS])
    # The segmenter's loss passes through the discriminators and leaves nothing in them.
    assert watch.with_gradient == watch.moved
    others = CRITICS if name != "source-only" else set()
    assert {key.split(".")[0] for key in watch.still[0]} == others
    for still in watch.still[1:]:
        assert {key.split(".")[0] for key in still} == SEGMENTER


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_step_leaves_no_gradient_behind(name):
    adapter = adapter_of(name)
    adapter.training_step(toy_pair())
    assert not [key for model in adapter.models.values() for key, p in model.named_parameters() if p.grad is not None]
    assert all(p.requires_grad for model in adapter.models.values() for p in model.parameters())


@pytest.mark.parametrize(
    ("name", "g_losses", "d_losses"),
    [
        ("source-only", SUPERVISED, None),
        ("adaoutput", SUPERVISED | ADVERSARIAL, {"discriminator_loss", "discriminator_aux_loss"}),
        (
            "ours",
            SUPERVISED | ADVERSARIAL | {"selective_entropy_loss", "semantic_alignment_loss"},
            {"discriminator_loss", "discriminator_aux_loss"},
        ),
    ],
)
def test_losses_are_reported_detached(name, g_losses, d_losses):
    losses = adapter_of(name).training_step(toy_pair())
    expected = {"g_loss": g_losses} | ({"d_loss": d_losses} if d_losses else {})
    assert {group: set(found) for group, found in losses.items()} == expected
    assert not any(loss.requires_grad for found in losses.values() for loss in found.values())


@pytest.mark.parametrize(
    ("name", "forwards"),
    [
        ("source-only", {"G": 1, "C": 1, "C_aux": 1}),
        # Source and target; each discriminator sees the target for G, then both domains for itself.
        ("adaoutput", {"G": 2, "C": 2, "C_aux": 2, "D": 3, "D_aux": 3}),
        # And one pool of the clean image and its 2 x 3 views.
        ("ours", {"G": 3, "C": 3, "C_aux": 2, "D": 3, "D_aux": 3}),
        # And 2 x 5 views, each its own train-mode batch; the clean image's vote is the target's forward.
        ("released-code", {"G": 12, "C": 12, "C_aux": 2, "D": 3, "D_aux": 3}),
    ],
)
def test_forwards_a_step_are_the_fewest(name, forwards):
    adapter = adapter_of(name)
    counts = Counter()
    for key, model in adapter.models.items():
        model.register_forward_hook(lambda *_, key=key: counts.update([key]))
    adapter.training_step(toy_pair())
    assert counts == forwards


def supervised(losses):
    return sum(losses["g_loss"][name].item() for name in SUPERVISED)


@pytest.mark.parametrize("name", ADAPTERS)
def test_the_supervised_loss_falls(name):
    adapter, batch = adapter_of(name), toy_pair()
    course = [supervised(adapter.training_step(batch)) for _ in range(20)]
    assert max(course[-3:]) < 0.8 * course[0]


def test_the_batch_norm_of_a_discriminator_is_its_own_affair():
    """The first update reads D, which is frozen, and moves nothing in it but running statistics."""
    adapter = adapter_of("adaoutput")
    before = snapshot({"D": adapter.models["D"]})
    adapter.hook.hooks[0]({**adapter.models, "G_opt": adapter.optimizers["G"], **toy_pair()})
    moved = changed(before, snapshot({"D": adapter.models["D"]}))
    assert moved
    assert all("running_" in name or "num_batches" in name for name in moved)


def test_composing_se_and_asa_with_adaoutput_is_ours():
    ours = build_adapter("ours")
    composed = build_adapter("adaoutput", addons=("se", "asa"))
    start = snapshot(ours.state_modules())
    assert not changed(start, snapshot(composed.state_modules()))
    for seed in range(3):
        losses = [adapter.training_step(toy_pair(seed=seed)) for adapter in (ours, composed)]
        assert losses[0] == losses[1]
    end = snapshot(ours.state_modules())
    assert not changed(end, snapshot(composed.state_modules()))
    assert {key.split(".")[0] for key in changed(start, end)} == set(ours.state_modules())


def test_without_their_weights_se_and_asa_are_adaoutput():
    ours = build_adapter("ours", overrides=("se.weight=0", "asa.weight=0"))
    plain = build_adapter("adaoutput")
    for seed in range(2):
        for adapter in (ours, plain):
            adapter.training_step(toy_pair(seed=seed))
    assert not changed(snapshot(ours.models), snapshot(plain.models))


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_checkpoint_survives_the_round_trip(name, tmp_path):
    adapter = adapter_of(name)
    for seed in range(2):
        adapter.training_step(toy_pair(seed=seed))
    path = checkpoint.save(
        tmp_path, Position(0, "adapt", 2), adapter.state_modules(), dict(adapter.optimizers.items()), about={}, keep=1
    )
    fresh = adapter_of(name, seed=7)
    assert changed(snapshot(adapter.state_modules()), snapshot(fresh.state_modules()))
    loaded = checkpoint.load(path)
    loaded.restore_modules(fresh.state_modules())
    loaded.restore_optimizers(dict(fresh.optimizers.items()))
    assert not changed(snapshot(adapter.state_modules()), snapshot(fresh.state_modules()))
    if name in ("ours", "released-code"):
        assert fresh.state_modules()["src_prototypes"].seen.any()
    # Moments count too: from here on both go the same way, bit for bit.
    for seed in (2, 3):
        losses = [one.training_step(toy_pair(seed=seed), progress=0.5) for one in (adapter, fresh)]
        assert losses[0] == losses[1]
    assert not changed(snapshot(adapter.state_modules()), snapshot(fresh.state_modules()))


@pytest.mark.parametrize(
    ("build", "missing"),
    [
        (SegmentationAdapter, "C_aux"),
        (OutputAdversary, "D_aux"),
        (partial(SEASA, feature_dim=96), "D"),
    ],
)
def test_a_missing_model_is_named(build, missing):
    adapter = adapter_of("ours")
    models = {key: model for key, model in adapter.models.items() if key != missing}
    with pytest.raises(KeyError, match=f"'{missing}'"):
        build(models, dict(adapter.optimizers.items()), num_classes=3)


def test_a_missing_optimizer_is_named():
    with pytest.raises(KeyError, match="'G'"):
        SegmentationAdapter(small_segmenter(), {}, num_classes=3)


def test_a_step_needs_target_images():
    batch = toy_pair()
    del batch["target_imgs"]
    with pytest.raises(KeyError, match="target_imgs"):
        adapter_of("adaoutput").training_step(batch)
    adapter_of("source-only").training_step(batch)


def test_the_segmenter_is_what_is_scored():
    adapter = adapter_of("ours")
    segmenter, images = adapter.segmenter().eval(), toy_pair()["target_imgs"]
    with torch.no_grad():
        assert segmenter(images).equal(adapter.models["C"](adapter.models["G"](images)))
