"""The order of weights in memory changes nothing but rounding."""

import copy

import pytest
import torch

from seasa_da.adapters import StageContext
from seasa_da.models import Discriminator, build_segmenter
from seasa_da.registry import compose_run
from seasa_da.training import checkpoint
from seasa_da.training.checkpoint import Position

SIZE, CLASSES = 32, 3


def spread(module):
    """Weights with more than one channel and pixel, whose order in memory can be told."""
    return [weight for weight in module.parameters() if weight.dim() == 4 and min(weight.shape[1:]) > 1]


def adapter_of(method="adaoutput"):
    torch.manual_seed(0)
    spec, settings = compose_run(method, preset="smoke")
    models = build_segmenter(settings.model, in_channels=1, num_classes=CLASSES, size=(SIZE, SIZE), weights=None)
    context = StageContext(settings, CLASSES, models["G"].channels[0], (1, SIZE, SIZE), dict(models))
    adapter = spec.load_stages()(settings)[0].build(context)
    adapter.train_mode()
    return adapter


def batch():
    draw = torch.Generator().manual_seed(1)
    src, tgt = torch.rand(2, 2, 1, SIZE, SIZE, generator=draw) * 2 - 1
    labels = torch.randint(CLASSES, (2, SIZE, SIZE), generator=draw)
    return {"src_imgs": src, "src_labels": labels, "target_imgs": tgt, "target_seeds": torch.arange(2)}


def test_segmenter_and_discriminators_are_laid_out_so():
    adapter = adapter_of()
    for name in ("G", "C", "C_aux", "D", "D_aux"):
        weights = spread(adapter.models[name])
        assert weights
        assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)
    assert isinstance(adapter.models["D"], Discriminator)


@pytest.mark.parametrize("method", ["adaoutput", "ours"])
def test_updates_agree_with_those_of_the_usual_order(method):
    ordered = adapter_of(method)
    usual = copy.deepcopy(adapter_of(method))
    for model in usual.models.values():
        model.to(memory_format=torch.contiguous_format)
    assert all(weight.is_contiguous() for weight in spread(usual.models["G"]))
    for _ in range(2):
        ours, theirs = ordered.training_step(batch(), progress=1.0), usual.training_step(batch(), progress=1.0)
        for group, losses in ours.items():
            for name, loss in losses.items():
                torch.testing.assert_close(loss, theirs[group][name], rtol=1e-4, atol=1e-6)
        torch.manual_seed(0)  # the Fourier views' sources are drawn from it
    for name in ("G", "C"):
        for one, other in zip(ordered.models[name].parameters(), usual.models[name].parameters(), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_restored_moments_lie_as_their_weights_do(tmp_path):
    adapter = adapter_of()
    adapter.training_step(batch(), progress=1.0)
    optimizers = dict(adapter.optimizers.items())
    checkpoint.save(tmp_path, Position(0, "adapt", 1), adapter.state_modules(), optimizers, about={}, keep=1)
    other = adapter_of()
    fresh = dict(other.optimizers.items())
    checkpoint.load_newest(tmp_path, print).restore_optimizers(fresh)
    for name, optimizer in fresh.items():
        moments = 0
        pairs = zip(optimizer.param_groups, optimizers[name].param_groups, strict=True)
        weights = [pair for new, old in pairs for pair in zip(new["params"], old["params"], strict=True)]
        for weight, trained in weights:
            before = optimizers[name].state[trained]
            for kind, value in optimizer.state[weight].items():
                if value is None or value.shape != weight.shape:
                    continue
                moments += 1
                assert value.stride() == weight.stride()
                assert torch.equal(value, before[kind])
        assert moments
