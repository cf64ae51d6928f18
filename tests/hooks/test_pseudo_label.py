import pytest
import torch
from torch import nn
from toys import CLASSES, random_batch, tiny_models

from seasa_da.hooks import PseudoLabelHook
from seasa_da.layers import ClassThresholds, hard_pseudo_labels, soft_pseudo_labels
from seasa_da.models import Frozen, Segmenter

VALUE = torch.tensor([0.6, 0.5, 0.7])


def context():
    thresholds = ClassThresholds(CLASSES)
    thresholds.value.copy_(VALUE)
    return {**random_batch(), "teacher": Frozen(Segmenter(tiny_models())), "thresholds": thresholds}


@pytest.mark.parametrize("soft", [False, True])
def test_the_teacher_labels_the_target(soft):
    inputs = context()
    outputs, losses = PseudoLabelHook(soft, alpha=0.5)(inputs)
    assert losses == {}
    assert outputs.keys() == {"target_pseudo_probs", "target_kept"}
    logits = inputs["teacher"](inputs["target_imgs"])
    expected = soft_pseudo_labels(logits, VALUE, 0.5) if soft else hard_pseudo_labels(logits, VALUE)
    assert outputs["target_kept"].equal(expected.kept)
    assert outputs["target_pseudo_probs"].equal(expected.probs)
    assert 0 < expected.kept.float().mean() < 1
    assert soft == bool(((expected.probs > 0.01) & (expected.probs < 0.99)).any())


def test_labels_carry_no_gradient():
    inputs = context()
    teacher = tiny_models()
    inputs["teacher"] = Segmenter(teacher)  # even where the teacher could learn
    outputs, _ = PseudoLabelHook()({**inputs, "target_imgs": inputs["target_imgs"].requires_grad_()})
    assert not any(value.requires_grad for value in outputs.values())


def test_a_classifiers_samples_are_labelled():
    thresholds = ClassThresholds(CLASSES)
    thresholds.value.copy_(VALUE)
    inputs = {"target_imgs": torch.randn(6, 5), "teacher": nn.Linear(5, CLASSES), "thresholds": thresholds}
    outputs, _ = PseudoLabelHook(soft=True)(inputs)
    assert outputs["target_kept"].shape == (6,)
    assert outputs["target_pseudo_probs"].shape == (6, CLASSES)


def test_a_missing_survey_is_named():
    with pytest.raises(RuntimeError, match="survey"):
        PseudoLabelHook()({**context(), "thresholds": ClassThresholds(CLASSES)})
