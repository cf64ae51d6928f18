import pytest
import torch
from torch import nn
from toys import changed, random_batch, small_segmenter, snapshot

from seasa_da.hooks import CriticLevelsHook
from seasa_da.layers import stack_levels
from seasa_da.models import Frozen


@pytest.fixture
def context():
    models = small_segmenter()
    for layer in models["G"].modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.constant_(layer.running_mean, 0.1)
    other = {"G_S": Frozen(small_segmenter(1)["G"])}
    for model in models.values():
        model.eval()
    return {**models, **other, **random_batch(2)}


def test_each_domain_through_its_own_trunk(context):
    outputs, losses = CriticLevelsHook()(context)
    assert losses == {} and not any(value.requires_grad for value in outputs.values())
    with torch.no_grad():
        for domain, trunk in (("src", "G_S"), ("target", "G")):
            levels = context[trunk](context[f"{domain}_imgs"], taps=True)
            logits = context["C"](levels[-1])
            assert outputs[f"{domain}_imgs_features_logits"].equal(logits)
            assert outputs[f"{domain}_imgs_levels"].equal(stack_levels(levels, logits))


def test_critics_see_running_statistics_and_leave_them(context):
    before = snapshot({"G": context["G"]})
    CriticLevelsHook()(context)
    assert not changed(before, snapshot({"G": context["G"]}))


@pytest.mark.parametrize(("last", "others"), [("layer2", ("layer3", "layer4")), ("layer3", ("layer4",))])
def test_layers_that_learn_follow_the_batch_and_the_others_do_not(context, last, others):
    before = snapshot({"G": context["G"]})
    outputs, _ = CriticLevelsHook(["target"], learns=last)(context)
    assert outputs.keys() == {"target_imgs_levels", "target_imgs_features_logits"}
    assert all(value.requires_grad for value in outputs.values())
    norms = {name for name in before if "running_" in name or "num_batches" in name}
    still = {name for name in norms if name.startswith(tuple(f"G.net.{layer}." for layer in others))}
    assert changed(before, snapshot({"G": context["G"]})) == norms - still
    assert still and not any(layer.training for layer in context["G"].modules())  # as it was found


def test_a_failure_leaves_the_modes_as_they_were(context):
    with pytest.raises(RuntimeError):
        CriticLevelsHook(["target"], learns="layer2")({**context, "target_imgs": torch.zeros(1, 7, 32, 32)})
    assert not any(layer.training for layer in context["G"].modules())
