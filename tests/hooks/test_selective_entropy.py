import math

import pytest
import torch
from torch import nn
from toys import Counted, random_batch, tiny_models

from seasa_da.augment import apply_jitter, draw_jitter
from seasa_da.config import ViewSettings
from seasa_da.hooks import ReliabilityHook, ScheduledWeight, SelectiveEntropyHook

IDENTITY = ViewSettings(mu=0.0, brightness=0.0, contrast=0.0, blur_probability=0.0)
STRONG = ViewSettings(brightness=0.9, contrast=0.9)
VOTES = {"target_reliable", "target_agrees_random", "target_agrees_fourier", "target_votes"}
LOGITS = {"target_imgs_features", "target_imgs_features_logits"}


def context(**others):
    return {**tiny_models(), **random_batch(), **others}


def entropies(logits):
    """Of each pixel of (N, K, H, W), in double precision, from probabilities."""
    p = logits.detach().double().softmax(dim=1)
    return -(p * p.log()).sum(dim=1)


def test_loss_by_hand():
    inputs = context()
    outputs, losses = SelectiveEntropyHook(0.7, STRONG)(inputs)
    assert outputs.keys() == VOTES | LOGITS
    assert losses.keys() == {"selective_entropy_loss"}
    logits = inputs["C"](inputs["G"](inputs["target_imgs"]))
    reliable = ReliabilityHook(STRONG)(inputs)[0]["target_reliable"]
    assert 0.02 < reliable.float().mean() < 0.98
    signed = torch.where(reliable, entropies(logits), -entropies(logits))
    expected = 0.7 * signed.sum(dim=(1, 2)) / (32 * 32)
    torch.testing.assert_close(losses["selective_entropy_loss"].double(), expected, atol=1e-6, rtol=1e-5)


def test_identity_views_give_the_mean_entropy():
    inputs = context()
    _, losses = SelectiveEntropyHook(1.0, IDENTITY)(inputs)
    expected = entropies(inputs["C"](inputs["G"](inputs["target_imgs"]))).mean(dim=(1, 2))
    torch.testing.assert_close(losses["selective_entropy_loss"].double(), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("minimise", "maximise", "reliable", "unreliable"),
    [
        ("reliable", "none", 1, 0),
        ("all", "none", 1, 1),
        ("none", "unreliable", 0, -1),
        ("reliable", "unreliable", 1, -1),
    ],
)
def test_which_pixels(minimise, maximise, reliable, unreliable):
    inputs = context()
    outputs, losses = SelectiveEntropyHook(1.0, STRONG, minimise, maximise)(inputs)
    sign = torch.where(outputs["target_reliable"], reliable, unreliable)
    expected = (sign * entropies(outputs["target_imgs_features_logits"])).mean(dim=(1, 2))
    torch.testing.assert_close(losses["selective_entropy_loss"].double(), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("gradient", ["clean", "augmented", "one-view"])
def test_gradient_reaches_trunk_and_main_head_only(gradient):
    inputs = context(D=nn.Linear(1, 1))
    _, losses = SelectiveEntropyHook(1.0, STRONG, gradient=gradient)(inputs)
    losses["selective_entropy_loss"].mean().backward()
    reached = {
        name: [p.grad is not None and p.grad.abs().max().item() > 0 for p in inputs[name].parameters()]
        for name in ("G", "C", "C_aux", "D")
    }
    assert all(reached["G"] + reached["C"])
    assert not any(reached["C_aux"] + reached["D"])


def test_gradient_is_that_of_the_clean_image_with_fixed_masks():
    inputs = context()
    outputs, losses = SelectiveEntropyHook(1.0, STRONG)(inputs)
    losses["selective_entropy_loss"].mean().backward()
    ours = [p.grad.clone() for p in inputs["G"].parameters()]
    inputs["G"].zero_grad()
    p = inputs["C"](inputs["G"](inputs["target_imgs"])).softmax(dim=1)
    sign = torch.where(outputs["target_reliable"], 1.0, -1.0)
    (sign * -(p * p.log()).sum(dim=1)).mean().backward()
    for found, parameter in zip(ours, inputs["G"].parameters(), strict=True):
        torch.testing.assert_close(found, parameter.grad, atol=1e-6, rtol=1e-4)


def random_views(inputs):
    params = draw_jitter(
        inputs["target_seeds"],
        3,
        brightness=STRONG.brightness,
        contrast=STRONG.contrast,
        blur_sigma=STRONG.blur_sigma,
        blur_probability=STRONG.blur_probability,
    )
    return list(apply_jitter(inputs["target_imgs"], params))


def test_augmented_gradient_by_loops():
    inputs = context()
    outputs, losses = SelectiveEntropyHook(1.0, STRONG, gradient="augmented", vote_statistics="batch")(inputs)
    logits = [inputs["C"](inputs["G"](view)) for view in random_views(inputs)]
    entropy = [entropies(view) for view in logits]
    labels = [view.argmax(dim=1) for view in logits]
    clean, reliable = outputs["target_votes"], outputs["target_reliable"]
    expected, undecided = [], 0
    for n in range(4):
        total = 0.0
        for y in range(32):
            for x in range(32):
                # The authors' loop: each view that agreed (or, where unreliable, disagreed) overwrites the last.
                kept = None
                for v in range(3):
                    agrees = labels[v][n, y, x] == clean[n, y, x]
                    if agrees == reliable[n, y, x]:
                        kept = entropy[v][n, y, x].item()
                if kept is None:
                    undecided += 1  # only Fourier views disagreed: a constant, no gradient
                    continue
                total += kept if reliable[n, y, x] else -kept
        expected.append(total / 1024)
    assert 0 < undecided < 1024
    assert 0.02 < reliable.float().mean() < 0.98
    torch.testing.assert_close(losses["selective_entropy_loss"].tolist(), expected, atol=1e-5, rtol=1e-4)
    assert outputs.keys() == VOTES | LOGITS | {"target_random_logits"}


def test_one_view_gradient_by_hand():
    inputs = context()
    outputs, losses = SelectiveEntropyHook(1.0, STRONG, gradient="one-view")(inputs)
    last = inputs["C"](inputs["G"](random_views(inputs)[-1]))
    signed = torch.where(outputs["target_reliable"], entropies(last), -entropies(last))
    torch.testing.assert_close(losses["selective_entropy_loss"].double(), signed.mean(dim=(1, 2)), atol=1e-6, rtol=1e-5)


def test_nothing_happens_before_the_start():
    models = {name: Counted(module) for name, module in tiny_models().items()}
    hook = SelectiveEntropyHook(ScheduledWeight(1.0, start=0.5), STRONG)
    outputs, losses = hook({**models, **random_batch(), "progress": 0.4})
    assert losses["selective_entropy_loss"].tolist() == [0.0] * 4
    assert outputs.keys() == LOGITS
    assert len(models["G"].calls) == 1  # the clean image, no vote
    outputs, losses = hook({**models, **random_batch(), "progress": 0.5})
    assert outputs.keys() == VOTES | LOGITS
    assert (losses["selective_entropy_loss"] != 0).all()
    assert len(models["G"].calls) == 3


def test_the_weight_grows_with_the_ramp():
    inputs = context()
    full = SelectiveEntropyHook(2.0, STRONG)(inputs)[1]["selective_entropy_loss"]
    hook = SelectiveEntropyHook(ScheduledWeight(2.0, ramp=1.0), STRONG)
    half = hook({**inputs, "progress": 0.5})[1]["selective_entropy_loss"]
    torch.testing.assert_close(half, full / 2)


def test_classifiers():
    torch.manual_seed(0)
    models = {"G": nn.Sequential(nn.Flatten(), nn.Linear(1024, 4)), "C": nn.Linear(4, 3)}
    nn.init.normal_(models["C"].weight, std=2.0)
    outputs, losses = SelectiveEntropyHook(1.0, STRONG)({**models, **random_batch(16)})
    logits = outputs["target_imgs_features_logits"]
    p = logits.detach().softmax(dim=1)
    entropy = -(p * p.log()).sum(dim=1)
    reliable = outputs["target_reliable"]
    torch.testing.assert_close(losses["selective_entropy_loss"], torch.where(reliable, entropy, -entropy))
    assert entropy.max() <= math.log(3)


def test_an_unknown_gradient_is_named():
    with pytest.raises(ValueError, match="gradient='all'"):
        SelectiveEntropyHook(gradient="all")
