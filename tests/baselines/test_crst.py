import pytest
from toys import CLASSES, SIZE, build_adapter, changed, compose_run, small_segmenter, snapshot

from seasa_da.adapters import StageContext
from seasa_da.errors import UserError
from seasa_da.hooks import SelectiveEntropyHook


def rounds_of(*overrides, addons=()):
    """The adapters of all rounds."""
    settings, (_, *rounds) = compose_run("crst", addons, overrides)
    return [stage.build(StageContext(settings, CLASSES, 96, (1, SIZE, SIZE), small_segmenter())) for stage in rounds]


def test_a_shared_warm_up_and_three_rounds():
    _, stages = compose_run("crst", overrides=("train.iterations=50",))
    assert [(s.name, s.iterations) for s in stages] == [("warm-up", 25), ("round-1", 9), ("round-2", 8), ("round-3", 8)]
    warm_up, *rounds = stages
    assert warm_up.shared is not None and not warm_up.target
    for stage in rounds:
        assert (stage.target, stage.survey, stage.schedule, stage.shared) == (True, True, "constant", None)
    assert [s.source_share for s in rounds] == pytest.approx([0.03, 0.0325, 0.035])


def test_the_adversary_may_warm_it_up():
    settings, stages = compose_run("crst", overrides=("train.iterations=50", "self_training.start=adversary"))
    assert [(s.name, s.iterations) for s in stages[:2]] == [("warm-up-adversary", 25), ("round-1", 9)]
    assert stages[0].target and stages[0].shared == ("adversary",)
    context = StageContext(settings, CLASSES, 96, (1, SIZE, SIZE), small_segmenter())
    assert {"D", "D_aux"} <= stages[0].build(context).models.keys()
    # Its discriminators end with it.
    assert context.models.keys() == {"G", "C", "C_aux"}


@pytest.mark.parametrize(("iterations", "rounds"), [(50_000, 3), (1201, 5), (8, 4), (2, 1)])
def test_the_budget_is_kept(iterations, rounds):
    _, stages = compose_run("crst", overrides=(f"train.iterations={iterations}", f"self_training.rounds={rounds}"))
    assert len(stages) == rounds + 1
    assert sum(s.iterations for s in stages) == iterations
    assert min(s.iterations for s in stages) >= 1


def test_a_round_without_updates_is_refused():
    with pytest.raises(UserError, match=r"self_training\.rounds=5"):
        compose_run("crst", overrides=("train.iterations=8", "self_training.rounds=5"))


def test_shares_grow_to_their_largest():
    grow = ("train.iterations=100", "self_training.rounds=9")
    assert [a.portion for a in rounds_of(*grow)] == pytest.approx([0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.5, 0.5])
    _, (_, *rounds) = compose_run("crst", overrides=(*grow, "self_training.source_share_step=0.01"))
    assert [s.source_share for s in rounds] == pytest.approx([0.03, 0.04, 0.05, *[0.06] * 6])


@pytest.mark.parametrize("name", ["portion", "source_share"])
def test_a_share_that_starts_above_its_largest_is_refused(name):
    with pytest.raises(UserError, match=f"{name}_max"):
        compose_run("crst", overrides=(f"self_training.{name}=0.9",))


def test_the_learning_rate_is_a_fifth():
    (adapter,) = rounds_of("train.lr=0.1", "train.head_lr_factor=10", "self_training.rounds=1")
    assert [group["lr"] for group in adapter.optimizers["G"].param_groups] == pytest.approx([0.02, 0.2])
    assert {group["weight_decay"] for group in adapter.optimizers["G"].param_groups} == {1e-4}


def test_addons_join_the_last_round_alone():
    _, stages = compose_run("crst", addons=("se",))
    assert [s.fourier_sources for s in stages] == [0, 0, 0, 3]
    adapters = rounds_of(addons=("se",))
    assert [[type(hook) for hook in adapter.post_g] for adapter in adapters] == [[], [], [SelectiveEntropyHook]]


def test_every_round_starts_from_the_segmenter_as_it_is():
    models = small_segmenter()
    adapter = build_adapter("crst", models=models)
    teacher = {"G": adapter.models["teacher"].module.trunk, "C": adapter.models["teacher"].module.head}
    assert not changed(snapshot({name: models[name] for name in teacher}), snapshot(teacher))
    assert all(adapter.models[name] is models[name] for name in ("G", "C", "C_aux"))


def test_what_other_stages_left_beside_the_segmenter_is_let_be():
    models = {**small_segmenter(), "translator": small_segmenter(1)["G"]}
    assert "translator" not in build_adapter("crst", models=models).models


@pytest.mark.parametrize(("regulariser", "soft"), [("mrkld", False), ("none", False), ("lrent", True)])
def test_the_regulariser_decides_the_labels(regulariser, soft):
    assert build_adapter("crst", overrides=(f"self_training.regulariser={regulariser}",)).labeller.soft == soft
