import torch
from pytorch_adapt.hooks.features import FeaturesAndLogitsHook, LogitsHook
from pytorch_adapt.hooks.utils import ChainHook
from toys import Counted, random_batch, tiny_models

from seasa_da.hooks import AuxLogitsHook, LevelsHook


def context(domains=("src", "target")):
    models = {name: Counted(module) for name, module in tiny_models().items()}
    batch = random_batch()
    return models, {**models, **{f"{domain}_imgs": batch[f"{domain}_imgs"] for domain in domains}}


def test_both_levels_come_from_one_forward_a_domain():
    models, inputs = context()
    outputs, losses = LevelsHook()(inputs)
    assert losses == {}
    assert outputs.keys() == {f"{d}_imgs_{level}" for d in ("src", "target") for level in ("features", "conv4")}
    assert len(models["G"].calls) == 2
    for domain in ("src", "target"):
        conv5, conv4 = models["G"].module(inputs[f"{domain}_imgs"], levels=True)
        assert outputs[f"{domain}_imgs_features"].equal(conv5)
        assert outputs[f"{domain}_imgs_conv4"].equal(conv4)


def test_only_the_domains_asked_for():
    models, inputs = context(["src"])
    outputs, _ = LevelsHook(["src"])(inputs)
    assert outputs.keys() == {"src_imgs_features", "src_imgs_conv4"}
    assert len(models["G"].calls) == 1


def test_pytorch_adapts_own_hooks_find_the_features():
    models, inputs = context()
    outputs, _ = ChainHook(LevelsHook(), LogitsHook(), FeaturesAndLogitsHook(), AuxLogitsHook())(inputs)
    assert [len(models[name].calls) for name in ("G", "C", "C_aux")] == [2, 2, 2]
    for domain in ("src", "target"):
        conv5, conv4 = models["G"].module(inputs[f"{domain}_imgs"], levels=True)
        assert outputs[f"{domain}_imgs_features_logits"].equal(models["C"].module(conv5))
        assert outputs[f"{domain}_imgs_conv4_logits"].equal(models["C_aux"].module(conv4))


def test_a_second_time_nothing_is_computed():
    models, inputs = context()
    outputs, _ = LevelsHook()(inputs)
    again, _ = LevelsHook()({**inputs, **outputs})
    assert again == {}
    assert len(models["G"].calls) == 2


def test_gradient_reaches_the_trunk():
    models, inputs = context()
    outputs, _ = LevelsHook()(inputs)
    torch.stack([value.sum() for value in outputs.values()]).sum().backward()
    assert all(p.grad is not None for p in models["G"].parameters())
