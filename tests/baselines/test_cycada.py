import pytest
from toys import build_adapter, compose_run

from seasa_da.adapters.domain_critic import DomainCriticAdapter


def test_half_the_budget_for_the_source_model_then_pixels_then_features():
    _, stages = compose_run("cycada", overrides=("train.iterations=40", "translation.iterations=8"))
    assert [(s.name, s.iterations, s.trains, s.target) for s in stages] == [
        ("warm-up", 20, "segmenter", False),
        ("translate", 4, "translators", True),
        ("translate-semantic", 4, "translators", True),
        ("segment", 10, "segmenter", False),
        ("adapt", 10, "segmenter", True),
    ]
    assert [s.name for s in stages if s.shared is not None] == ["warm-up", "translate"]


def test_it_shares_cyclegans_first_half():
    ours, theirs = (compose_run(method)[1] for method in ("cycada", "cyclegan"))
    assert ours[1] == theirs[0]


def test_the_source_model_is_frozen_when_the_semantics_join():
    adapter = build_adapter("cycada", stage=2)
    assert not any(p.requires_grad for p in adapter.models["f_S"].parameters())
    assert not any(module.training for module in adapter.models["f_S"].modules())


@pytest.mark.parametrize(("sees", "channels"), [("scores", 3), ("features", 96)])
def test_the_critic_sees_scores_or_features(sees, channels):
    adapter = build_adapter("cycada", overrides=(f"cycada.critic_input={sees}", "train.lr=0.02"))
    assert isinstance(adapter, DomainCriticAdapter)
    assert adapter.models["D_feat"].net[0].in_channels == channels
    assert adapter.optimizers["G"].param_groups[0]["lr"] == pytest.approx(0.002)
    assert adapter.optimizers["D"].defaults["momentum"] == 0.99


def test_addons_join_the_last_stage():
    settings, stages = compose_run("cycada", addons=("se", "asa"))
    assert [s.fourier_sources for s in stages] == [0, 0, 0, 0, settings.section("views").n]
