import math

import pytest
import torch
from toys import CLASSES, random_batch, tiny_models

from seasa_da.config import ContrastSettings
from seasa_da.hooks import ContrastHook, Stepper
from seasa_da.layers import resize_labels

SETTINGS = ContrastSettings(source_weight=0.5, target_weight=0.25, source_margin=0.3, target_margin=0.1, confidence=0.3)


def context(seed=0, **others):
    models, batch = tiny_models(), random_batch(seed=seed)
    for layer in (models["G"].conv4, models["G"].conv5):
        torch.nn.init.zeros_(layer.bias)  # else all features point the same way
    features = {f"{d}_imgs_features": models["G"](batch[f"{d}_imgs"]) for d in ("src", "target")}
    return {**models, **batch, **features, **others}


def vectors(features):
    """All places' vectors, `(n, D)`."""
    return features.movedim(1, -1).reshape(-1, features.shape[1])


def class_means(inputs):
    """Of the source's raw features, by the labels at the features' places."""
    found = vectors(inputs["src_imgs_features"])
    labels = resize_labels(inputs["src_labels"], (16, 16)).reshape(-1)
    return torch.stack([found[labels == c].mean(dim=0) for c in range(CLASSES)]), labels


def contrast(found, labels, centres, temperature, margin):
    """Of each vector: cos(θ + m), the sine at least 0.01, and past π - m the cosine less a constant."""
    cosines = torch.nn.functional.cosine_similarity(found[:, None], centres[None], dim=2)
    sines = (1 - cosines**2).clamp(min=1e-4).sqrt()
    turned = cosines * math.cos(margin) - sines * math.sin(margin)
    turned = torch.where(cosines > math.cos(math.pi - margin), turned, cosines - margin * math.sin(margin))
    own = torch.nn.functional.one_hot(labels, CLASSES)
    scores = torch.where(own == 1, turned, cosines) / temperature
    return -temperature * (scores.log_softmax(dim=1) * own).sum(dim=1)


def by_hand(inputs, centres, labels):
    src = contrast(vectors(inputs["src_imgs_features"]), labels, centres, 2.0, 0.3)
    target = vectors(inputs["target_imgs_features"])
    cosines = torch.nn.functional.cosine_similarity(target[:, None], centres[None], dim=2)
    first, second = cosines.sort(dim=1, descending=True).values[:, :2].t()
    kept = first - second > 0.3
    assert 0.05 < kept.float().mean() < 0.95
    return src.mean(), contrast(target, cosines.argmax(dim=1), centres, 1.0, 0.1)[kept].mean()


def test_losses_of_a_first_batch_by_hand():
    inputs = context()
    hook = ContrastHook(CLASSES, 4, SETTINGS)
    outputs, losses = hook(inputs)
    assert outputs == {} and losses.keys() == {"contrast_src_loss", "contrast_target_loss"}
    centres, labels = class_means(inputs)
    torch.testing.assert_close(hook.bank.value, centres.detach())
    src, target = by_hand(inputs, centres.detach(), labels)
    torch.testing.assert_close(losses["contrast_src_loss"], 0.5 * src)
    torch.testing.assert_close(losses["contrast_target_loss"], 0.25 * target)


def test_the_second_batch_is_compared_with_what_it_made_of_the_centres():
    hook = ContrastHook(CLASSES, 4, SETTINGS)
    hook(context())
    first = hook.bank.value.clone()
    inputs = context(seed=1)
    _, losses = hook(inputs)
    batch, labels = class_means(inputs)
    centres = (0.2 * first + 0.8 * batch).detach()
    torch.testing.assert_close(hook.bank.value, centres)
    src, target = by_hand(inputs, centres, labels)
    torch.testing.assert_close(losses["contrast_src_loss"], 0.5 * src)
    torch.testing.assert_close(losses["contrast_target_loss"], 0.25 * target)


@pytest.mark.parametrize("name", ["contrast_src_loss", "contrast_target_loss"])
def test_gradient_reaches_the_trunk_by_way_of_the_features_alone(name):
    inputs = context()
    hook = ContrastHook(CLASSES, 4, SETTINGS)
    loss = hook(inputs)[1][name]
    own, other = ("src", "target") if "src" in name else ("target", "src")
    gradients = torch.autograd.grad(
        loss, [inputs[f"{d}_imgs_features"] for d in (own, other)], retain_graph=True, allow_unused=True
    )
    # None by way of the centres, which the source's features make.
    assert gradients[0].abs().max() > 0 and gradients[1] is None
    assert not hook.bank.value.requires_grad
    loss.backward()
    assert all(p.grad is not None for p in inputs["G"].parameters())
    assert all(p.grad is None for name in ("C", "C_aux") for p in inputs[name].parameters())
    centres, labels = class_means(inputs)
    expected = by_hand(inputs, centres.detach(), labels)["target" in name] * (0.25 if "target" in name else 0.5)
    (by_definition,) = torch.autograd.grad(expected, [inputs[f"{own}_imgs_features"]])
    torch.testing.assert_close(gradients[0], by_definition, atol=1e-6, rtol=1e-3)


def test_a_class_that_was_never_seen_is_no_candidate_and_one_that_is_absent_keeps_its_centre():
    inputs = context()
    without = inputs["src_labels"].clone().clamp(max=1)
    hook = ContrastHook(CLASSES, 4, SETTINGS)
    _, losses = hook({**inputs, "src_labels": without})
    assert hook.bank.seen.tolist() == [True, True, False]
    assert all(loss.isfinite() and loss > 0 for loss in losses.values())
    # Two classes in the softmax: with cosines of at most 1 it cannot be more than this.
    assert losses["contrast_src_loss"] < 0.5 * 2.0 * math.log(1 + math.exp(1.0 + 0.3))
    hook(inputs)
    kept = hook.bank.value[2].clone()
    assert hook.bank.seen.all()
    hook({**inputs, "src_labels": without})
    assert hook.bank.value[2].equal(kept)


def test_pixels_to_ignore_are_left_out():
    inputs = context()
    labels = inputs["src_labels"].clone()
    labels[2:] = 255
    hook, half = ContrastHook(CLASSES, 4, SETTINGS), ContrastHook(CLASSES, 4, SETTINGS)
    losses = hook({**inputs, "src_labels": labels})[1]
    part = {"src_imgs_features": inputs["src_imgs_features"][:2], "src_labels": labels[:2]}
    expected = half({**inputs, **part})[1]
    for name, loss in losses.items():
        torch.testing.assert_close(loss, expected[name])
    nothing = ContrastHook(CLASSES, 4)({**inputs, "src_labels": torch.full_like(labels, 255)})[1]
    assert [loss.item() for loss in nothing.values()] == [0, 0]


class OtherRank(Stepper):
    """Pretends that a second rank had the same batch."""

    parts, world = 2, 2

    def sum_over_ranks(self, values):
        return 2 * values


def test_ranks_of_one_batch_are_that_batch():
    hooks = [ContrastHook(CLASSES, 4, SETTINGS) for _ in range(2)]
    alone = hooks[0](context())[1]
    both = hooks[1](context(stepper=OtherRank()))[1]
    for name in alone:
        torch.testing.assert_close(alone[name], both[name])
    torch.testing.assert_close(hooks[0].bank.value, hooks[1].bank.value)


def test_the_centres_are_what_a_checkpoint_must_hold():
    hook, other = ContrastHook(CLASSES, 4), ContrastHook(CLASSES, 4)
    hook(context())
    assert hook.state_modules() == {"centres": hook.bank}
    other.bank.load_state_dict(hook.bank.state_dict())
    losses = [one(context(seed=1))[1] for one in (hook, other)]
    assert losses[0] == losses[1]


def test_descent_brings_features_to_their_centres():
    inputs = context()
    optimizer, hook = (
        torch.optim.SGD(inputs["G"].parameters(), lr=0.5),
        ContrastHook(CLASSES, 4, ContrastSettings(temperature=0.5)),
    )
    inputs["src_labels"] = (inputs["src_imgs"][:, 0] > -0.3).long() + (inputs["src_imgs"][:, 0] > 0.3)
    course = []
    for _ in range(30):
        features = {f"{d}_imgs_features": inputs["G"](inputs[f"{d}_imgs"]) for d in ("src", "target")}
        losses = hook({**inputs, **features})[1]
        course.append(losses["contrast_src_loss"].item())
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    assert course[-1] < 0.9 * course[0]


def test_classifiers():
    torch.manual_seed(0)
    labels = torch.arange(8) % CLASSES
    features = {"src_imgs_features": torch.randn(8, 4), "target_imgs_features": torch.randn(8, 4)}
    hook = ContrastHook(CLASSES, 4, SETTINGS)
    losses = hook({**features, "src_labels": labels})[1]
    centres = torch.stack([features["src_imgs_features"][labels == c].mean(dim=0) for c in range(CLASSES)])
    src = contrast(features["src_imgs_features"], labels, centres, 2.0, 0.3).mean()
    torch.testing.assert_close(losses["contrast_src_loss"], 0.5 * src)
