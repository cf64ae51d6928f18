import pytest
from toys import build_adapter, compose_run

from seasa_da.errors import UserError
from seasa_da.registry import compose_run as compose


def test_translation_in_two_halves_and_the_whole_budget_for_the_segmenter():
    _, stages = compose_run("cyclegan", overrides=("train.iterations=50", "translation.iterations=7"))
    assert [(s.name, s.iterations, s.trains, s.target, s.schedule) for s in stages] == [
        ("translate", 3, "translators", True, "constant"),
        ("translate-decay", 4, "translators", True, "linear"),
        ("segment", 50, "segmenter", False, "poly"),
    ]
    assert [s.batch_size for s in stages] == [1, 1, None]
    assert [s.shared for s in stages] == [("translation",), None, None]


def test_the_second_half_goes_on_with_the_firsts_networks():
    first, second = (build_adapter("cyclegan", stage=stage) for stage in (0, 1))
    assert first.models.keys() == second.models.keys()
    # The segmenter's stage drops what nobody needs any more.
    assert "D_S" not in build_adapter("cyclegan").models


def test_settings_make_the_networks():
    adapter = build_adapter("cyclegan", stage=0, overrides=("translation.width=6", "translation.blocks=2"))
    assert adapter.models["G_ST"].net[1].out_channels == 6
    optimizer = adapter.optimizers["generators"]
    assert optimizer.param_groups[0]["lr"] == 2e-4 and optimizer.param_groups[0]["betas"] == (0.5, 0.999)
    translators = [p for name in ("G_ST", "G_TS") for p in adapter.models[name].parameters()]
    assert len(optimizer.param_groups[0]["params"]) == len(translators)


def test_addons_are_refused_in_one_line():
    with pytest.raises(UserError, match=r"--add se does not go with cyclegan: its last stage trains on translated"):
        compose("cyclegan", ["se"], preset="smoke")
