import pytest
import torch
import torch.nn.functional as F
from toys import CLASSES

from seasa_da.hooks import SegmentationLossHook, Stepper
from seasa_da.layers import class_counts


def context(n=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {
        "src_imgs_features_logits": torch.randn(n, CLASSES, 4, 4, generator=generator),
        "src_imgs_conv4_logits": torch.randn(n, CLASSES, 4, 4, generator=generator),
        "src_labels": torch.randint(CLASSES, (n, 4, 4), generator=generator),
    }


def terms(logits, labels):
    """Class-weighted cross-entropy and 1 - Dice, written out."""
    counts = torch.bincount(labels.flatten(), minlength=CLASSES).float()
    weight = 1 - (counts + 1) / labels.numel()
    ce = F.cross_entropy(logits, labels, weight)
    probs, truth = logits.softmax(1), F.one_hot(labels, CLASSES).permute(0, 3, 1, 2).float()
    total = 0.0
    for n in range(len(labels)):
        for c in range(CLASSES):
            p, g = probs[n, c], truth[n, c]
            total += 2 * (p * g).sum() / ((p * p).sum() + (g * g).sum() + 1e-5)
    return ce, 1 - total / (len(labels) * CLASSES)


@pytest.mark.parametrize(("aux_weight", "dice_weight"), [(0.1, 1.0), (0.5, 0.25), (0.0, 0.0)])
def test_losses_of_both_heads(aux_weight, dice_weight):
    inputs = context()
    outputs, losses = SegmentationLossHook(CLASSES, aux_weight, dice_weight)(inputs)
    main, aux = (terms(inputs[f"src_imgs_{level}_logits"], inputs["src_labels"]) for level in ("features", "conv4"))
    assert outputs == {}
    assert losses.keys() == {"seg_ce_loss", "seg_dice_loss", "seg_aux_loss"}
    torch.testing.assert_close(losses["seg_ce_loss"], main[0])
    torch.testing.assert_close(losses["seg_dice_loss"], dice_weight * main[1])
    torch.testing.assert_close(losses["seg_aux_loss"], aux_weight * (aux[0] + dice_weight * aux[1]))


class Halves(Stepper):
    parts = 2


def test_parts_average_to_the_whole():
    inputs = context(4)
    hook = SegmentationLossHook(CLASSES)
    _, whole = hook(inputs)
    counts = class_counts(inputs["src_labels"], CLASSES)
    halves = [
        hook({**{k: v[part] for k, v in inputs.items()}, "stepper": Halves(), "src_class_counts": counts})[1]
        for part in (slice(0, 2), slice(2, 4))
    ]
    for name, loss in whole.items():
        torch.testing.assert_close((halves[0][name] + halves[1][name]) / 2, loss)


def test_a_part_without_the_wholes_counts_is_its_own_batch():
    inputs = context()
    for name, loss in SegmentationLossHook(CLASSES)(inputs)[1].items():
        assert SegmentationLossHook(CLASSES)({**inputs, "stepper": Halves()})[1][name].equal(loss)
