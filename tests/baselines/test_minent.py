from toys import build_adapter, changed, compose_run, snapshot, toy_pair

from seasa_da.adapters.entropy_minimisation import EntropyMinimisation
from seasa_da.hooks import SelectiveEntropyHook, SemanticAlignmentHook


def test_one_stage_on_both_domains():
    _, stages = compose_run("minent", overrides=("train.iterations=50",))
    assert [(s.name, s.iterations, s.labels, s.target, s.schedule, s.fourier_sources, s.shared) for s in stages] == [
        ("adapt", 50, "source", True, "poly", 0, None)
    ]


def test_the_authors_weights_are_the_defaults():
    settings, _ = compose_run("minent")
    assert settings.section("entropy").model_dump() == {"weight": 1e-3, "aux_weight": 2e-4}


def test_settings_make_the_adapter():
    adapter = build_adapter("minent", overrides=("entropy.weight=0.2", "entropy.aux_weight=0.1", "train.lr=0.02"))
    assert isinstance(adapter, EntropyMinimisation)
    (entropy,) = adapter.adaptation_hooks()
    assert entropy.heads == {
        "entropy_loss": ("target_imgs_features_logits", 0.2),
        "entropy_aux_loss": ("target_imgs_conv4_logits", 0.1),
    }
    assert entropy.loss_fn.eta is None
    assert adapter.optimizers["G"].param_groups[0]["lr"] == 0.02


def test_without_its_weights_only_the_running_statistics_differ_from_the_lower_bound():
    adapters = [
        build_adapter("minent", overrides=("entropy.weight=0", "entropy.aux_weight=0")),
        build_adapter("source-only"),
    ]
    for seed in range(2):
        for adapter in adapters:
            adapter.training_step(toy_pair(seed=seed))
    differ = changed(*(snapshot(adapter.models) for adapter in adapters))
    # The target's batches move them, too.
    assert differ and all("running_" in name or "num_batches" in name for name in differ)


def test_addons_join():
    settings, stages = compose_run("minent", addons=("se", "asa"))
    assert stages[0].fourier_sources == settings.section("views").n
    adapter = build_adapter("minent", addons=("se", "asa"))
    assert [type(hook) for hook in adapter.post_g] == [SelectiveEntropyHook, SemanticAlignmentHook]
    losses = adapter.training_step(toy_pair())["g_loss"]
    assert {"entropy_loss", "entropy_aux_loss", "selective_entropy_loss", "semantic_alignment_loss"} <= losses.keys()
