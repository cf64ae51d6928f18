import pytest
import torch

from hooks.sifa_standins import context, with_gradient
from seasa_da.hooks import ScheduledWeight, SharedEncoderHook, SharedEncoderLossHook

WEIGHTS = {"D": ScheduledWeight(0.1), "D_aux": ScheduledWeight(0.01)}


def encoded():
    found = context()
    found.update(SharedEncoderHook()(found)[0])
    for domain in ("src", "target"):
        found[f"{domain}_imgs_features_logits"] = found["C"](found[f"{domain}_imgs_features"])
        found[f"{domain}_imgs_conv4_logits"] = found["C_aux"](found[f"{domain}_imgs_conv4"])
    return found


def test_the_sources_features_are_those_of_its_translation():
    found = encoded()
    torch.testing.assert_close(found["src_imgs_features"], 0.2 * found["src_imgs"])
    torch.testing.assert_close(found["src_imgs_conv4"], 0.4 * found["src_imgs"])
    torch.testing.assert_close(found["target_imgs_features"], 0.1 * found["target_imgs"])


def test_a_segmentation_loss_never_reaches_the_generator():
    found = encoded()
    found["src_imgs_features_logits"].sum().backward()
    assert with_gradient(found, ("G_ST", "G", "C")) == {"G", "C"}


def test_losses_by_hand():
    found = encoded()
    _, losses = SharedEncoderLossHook(0.1, 10, 0.3, WEIGHTS)(found)
    src, target = found["src_imgs"], found["target_imgs"]
    back = 2 * target  # decoded from the target: x + 10 * 0.1 x
    cycles = (4 * src - src).abs().mean() + (2 * back - target).abs().mean()
    expected = {
        "image_loss": 0.1 * (10 * cycles + (3 * back - 1).square().mean()),
        "task_loss": 0.3 * (-3 * back - 1).square().mean(),
        "adversarial_loss": 0.1 * (0.5 * 7 * 0.1 * target - 1).square().mean(),
        "adversarial_aux_loss": 0.01 * (0.25 * 11 * 0.2 * target - 1).square().mean(),
    }
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value)


@pytest.mark.parametrize(("progress", "share"), [(0.2, 0.0), (0.3, 0.5), (0.9, 1.0)])
def test_the_predictions_adversary_may_join_later(progress, share):
    found = {**encoded(), "progress": progress}
    late = {"D": ScheduledWeight(0.1, start=0.25, ramp=0.1)}
    _, losses = SharedEncoderLossHook(0.1, 10, 0.3, late)(found)
    _, full = SharedEncoderLossHook(0.1, 10, 0.3, {"D": WEIGHTS["D"]})(found)
    assert "adversarial_aux_loss" not in losses
    torch.testing.assert_close(losses["adversarial_loss"], share * full["adversarial_loss"])
    assert losses["task_loss"] == full["task_loss"]
