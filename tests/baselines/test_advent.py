import copy
import math

import pytest
import torch
import torch.nn.functional as F
from toys import CLASSES, build_adapter, changed, compose_run, snapshot, toy_pair

from seasa_da.training import checkpoint
from seasa_da.training.checkpoint import Position

ADVERSARIAL = {"D": "adversarial_loss", "D_aux": "adversarial_aux_loss"}
DISCRIMINATOR = {"D": "discriminator_loss", "D_aux": "discriminator_aux_loss"}


def test_it_is_adaoutput_on_self_information():
    settings, stages = compose_run("advent", overrides=("train.iterations=50",))
    other, others = compose_run("adaoutput", overrides=("train.iterations=50",))
    assert stages == others
    assert settings.section("adversary").input == "self-information"
    assert settings.section("adversary") == other.section("adversary").model_copy(update={"input": "self-information"})


@pytest.mark.parametrize("network", ["patchgan", "fc"])
def test_losses_by_hand(network):
    overrides = (f"adversary.network={network}", "adversary.weight=0.25", "adversary.aux_weight=0.125")
    adapter, batch = build_adapter("advent", overrides=overrides), toy_pair()
    start = {name: copy.deepcopy(model) for name, model in adapter.models.items()}
    losses = adapter.training_step(batch)

    maps = {}
    for domain in ("src", "target"):
        conv5, conv4 = start["G"](batch[f"{domain}_imgs"], levels=True)
        for name, logits in (("D", start["C"](conv5)), ("D_aux", start["C_aux"](conv4))):
            p = logits.softmax(dim=1)
            maps[domain, name] = -p * p.log2() / math.log2(CLASSES)
    for name, weight in (("D", 0.25), ("D_aux", 0.125)):
        source, target = (start[name].net(maps[domain, name]) for domain in ("src", "target"))
        expected = weight * -F.logsigmoid(target).mean()
        torch.testing.assert_close(losses["g_loss"][ADVERSARIAL[name]], expected)
        expected = 0.5 * (-F.logsigmoid(source).mean() - F.logsigmoid(-target).mean())
        torch.testing.assert_close(losses["d_loss"][DISCRIMINATOR[name]], expected)


def test_the_discriminators_see_the_map_and_all_its_channels():
    adapter = build_adapter("advent")
    # 1/2, 1/4, 1/4: in bits -p log p is 1/2 everywhere; a certain pixel shows nothing, a uniform one 1/3 everywhere.
    pixels = torch.tensor([[0.5, 0.25, 0.25], [1.0, 1e-30, 1e-30], [1 / 3, 1 / 3, 1 / 3]])
    logits = pixels.log().t()[None, :, :, None].expand(-1, -1, -1, 3)
    expected = torch.tensor([[0.5 / math.log2(3)] * 3, [0.0] * 3, [1 / 3] * 3])
    for name in ("D", "D_aux"):
        adapter.models[name].net = torch.nn.Identity()
        seen = adapter.models[name](logits)
        assert seen.shape == (1, 3, 3, 3)
        torch.testing.assert_close(seen[0, :, :, 0].t(), expected, atol=1e-5, rtol=0)


def test_the_adversary_cannot_tell_which_class_a_pixel_is():
    """Swapped classes with swapped input channels: what AdaOutput's discriminators see is another prediction."""
    adapter = build_adapter("advent")
    adapter.models["D"].net = torch.nn.Identity()
    logits = torch.randn(1, CLASSES, 4, 4, generator=torch.Generator().manual_seed(0))
    one, other = (adapter.models["D"](x).sum(dim=1) for x in (logits, logits.flip(1)))
    torch.testing.assert_close(one, other)


def test_addons_join():
    settings, stages = compose_run("advent", addons=("se",))
    assert stages[0].fourier_sources == settings.section("views").n
    losses = build_adapter("advent", addons=("se", "asa")).training_step(toy_pair())["g_loss"]
    assert {"adversarial_loss", "selective_entropy_loss", "semantic_alignment_loss"} <= losses.keys()


def test_the_supervised_loss_falls_and_a_checkpoint_survives_the_round_trip(tmp_path):
    adapter, batch = build_adapter("advent"), toy_pair()
    course = [adapter.training_step(batch)["g_loss"]["seg_ce_loss"].item() for _ in range(15)]
    assert max(course[-3:]) < 0.8 * course[0]
    modules, optimizers = adapter.state_modules(), dict(adapter.optimizers.items())
    path = checkpoint.save(tmp_path, Position(0, "adapt", 15), modules, optimizers, about={}, keep=1)
    fresh = build_adapter("advent", seed=7)
    loaded = checkpoint.load(path)
    loaded.restore_modules(fresh.state_modules())
    loaded.restore_optimizers(dict(fresh.optimizers.items()))
    losses = [one.training_step(toy_pair(seed=2)) for one in (adapter, fresh)]
    assert losses[0] == losses[1]
    assert not changed(snapshot(adapter.state_modules()), snapshot(fresh.state_modules()))
