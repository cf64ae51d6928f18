from toys import build_adapter, compose_run, toy_pair

from seasa_da.adapters.stylised_source import StylisedSource
from seasa_da.hooks import SelectiveEntropyHook, SemanticAlignmentHook


def test_one_stage_on_both_domains():
    _, stages = compose_run("fda", overrides=("train.iterations=50",))
    assert [(s.name, s.iterations, s.labels, s.target, s.schedule, s.fourier_sources, s.shared) for s in stages] == [
        ("adapt", 50, "source", True, "poly", 0, None)
    ]


def test_the_papers_numbers_are_the_defaults():
    settings, _ = compose_run("fda")
    assert settings.section("fda").model_dump() == {"beta": 0.01, "entropy_weight": 0.005, "eta": 2.0}


def test_settings_make_the_adapter():
    adapter = build_adapter("fda", overrides=("fda.beta=0.09", "fda.entropy_weight=0.2", "fda.eta=1", "train.lr=0.02"))
    assert isinstance(adapter, StylisedSource)
    (entropy,) = adapter.adaptation_hooks()
    assert entropy.heads == {"entropy_loss": ("target_imgs_features_logits", 0.2)} and entropy.loss_fn.eta == 1
    assert adapter.fda.beta == 0.09
    assert adapter.optimizers["G"].param_groups[0]["lr"] == 0.02


def test_addons_join():
    settings, stages = compose_run("fda", addons=("se", "asa"))
    assert stages[0].fourier_sources == settings.section("views").n == 3
    adapter = build_adapter("fda", addons=("se", "asa"))
    assert [type(hook) for hook in adapter.post_g] == [SelectiveEntropyHook, SemanticAlignmentHook]
    losses = adapter.training_step(toy_pair())["g_loss"]
    assert {"entropy_loss", "selective_entropy_loss", "semantic_alignment_loss"} <= losses.keys()
    assert all(loss.isfinite() for loss in losses.values())
    assert {"src_prototypes", "target_prototypes"} <= adapter.state_modules().keys()
