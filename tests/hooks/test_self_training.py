import math

import pytest
import torch
from toys import CLASSES

from seasa_da.hooks import SelfTrainingHook, Stepper


def context(n=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    kept = torch.rand(n, 4, 4, generator=generator) < 0.4
    probs = torch.randn(n, CLASSES, 4, 4, generator=generator).softmax(dim=1) * kept[:, None]
    logits = {
        f"target_imgs_{level}_logits": torch.randn(n, CLASSES, 4, 4, generator=generator, requires_grad=True)
        for level in ("features", "conv4")
    }
    return {**logits, "target_pseudo_probs": probs, "target_kept": kept}


def terms(logits, inputs):
    """Cross-entropy and MRKLD over the kept pixels, pixel by pixel."""
    cross_entropy, confidence, count = 0.0, 0.0, 0
    for place in inputs["target_kept"].nonzero():
        n, y, x = place.tolist()
        log_p = logits[n, :, y, x].log_softmax(dim=0).tolist()
        labels = inputs["target_pseudo_probs"][n, :, y, x].tolist()
        cross_entropy -= sum(a * b for a, b in zip(labels, log_p, strict=True))
        confidence -= sum(log_p) / CLASSES
        count += 1
    return cross_entropy / count, confidence / count


def test_losses_by_hand():
    inputs = context()
    outputs, losses = SelfTrainingHook(aux_weight=0.25, weight=0.5, regulariser_weight=0.1)(inputs)
    assert outputs == {}
    main, aux = (terms(inputs[f"target_imgs_{level}_logits"], inputs) for level in ("features", "conv4"))
    assert losses.keys() == {"pseudo_ce_loss", "pseudo_aux_loss", "confidence_loss"}
    assert losses["pseudo_ce_loss"].item() == pytest.approx(0.5 * main[0])
    assert losses["confidence_loss"].item() == pytest.approx(0.5 * 0.1 * main[1])
    assert losses["pseudo_aux_loss"].item() == pytest.approx(0.5 * 0.25 * (aux[0] + 0.1 * aux[1]))


def test_without_mrkld_there_is_no_confidence_loss():
    inputs = context()
    _, losses = SelfTrainingHook(aux_weight=0.25, regulariser_weight=None)(inputs)
    main, aux = (terms(inputs[f"target_imgs_{level}_logits"], inputs) for level in ("features", "conv4"))
    assert losses.keys() == {"pseudo_ce_loss", "pseudo_aux_loss"}
    assert losses["pseudo_ce_loss"].item() == pytest.approx(main[0])
    assert losses["pseudo_aux_loss"].item() == pytest.approx(0.25 * aux[0])


def test_gradients_reach_the_kept_pixels_of_both_heads():
    inputs = context()
    _, losses = SelfTrainingHook()(inputs)
    sum(losses.values()).backward()
    for level in ("features", "conv4"):
        moved = inputs[f"target_imgs_{level}_logits"].grad.abs().sum(dim=1) > 0
        assert moved.equal(inputs["target_kept"])


def test_parts_of_an_update_average_to_the_whole():
    class Halves(Stepper):
        parts = 2

    whole = context(n=4)
    hook = SelfTrainingHook()
    _, expected = hook(whole)
    count = whole["target_kept"].sum()
    parts = []
    for i in range(2):
        inputs = {key: value.chunk(2)[i] for key, value in whole.items()}
        parts.append(hook({**inputs, "target_kept_count": count, "stepper": Halves()})[1])
    assert parts[0]["pseudo_ce_loss"] != parts[1]["pseudo_ce_loss"]
    for name, loss in expected.items():
        torch.testing.assert_close((parts[0][name] + parts[1][name]) / 2, loss)


def test_nothing_kept_is_no_loss():
    inputs = context()
    inputs["target_kept"] = torch.zeros_like(inputs["target_kept"])
    inputs["target_pseudo_probs"] = torch.zeros_like(inputs["target_pseudo_probs"])
    _, losses = SelfTrainingHook()(inputs)
    assert [loss.item() for loss in losses.values()] == [0, 0, 0]
    assert all(math.isfinite(loss.item()) and loss.requires_grad for loss in losses.values())
