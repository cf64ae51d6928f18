"""Source pixels that the labels ignore, in every stage of every method."""

import pytest
import torch
from toys import CLASSES, build_adapter, compose_run, snapshot, toy_pair

from seasa_da.augment import apply_affine
from seasa_da.data.case import IGNORED
from seasa_da.hooks import Stepper
from seasa_da.layers import class_counts
from seasa_da.layers.segmentation_loss import IGNORE
from seasa_da.registry import METHODS

CASES = [
    (name, () if spec.refuses_addons else ("se", "asa"), number)
    for name, spec in METHODS.items()
    for number in range(len(compose_run(name)[1]))
]


def ignoring_pair():
    """`toy_pair` whose source labels ignore a block of each slice, and one slice altogether."""
    batch = toy_pair()
    batch["src_labels"][:, :, 20:] = IGNORED
    batch["src_labels"][0] = IGNORED
    return batch


@pytest.mark.parametrize(("method", "addons", "stage"), CASES)
def test_every_stage_trains_on_labels_with_ignored_pixels(method, addons, stage):
    _, stages = compose_run(method, addons)
    adapter, batch = build_adapter(method, addons, stage=stage), ignoring_pair()
    if stages[stage].survey:
        adapter.survey([batch["target_imgs"]], Stepper())
        adapter.train_mode()
    counts = class_counts(batch["src_labels"], CLASSES)
    for _ in range(2):
        groups = adapter.training_step(dict(batch), stepper=Stepper(), src_class_counts=counts, progress=0.5)
        assert all(bool(loss.isfinite()) for losses in groups.values() for loss in losses.values())
    state = snapshot(adapter.state_modules())
    assert all(bool(value.isfinite().all()) for value in state.values() if value.is_floating_point())


def test_what_lies_under_ignored_pixels_has_no_supervised_gradient():
    adapter, batch = build_adapter("source-only"), ignoring_pair()
    models = adapter.models
    images = batch["src_imgs"].requires_grad_()
    logits = models["C"](models["G"](images))
    logits.retain_grad()
    loss = adapter.segmenter_hooks()[3].loss_fn(logits, batch["src_labels"]).total
    loss.backward()
    ignored = (batch["src_labels"] == IGNORED)[:, None].expand_as(logits)
    assert not logits.grad[ignored].any() and logits.grad[~ignored].any()


def test_the_layers_and_the_data_ignore_the_same_value():
    assert IGNORE == IGNORED
    assert class_counts(torch.tensor([0, IGNORED, 2]), 3).tolist() == [1, 0, 1]


def test_augmentation_keeps_ignored_pixels():
    """A quarter turn of a square slice moves whole pixels: all values stay, none is mixed from two."""
    labels = torch.tensor([[[0, 1, IGNORED], [2, IGNORED, 0], [0, 0, 254]]], dtype=torch.uint8)
    turn = torch.tensor([[[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]])
    _, moved = apply_affine(torch.zeros(1, 1, 3, 3), turn, labels)
    assert moved.dtype == torch.uint8
    assert moved.equal(labels.rot90(-1, (1, 2))) or moved.equal(labels.rot90(1, (1, 2)))
    tilt = torch.tensor([[[0.95, 0.2, 0.03], [-0.2, 0.95, 0.1]]])
    _, moved = apply_affine(torch.zeros(1, 1, 3, 3), tilt, labels)
    assert set(moved.unique().tolist()) <= {0, 1, 2, 254, IGNORED}
