import pytest
import torch
from toys import CLASSES, build_adapter, changed, compose_run, small_segmenter, snapshot, toy_pair

from seasa_da.adapters import OutputAdversary, SegmentationAdapter
from seasa_da.errors import UserError
from seasa_da.hooks import ContrastHook, SelectiveEntropyHook, SemanticAlignmentHook, Stepper
from seasa_da.training import checkpoint
from seasa_da.training.budget import check_budget
from seasa_da.training.checkpoint import Position

SEGMENTER, CRITICS = {"G", "C", "C_aux"}, {"D", "D_aux"}
SUPERVISED = {"seg_ce_loss", "seg_dice_loss", "seg_aux_loss"}
CONTRAST = {"contrast_src_loss", "contrast_target_loss"}


@pytest.mark.parametrize(("iterations", "expected"), [(50_000, [4000, 46_000]), (1200, [96, 1104]), (2, [1, 1])])
def test_a_short_warm_up_on_the_source_within_the_budget(iterations, expected):
    _, stages = compose_run("mpscl", overrides=(f"train.iterations={iterations}",))
    assert [stage.iterations for stage in stages] == expected
    assert [(s.name, s.target, s.labels, s.shared) for s in stages] == [
        ("warm-up", False, "source", None),
        ("adapt", True, "source", None),
    ]
    check_budget(stages, iterations, oracle=False)


def test_a_budget_without_room_for_both_stages_is_refused():
    _, stages = compose_run("mpscl", overrides=("train.iterations=1",))
    with pytest.raises(UserError, match="leaves no update for adapt"):
        check_budget(stages, 1, oracle=False)


def test_the_authors_numbers_are_the_defaults():
    settings, _ = compose_run("mpscl")
    assert settings.section("contrast").model_dump() == {
        "warm_up_share": 0.08,
        "source_weight": 1.0,
        "target_weight": 0.1,
        "source_margin": 0.2,
        "target_margin": 0.2,
        "temperature": 2.0,
        "momentum": 0.2,
        "confidence": 0.25,
    }
    assert settings.section("adversary").input == "self-information"


def test_the_segmenter_goes_on_from_the_warm_up():
    models = small_segmenter()
    first, second = (build_adapter("mpscl", models=models, stage=stage) for stage in (0, 1))
    assert type(first) is SegmentationAdapter and isinstance(second, OutputAdversary)
    assert all(first.models[name] is second.models[name] is models[name] for name in SEGMENTER)
    assert second.models["D"].sees == second.models["D_aux"].sees == "self-information"


def test_settings_make_the_contrast():
    overrides = ("contrast.source_margin=0.4", "contrast.temperature=1", "contrast.momentum=0.5")
    (hook,) = build_adapter("mpscl", overrides=overrides).post_g
    assert isinstance(hook, ContrastHook)
    assert (hook.src_loss_fn.temperature, hook.src_loss_fn.margin) == (1.0, 0.4)
    assert (hook.target_loss_fn.temperature, hook.target_loss_fn.margin) == (1.0, 0.2)
    assert hook.bank.alpha == 0.5 and hook.bank.value.shape == (CLASSES, 96)


def test_without_its_weights_it_is_advent():
    adapters = [
        build_adapter("mpscl", overrides=("contrast.source_weight=0", "contrast.target_weight=0")),
        build_adapter("advent"),
    ]
    for seed in range(2):
        for adapter in adapters:
            adapter.training_step(toy_pair(seed=seed))
    assert not changed(*(snapshot(adapter.models) for adapter in adapters))


def test_each_update_moves_its_own_modules():
    reached = []

    class Watch(Stepper):
        def step(self, optimizers):
            reached.append({n for n, m in adapter.models.items() if any(p.grad is not None for p in m.parameters())})
            super().step(optimizers)

    adapter = build_adapter("mpscl", overrides=("train.weight_decay=0",))
    losses = adapter.training_step(toy_pair(), stepper=Watch())
    assert reached == [SEGMENTER, CRITICS]
    assert losses["g_loss"].keys() == SUPERVISED | {"adversarial_loss", "adversarial_aux_loss"} | CONTRAST
    assert adapter.state_modules().keys() == SEGMENTER | CRITICS | {"centres"}


def test_the_losses_fall_on_a_toy_pair():
    # At temperature 2 the source's loss cannot fall far: cosines differ by 2 at most.
    adapter = build_adapter("mpscl", overrides=("contrast.temperature=0.2",))
    course = [adapter.training_step(toy_pair())["g_loss"] for _ in range(20)]
    for names in (SUPERVISED, {"contrast_src_loss"}):
        totals = [sum(losses[name].item() for name in names) for losses in course]
        assert max(totals[-3:]) < 0.9 * totals[0]


def test_a_checkpoint_survives_the_round_trip(tmp_path):
    adapter = build_adapter("mpscl")
    for seed in range(2):
        adapter.training_step(toy_pair(seed=seed))
    modules, optimizers = adapter.state_modules(), dict(adapter.optimizers.items())
    path = checkpoint.save(tmp_path, Position(1, "adapt", 2), modules, optimizers, about={}, keep=1)
    fresh = build_adapter("mpscl", seed=7)
    loaded = checkpoint.load(path)
    loaded.restore_modules(fresh.state_modules())
    loaded.restore_optimizers(dict(fresh.optimizers.items()))
    assert fresh.state_modules()["centres"].seen.all()
    for seed in (2, 3):
        losses = [one.training_step(toy_pair(seed=seed)) for one in (adapter, fresh)]
        assert losses[0] == losses[1]
    assert not changed(snapshot(adapter.state_modules()), snapshot(fresh.state_modules()))


def test_addons_join_the_last_stage():
    settings, stages = compose_run("mpscl", addons=("se", "asa"))
    assert [s.fourier_sources for s in stages] == [0, settings.section("views").n]
    adapter = build_adapter("mpscl", addons=("se", "asa"))
    assert [type(hook) for hook in adapter.post_g] == [ContrastHook, SelectiveEntropyHook, SemanticAlignmentHook]
    losses = adapter.training_step(toy_pair())["g_loss"]
    assert {*CONTRAST, "selective_entropy_loss", "semantic_alignment_loss"} <= losses.keys()
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert {"centres", "src_prototypes", "target_prototypes"} <= adapter.state_modules().keys()
