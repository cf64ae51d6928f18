"""FDA's step: what the segmenter sees, what it learns, what a checkpoint holds."""

import copy
import math

import numpy as np
import pytest
import torch
from toys import CLASSES, build_adapter, changed, random_batch, snapshot, tiny_models, toy_pair

from seasa_da.adapters import SegmentationAdapter
from seasa_da.adapters.stylised_source import StylisedSource, stylise
from seasa_da.config import FDASettings
from seasa_da.hooks import Stepper
from seasa_da.training import checkpoint
from seasa_da.training.checkpoint import Position

SEGMENTER = {"G", "C", "C_aux"}
SUPERVISED = {"seg_ce_loss", "seg_dice_loss", "seg_aux_loss"}


def tiny_adapter(lr=0.05, **settings):
    models = tiny_models()
    optimizer = torch.optim.SGD([p for m in models.values() for p in m.parameters()], lr=lr)
    return StylisedSource(models, {"G": optimizer}, num_classes=CLASSES, fda=FDASettings(**settings))


@pytest.mark.parametrize(("beta", "half"), [(0.01, 1), (0.1, 3)])
def test_stylised_is_numpys(beta, half):
    src, target = (random_batch(2, seed=seed)["src_imgs"].double() for seed in (0, 1))
    centred = [np.fft.fftshift(np.fft.fft2(x.numpy() + 1), axes=(-2, -1)) for x in (src, target)]
    amplitude, window = np.abs(centred[0]), (..., slice(16 - half, 17 + half), slice(16 - half, 17 + half))
    amplitude[window] = np.abs(centred[1])[window]
    spectrum = np.fft.ifftshift(amplitude * np.exp(1j * np.angle(centred[0])), axes=(-2, -1))
    expected = np.fft.ifft2(spectrum).real - 1
    np.testing.assert_allclose(stylise(src, target, beta), expected, atol=1e-9)


def test_the_mean_brightness_is_the_targets_whatever_its_sign():
    src, target = torch.full((1, 1, 16, 16), -0.6), torch.full((1, 1, 16, 16), 0.3)
    torch.testing.assert_close(stylise(src, target, 0.01), target)
    torch.testing.assert_close(stylise(target, src, 0.01), src)


def test_a_domain_in_its_own_style_stays_as_it_is():
    images = random_batch()["src_imgs"]
    torch.testing.assert_close(stylise(images, images, 0.1), images)


def test_image_i_takes_the_style_of_image_i():
    src, target = random_batch()["src_imgs"], random_batch(seed=1)["target_imgs"]
    whole = stylise(src, target, 0.1)
    for i in range(4):
        torch.testing.assert_close(stylise(src[i : i + 1], target[i : i + 1], 0.1), whole[i : i + 1])
    assert not stylise(src, target.flip(0), 0.1).allclose(whole, atol=1e-2)


def test_it_is_not_cut_to_the_range_of_images():
    src = torch.zeros(1, 1, 16, 16)
    src[..., 8:] = 1.0
    assert stylise(src, torch.ones_like(src), 0.01).max() > 1.2


def test_losses_by_hand():
    adapter, batch = tiny_adapter(beta=0.1, entropy_weight=0.3, eta=1.5), toy_pair()
    start = {name: copy.deepcopy(model) for name, model in adapter.models.items()}
    losses = adapter.training_step(batch)["g_loss"]
    assert losses.keys() == SUPERVISED | {"entropy_loss"}
    p = start["C"](start["G"](batch["target_imgs"])).softmax(dim=1)
    entropy = -(p * p.log()).sum(dim=1) / math.log(CLASSES)
    torch.testing.assert_close(losses["entropy_loss"], 0.3 * ((entropy**2 + 1e-8) ** 1.5).mean())

    plain = SegmentationAdapter(
        start, {"G": torch.optim.SGD([p for m in start.values() for p in m.parameters()], lr=0.05)}, num_classes=CLASSES
    )
    stylised = stylise(batch["src_imgs"], batch["target_imgs"], 0.1)
    expected = plain.training_step({"src_imgs": stylised, "src_labels": batch["src_labels"]})["g_loss"]
    assert all(losses[name] == expected[name] for name in SUPERVISED)
    assert not stylised.allclose(batch["src_imgs"], atol=0.1)


def test_the_batch_is_left_as_it_is():
    batch = toy_pair()
    kept = {key: value.clone() for key, value in batch.items()}
    tiny_adapter().training_step(batch)
    assert all(batch[key].equal(kept[key]) for key in kept)


def test_without_the_entropy_the_target_gives_its_style_alone():
    """Gradients then come from the source's labels only."""
    one, other = tiny_adapter(entropy_weight=0.0), tiny_adapter(entropy_weight=0.0)
    batch = toy_pair()
    one.training_step(batch)
    # The same amplitudes in the window, another image.
    other.training_step({**batch, "target_imgs": batch["target_imgs"].roll(5, dims=-1)})
    for key, value in snapshot(one.models).items():
        torch.testing.assert_close(value, snapshot(other.models)[key], atol=1e-6, rtol=0)


def test_only_the_segmenter_learns():
    class Watch(Stepper):
        def step(self, optimizers):
            self.reached = {
                f"{n}.{key}" for n, m in adapter.models.items() for key, p in m.named_parameters() if p.grad is not None
            }
            super().step(optimizers)

    adapter, watch = build_adapter("fda", overrides=("train.weight_decay=0",)), Watch()
    before = snapshot(adapter.state_modules())
    adapter.training_step(toy_pair(), stepper=watch)
    assert adapter.state_modules().keys() == SEGMENTER
    parameters = {f"{n}.{key}" for n in SEGMENTER for key, _ in adapter.models[n].named_parameters()}
    assert watch.reached == parameters
    assert parameters <= changed(before, snapshot(adapter.state_modules()))


def test_the_losses_fall_on_a_toy_pair():
    adapter, batch = build_adapter("fda", overrides=("fda.entropy_weight=0.5",)), toy_pair()
    course = [adapter.training_step(batch)["g_loss"] for _ in range(20)]
    for names in (SUPERVISED, {"entropy_loss"}):
        totals = [sum(losses[name].item() for name in names) for losses in course]
        assert max(totals[-3:]) < 0.8 * totals[0]


def test_a_checkpoint_survives_the_round_trip(tmp_path):
    adapter = build_adapter("fda")
    for seed in range(2):
        adapter.training_step(toy_pair(seed=seed))
    modules, optimizers = adapter.state_modules(), dict(adapter.optimizers.items())
    path = checkpoint.save(tmp_path, Position(0, "adapt", 2), modules, optimizers, about={}, keep=1)
    fresh = build_adapter("fda", seed=7)
    loaded = checkpoint.load(path)
    loaded.restore_modules(fresh.state_modules())
    loaded.restore_optimizers(dict(fresh.optimizers.items()))
    for seed in (2, 3):
        losses = [one.training_step(toy_pair(seed=seed)) for one in (adapter, fresh)]
        assert losses[0] == losses[1]
    assert not changed(snapshot(adapter.state_modules()), snapshot(fresh.state_modules()))
