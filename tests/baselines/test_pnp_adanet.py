import pytest
import torch
from toys import build_adapter, compose_run

from seasa_da.adapters.plug_and_play import CriticsAlone, PlugAndPlay
from seasa_da.config import PnPSettings
from seasa_da.errors import UserError
from seasa_da.registry import compose_run as compose_method
from seasa_da.training.budget import check_budget, segmenter_updates

METHOD = "pnp-adanet"


def test_the_source_model_then_the_critics_then_turns():
    _, stages = compose_run(METHOD, overrides=("train.iterations=41", "pnp.critic_steps=3", "pnp.critic_updates=7"))
    assert [(s.name, s.iterations, segmenter_updates(s), s.target, s.schedule) for s in stages] == [
        ("warm-up", 20, 20, False, "poly"),
        ("critics", 7, 0, True, "constant"),
        ("adapt", 21 * 4, 21, True, "poly"),
    ]
    assert [s.name for s in stages if s.shared is not None] == ["warm-up"]


@pytest.mark.parametrize("iterations", [2, 3, 1201])
def test_the_budget_is_kept(iterations):
    for growth in (0, 5):
        _, stages = compose_run(
            METHOD, overrides=(f"train.iterations={iterations}", f"pnp.critic_steps_growth={growth}")
        )
        check_budget(stages, iterations, oracle=False)


def test_no_critics_stage_where_they_have_no_updates():
    _, stages = compose_run(METHOD, overrides=("pnp.critic_updates=0",))
    assert [s.name for s in stages] == ["warm-up", "adapt"]


def test_the_authors_numbers():
    pnp = PnPSettings()
    assert (pnp.critic_steps, pnp.critic_steps_growth, pnp.mask_weight) == (20, 300, 0.3)
    assert (pnp.weight, pnp.clip, pnp.lr) == (0.002, 0.03, 3e-4)
    _, stages = compose_run(
        METHOD, overrides=("train.iterations=1200", "pnp.critic_steps=20", "pnp.critic_steps_growth=300")
    )
    assert stages[-1].iterations == 300 * 21 + 300 * 22


def test_the_adapters_of_the_stages():
    critics, turns = (build_adapter(METHOD, stage=stage) for stage in (1, 2))
    assert type(critics) is CriticsAlone and isinstance(turns, PlugAndPlay)
    for adapter in (critics, turns):
        for optimizer in adapter.optimizers.values():
            assert isinstance(optimizer, torch.optim.RMSprop)
            assert (optimizer.defaults["lr"], optimizer.defaults["alpha"]) == (3e-4, 0.9)


def test_where_weights_were_loaded_the_frozen_affine_part_stays_so():
    from toys import small_segmenter

    adapter = build_adapter(METHOD, models=small_segmenter(freeze_affine="yes"))
    stepped = {id(p) for group in adapter.optimizers["G"].param_groups for p in group["params"]}
    norms = [m for m in adapter.models["G"].modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms and not any(id(p) in stepped for m in norms for p in m.parameters())


def test_addons_are_refused():
    with pytest.raises(UserError, match="early layers"):
        compose_method(METHOD, ("se",))
