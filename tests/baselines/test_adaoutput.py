import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from toys import build_adapter, compose_run, toy_pair


def test_one_stage_on_both_domains():
    settings, stages = compose_run("adaoutput", overrides=("train.iterations=50",))
    assert settings.recipe is None
    assert [(s.name, s.iterations, s.labels, s.target, s.fourier_sources) for s in stages] == [
        ("adapt", 50, "source", True, 0)
    ]


def test_addons_bring_fourier_sources():
    assert compose_run("adaoutput", addons=("se",), overrides=("views.n=5",))[1][0].fourier_sources == 5


@pytest.mark.parametrize("network", ["patchgan", "fc"])
def test_losses_by_hand(network):
    overrides = (f"adversary.network={network}", "adversary.weight=0.25", "adversary.aux_weight=0.125")
    adapter, batch = build_adapter("adaoutput", overrides=overrides), toy_pair()
    start = {name: copy.deepcopy(model) for name, model in adapter.models.items()}
    losses = adapter.training_step(batch)

    logits = {}
    for domain in ("src", "target"):
        conv5, conv4 = start["G"](batch[f"{domain}_imgs"], levels=True)
        logits[domain] = {"D": start["C"](conv5), "D_aux": start["C_aux"](conv4)}
    for name, suffix, weight in (("D", "", 0.25), ("D_aux", "_aux", 0.125)):
        net = start[name].net
        source, target = (net(logits[domain][name].softmax(dim=1)) for domain in ("src", "target"))
        # Source is 1: what the segmenter wants said of the target, and the discriminator of the source.
        torch.testing.assert_close(losses["g_loss"][f"adversarial{suffix}_loss"], weight * -F.logsigmoid(target).mean())
        expected = 0.5 * (-F.logsigmoid(source).mean() - F.logsigmoid(-target).mean())
        torch.testing.assert_close(losses["d_loss"][f"discriminator{suffix}_loss"], expected)


def test_settings_make_the_discriminators():
    adapter = build_adapter("adaoutput", overrides=("adversary.network=fc", "adversary.width=16"))
    for name in ("D", "D_aux"):
        convolutions = [m for m in adapter.models[name].modules() if isinstance(m, nn.Conv2d)]
        assert [m.out_channels for m in convolutions] == [16, 32, 64, 128, 1]
        assert adapter.models[name].sees == "probs"


def test_the_discriminators_learn_to_tell_the_domains_apart():
    adapter, batch = build_adapter("adaoutput", overrides=("train.lr=1e-9", "adversary.lr=0.01")), toy_pair()
    course = [adapter.training_step(batch)["d_loss"]["discriminator_loss"].item() for _ in range(15)]
    assert course[-1] < 0.5 * course[0]
