"""A round of self-training: its survey, its losses, what moves and what must not."""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from toys import CLASSES, build_adapter, changed, random_batch, small_segmenter, snapshot, tiny_models, toy_pair
from training.standins import make_adapter, train

from seasa_da.adapters import SelfTraining
from seasa_da.config import SelfTrainingSettings
from seasa_da.hooks import Stepper
from seasa_da.layers import ClassThresholds
from seasa_da.models import Frozen, Segmenter
from seasa_da.training import checkpoint
from seasa_da.training.checkpoint import Position
from seasa_da.training.stepper import AcceleratedStepper

TRAINED = {"G", "C", "C_aux"}
SUPERVISED = {"seg_ce_loss", "seg_dice_loss", "seg_aux_loss"}


def adapter_of(*overrides, method="crst", addons=()):
    """The last round of a method, surveyed, in the mode that the trainer sets; its teacher is sure of what it says."""
    models = small_segmenter()
    with torch.no_grad():
        for parameter in (*models["C"].parameters(), *models["C_aux"].parameters()):
            parameter.mul_(30)
    adapter = build_adapter(method, addons, overrides, models=models)
    adapter.survey([toy_pair()["target_imgs"]], Stepper())
    adapter.train_mode()
    return adapter


def tiny_adapter(portion=0.3, **settings):
    models = tiny_models()
    optimizer = torch.optim.SGD([p for m in models.values() for p in m.parameters()], lr=0.05)
    own = {"teacher": Frozen(Segmenter(models)), "thresholds": ClassThresholds(CLASSES)}
    self_training = SelfTrainingSettings(**settings)
    return SelfTraining(
        {**models, **own}, {"G": optimizer}, num_classes=CLASSES, portion=portion, self_training=self_training
    )


@pytest.mark.parametrize("stride", [1, 4, 7])
def test_the_survey_sees_all_target_images(stride):
    adapter, images = tiny_adapter(pixel_stride=stride), random_batch(6)["target_imgs"]
    adapter.survey(iter(images.split([1, 3, 2])), Stepper())
    pooled = [[] for _ in range(CLASSES)]
    for logits in adapter.models["teacher"](images):
        probs = logits.softmax(dim=0).flatten(1).numpy()[:, ::stride]
        for label in range(CLASSES):
            pooled[label] += probs.max(axis=0)[probs.argmax(axis=0) == label].tolist()
    expected = [np.sort(own)[::-1][int(0.3 * len(own))] for own in pooled]
    np.testing.assert_allclose(adapter.models["thresholds"]().numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("portion", [0.05, 0.2, 0.5])
def test_about_the_portion_of_the_surveyed_pixels_is_kept(portion):
    adapter, images = tiny_adapter(portion, pixel_stride=1), random_batch(4)["target_imgs"]
    adapter.survey([images], Stepper())
    labels = adapter.labeller({**adapter.models, "target_imgs": images})[0]
    assert portion <= labels["target_kept"].float().mean() < 1.25 * portion + 0.02


def test_a_class_that_is_not_predicted_is_not_learnt():
    adapter, images = tiny_adapter(), random_batch(4)["target_imgs"]
    adapter.models["teacher"].module.head.conv.bias[1] -= 1e3
    adapter.survey([images], Stepper())
    assert adapter.models["thresholds"]()[1] == 1
    labels = adapter.labeller({**adapter.models, "target_imgs": images})[0]
    assert not labels["target_pseudo_probs"][:, 1].any() and labels["target_kept"].any()


def test_a_step_before_the_survey_is_refused():
    with pytest.raises(RuntimeError, match="survey"):
        build_adapter("crst").training_step(toy_pair())


@pytest.mark.parametrize("regulariser", ["mrkld", "lrent", "none"])
def test_losses_by_hand(regulariser):
    adapter = adapter_of(
        f"self_training.regulariser={regulariser}",
        "self_training.regulariser_weight=0.3",
        "self_training.alpha=0.5",
        "self_training.target_weight=0.7",
        "self_training.lr_factor=1",
        "loss.aux_weight=0.2",
    )
    adapter.training_step(toy_pair(seed=1))  # from here on the teacher is not the segmenter
    batch = toy_pair()
    with torch.no_grad():
        start = {name: copy.deepcopy(model).eval() for name, model in adapter.models.items()}
        conv5, conv4 = start["G"](batch["target_imgs"], levels=True)
        p = start["teacher"](batch["target_imgs"]).softmax(dim=1)
        log_p = {"main": start["C"](conv5).log_softmax(dim=1), "aux": start["C_aux"](conv4).log_softmax(dim=1)}
    assert not p.log().allclose(log_p["main"])
    ratio = p / start["thresholds"].value.view(1, -1, 1, 1)
    if regulariser == "lrent":
        z = (ratio**2).sum(dim=1, keepdim=True)
        targets, kept = ratio**2 / z, z[:, 0] > 1
    else:
        targets, kept = F.one_hot(ratio.argmax(dim=1), CLASSES).movedim(-1, 1), ratio.max(dim=1).values >= 1
    assert 0 < kept.float().mean() < 1

    def mean(values):
        return values[kept].mean()

    ce = {head: 0.7 * mean(-(targets * values).sum(dim=1)) for head, values in log_p.items()}
    kld = {head: 0.7 * 0.3 * mean(-values.mean(dim=1)) for head, values in log_p.items()}
    losses = adapter.training_step(batch)["g_loss"]
    torch.testing.assert_close(losses["pseudo_ce_loss"], ce["main"])
    if regulariser == "mrkld":
        assert losses.keys() == SUPERVISED | {"pseudo_ce_loss", "pseudo_aux_loss", "confidence_loss"}
        torch.testing.assert_close(losses["confidence_loss"], kld["main"])
        torch.testing.assert_close(losses["pseudo_aux_loss"], 0.2 * (ce["aux"] + kld["aux"]))
    else:
        assert losses.keys() == SUPERVISED | {"pseudo_ce_loss", "pseudo_aux_loss"}
        torch.testing.assert_close(losses["pseudo_aux_loss"], 0.2 * ce["aux"])
    assert not any(loss.requires_grad for loss in losses.values())


@pytest.mark.parametrize("method", ["crst", "ebm"])
def test_only_the_segmenter_learns(method):
    class Watch(Stepper):
        def step(self, optimizers):
            self.moved = {name for name, m in adapter.models.items() if any(p.grad is not None for p in m.parameters())}
            super().step(optimizers)

    adapter, watch = adapter_of("train.weight_decay=0", method=method), Watch()
    before = snapshot(adapter.state_modules())
    adapter.training_step(toy_pair(), stepper=watch)
    assert watch.moved == TRAINED
    parameters = {f"{n}.{key}" for n in TRAINED for key, _ in adapter.models[n].named_parameters()}
    assert changed(before, snapshot(adapter.state_modules())) == parameters


def buffers(adapter, *names):
    return {f"{n}.{key}": b.clone() for n in names for key, b in adapter.models[n].named_buffers()}


def test_teacher_thresholds_and_running_statistics_stay_as_they_are():
    adapter = adapter_of()
    still = {"teacher": adapter.models["teacher"], "thresholds": adapter.models["thresholds"]}
    before, statistics = snapshot(still), buffers(adapter, *TRAINED)
    assert any("running_mean" in name for name in statistics)
    for seed in range(3):
        adapter.training_step(toy_pair(seed=seed))
    assert not changed(before, snapshot(still))
    assert not changed(statistics, buffers(adapter, *TRAINED))


def test_batch_statistics_on_request():
    adapter = adapter_of("self_training.batch_norm=batch")
    teacher, statistics = snapshot({"teacher": adapter.models["teacher"]}), buffers(adapter, "G")
    adapter.training_step(toy_pair())
    assert changed(statistics, buffers(adapter, "G"))
    assert not changed(teacher, snapshot({"teacher": adapter.models["teacher"]}))


@pytest.mark.parametrize("method", ["crst", "ebm"])
def test_the_losses_fall(method):
    adapter, batch = adapter_of("self_training.lr_factor=1", method=method), toy_pair()
    course = [adapter.training_step(batch)["g_loss"] for _ in range(20)]
    for names in (SUPERVISED, {"pseudo_ce_loss", "pseudo_aux_loss"}):
        totals = [sum(losses[name].item() for name in names) for losses in course]
        assert max(totals[-3:]) < 0.9 * totals[0]


def test_the_teacher_is_the_segmenter_of_the_round_before():
    adapter, images = adapter_of(), toy_pair()["target_imgs"]
    teacher, segmenter = adapter.models["teacher"], adapter.segmenter()
    segmenter.eval()
    with torch.no_grad():
        assert teacher(images).equal(segmenter(images))
    adapter.train_mode()
    adapter.training_step(toy_pair())
    segmenter.eval()
    with torch.no_grad():
        assert not teacher(images).equal(segmenter(images))


@pytest.mark.parametrize("method", ["crst", "ebm"])
def test_a_checkpoint_survives_the_round_trip(method, tmp_path):
    adapter = adapter_of(method=method)
    for seed in range(2):
        adapter.training_step(toy_pair(seed=seed))
    modules, optimizers = adapter.state_modules(), dict(adapter.optimizers.items())
    path = checkpoint.save(tmp_path, Position(1, "round-1", 2), modules, optimizers, about={}, keep=1)
    fresh = build_adapter(method, seed=7)  # as a resumed round is: not surveyed
    fresh.train_mode()
    loaded = checkpoint.load(path)
    loaded.restore_modules(fresh.state_modules())
    loaded.restore_optimizers(dict(fresh.optimizers.items()))
    for seed in (2, 3):
        losses = [one.training_step(toy_pair(seed=seed)) for one in (adapter, fresh)]
        assert losses[0] == losses[1]
    assert not changed(snapshot(adapter.state_modules()), snapshot(fresh.state_modules()))


@pytest.mark.parametrize("micro_batches", [2, 4])
def test_micro_batches_equal_one_batch(micro_batches):
    accelerator = Accelerator(cpu=True)
    start = snapshot(make_adapter("SelfTraining").state_modules())
    whole = train(make_adapter("SelfTraining"), AcceleratedStepper(accelerator))
    parts = train(make_adapter("SelfTraining"), AcceleratedStepper(accelerator, micro_batches))
    for key, value in whole.items():
        torch.testing.assert_close(parts[key], value, atol=1e-6, rtol=0)
        if key.split(".")[0] in TRAINED:
            assert (value - start[key]).abs().max() > 1e-5


def test_without_the_whole_updates_count_micro_batches_count_alike():
    stepper = AcceleratedStepper(Accelerator(cpu=True), 4)
    whole = train(make_adapter("SelfTraining"), AcceleratedStepper(Accelerator(cpu=True)))
    parts = train(make_adapter("SelfTraining"), stepper, with_counts=False)
    assert max((whole[key] - parts[key]).abs().max() for key in whole if not math.isnan(whole[key].sum())) > 1e-4


@pytest.mark.parametrize("method", ["crst", "ebm"])
def test_se_and_asa_join(method):
    adapter = adapter_of(method=method, addons=("se", "asa"))
    losses = adapter.training_step(toy_pair())["g_loss"]
    assert {"pseudo_ce_loss", "selective_entropy_loss", "semantic_alignment_loss"} <= losses.keys()
    assert ("energy_loss" in losses) == (method == "ebm")
    assert {"src_prototypes", "teacher", "thresholds"} <= adapter.state_modules().keys()
