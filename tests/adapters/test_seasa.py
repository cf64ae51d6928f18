import pytest
import torch
from toys import CLASSES, SIZE, SMALL, build_adapter, compose_run, small_segmenter, toy_pair

from seasa_da.adapters import SEASA, OutputAdversary, StageContext
from seasa_da.adapters.addons import build_addons, fourier_sources
from seasa_da.hooks import SelectiveEntropyHook, SemanticAlignmentHook


def test_the_papers_recipe_is_one_stage():
    settings, stages = compose_run("ours", overrides=("train.iterations=100",))
    assert settings.recipe == "paper"
    assert [(s.name, s.iterations, s.labels, s.target, s.fourier_sources) for s in stages] == [
        ("adapt", 100, "source", True, 3)
    ]


@pytest.mark.parametrize(("iterations", "expected"), [(80, [30, 50]), (8, [3, 5]), (2, [1, 1]), (1, [1])])
def test_the_released_code_warms_up_within_the_budget(iterations, expected):
    _, stages = compose_run("ours", overrides=("recipe=released-code", f"train.iterations={iterations}"))
    assert [stage.iterations for stage in stages] == expected
    assert [stage.fourier_sources for stage in stages][-1] == 5
    assert len({stage.name for stage in stages}) == len(stages)


def test_after_the_warm_up_the_segmenter_goes_on_with_new_discriminators():
    settings, stages = compose_run("ours", overrides=("recipe=released-code",))
    models = small_segmenter()
    context = StageContext(settings, CLASSES, models["G"].channels[0], (1, SIZE, SIZE), models)
    adapters = [stage.build(context) for stage in stages]
    assert [len(adapter.post_g) for adapter in adapters] == [0, 2]
    assert all(adapters[0].models[name] is adapters[1].models[name] for name in ("G", "C", "C_aux"))
    assert not any(adapters[0].models[name] is adapters[1].models[name] for name in ("D", "D_aux"))


def test_hooks_take_the_runs_settings():
    overrides = ("se.weight=0.5", "se.gradient=one-view", "se.start=0.25", "views.n=5", "asa.alpha=0.2", "asa.ramp=0.5")
    se, asa = build_adapter("ours", overrides=overrides).post_g
    assert isinstance(se, SelectiveEntropyHook)
    assert isinstance(asa, SemanticAlignmentHook)
    assert (se.weight.weight, se.weight.start, se.gradient) == (0.5, 0.25, "one-view")
    assert se.reliability_hook.views.n == asa.reliability_hook.views.n == 5
    assert (asa.weight.weight, asa.weight.ramp, asa.target_bank.alpha) == (0.1, 0.5, 0.2)


def test_the_released_codes_hooks():
    adapter = build_adapter("ours", overrides=("recipe=released-code",))
    se, asa = adapter.post_g
    assert (se.gradient, se.reliability_hook.statistics) == ("augmented", "batch")
    assert (se.reliability_hook.views.n, se.reliability_hook.views.mu) == (5, 1.0)
    assert not asa.remove_unreliable
    assert (asa.weight.weight, asa.loss_fn.distance, asa.src_bank.mode) == (1.0, "mse", "released-code")
    assert adapter.models["D"].sees == adapter.models["D_aux"].sees == "self-information"
    assert adapter.loss.dice_weight == 1


def test_alone_the_class_is_the_papers_method():
    parts = build_adapter("adaoutput")
    adapter = SEASA(dict(parts.models), dict(parts.optimizers), num_classes=CLASSES, feature_dim=96)
    se, asa = adapter.post_g
    assert (se.weight.weight, asa.weight.weight, adapter.adversary.weight) == (1.0, 0.1, 0.003)
    assert (se.reliability_hook.views.n, se.reliability_hook.views.mu, asa.src_bank.alpha) == (3, 0.8, 0.01)
    assert (se.loss_fn.minimise, se.loss_fn.maximise, se.gradient) == ("reliable", "unreliable", "clean")
    assert asa.remove_unreliable
    batch = toy_pair()
    losses = adapter.training_step({key: batch[key] for key in ("src_imgs", "src_labels", "target_imgs")})
    assert all(loss.isfinite() for found in losses.values() for loss in found.values())
    assert adapter.state_modules().keys() == {"G", "C", "C_aux", "D", "D_aux", "src_prototypes", "target_prototypes"}


def test_addons_come_in_their_order():
    settings, _ = compose_run("adaoutput", addons=("asa", "se"))
    hooks = build_addons(StageContext(settings, CLASSES, 96, (1, SIZE, SIZE), small_segmenter()))
    assert [type(hook) for hook in hooks] == [SemanticAlignmentHook, SelectiveEntropyHook]
    assert fourier_sources(settings) == 3
    assert fourier_sources(compose_run("adaoutput")[0]) == 0
    assert build_addons(StageContext(compose_run("adaoutput")[0], CLASSES, 96, (1, SIZE, SIZE), {})) == []


def test_an_addon_alone_gives_its_loss_alone():
    losses = build_adapter("adaoutput", addons=("se",)).training_step(toy_pair())["g_loss"]
    assert "selective_entropy_loss" in losses
    assert "semantic_alignment_loss" not in losses
    losses = build_adapter("adaoutput", addons=("asa",)).training_step(toy_pair())["g_loss"]
    assert "semantic_alignment_loss" in losses
    assert "selective_entropy_loss" not in losses


def test_optimizers_are_the_papers():
    overrides = ("train.lr=0.02", "train.head_lr_factor=10", "train.momentum=0.8", "adversary.lr=0.0003")
    adapter = build_adapter("ours", overrides=overrides, models=small_segmenter(freeze_affine="yes"))
    assert isinstance(adapter, OutputAdversary)
    sgd, adam = adapter.optimizers["G"], adapter.optimizers["D"]
    assert isinstance(sgd, torch.optim.SGD)
    assert [group["lr"] for group in sgd.param_groups] == pytest.approx([0.02, 0.2])
    assert {(group["momentum"], group["weight_decay"]) for group in sgd.param_groups} == {(0.8, 1e-4)}
    assert isinstance(adam, torch.optim.Adam)
    assert [(group["lr"], group["betas"]) for group in adam.param_groups] == [(0.0003, (0.9, 0.99))]

    def ids(parameters):
        return [id(p) for p in parameters]

    models = adapter.models
    trunk, heads = (ids(group["params"]) for group in sgd.param_groups)
    assert trunk == ids(p for p in models["G"].parameters() if p.requires_grad)
    assert len(trunk) < len(list(models["G"].parameters()))  # batch norm's affine is frozen here
    assert heads == ids([*models["C"].parameters(), *models["C_aux"].parameters()])
    critics = [id(p) for group in adam.param_groups for p in group["params"]]
    assert critics == ids([*models["D"].parameters(), *models["D_aux"].parameters()])


def test_the_small_network_is_that_of_the_smoke_preset():
    settings, _ = compose_run("ours")
    assert settings.model.model_dump() == SMALL.model_dump()
