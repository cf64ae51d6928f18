import pytest
import torch
from toys import build_adapter, compose_run

from seasa_da.errors import UserError
from seasa_da.models import NativeEncoder, PixelHead
from seasa_da.registry import compose_run as compose


@pytest.mark.parametrize("method", ["sifa-v1", "sifa-v2"])
def test_one_stage_for_the_whole_budget(method):
    settings, stages = compose_run(method, ("se",), ("train.iterations=50",))
    assert [(s.name, s.iterations, s.trains, s.target) for s in stages] == [("adapt", 50, "segmenter", True)]
    assert stages[0].fourier_sources == settings.section("views").n


def test_the_versions_differ_by_their_recipe():
    (first, _), (second, _) = compose_run("sifa-v1"), compose_run("sifa-v2")
    assert (first.loss.aux_weight, second.loss.aux_weight) == (0.0, 0.1)
    assert (first.section("sifa").aux_feature_weight, second.section("sifa").aux_feature_weight) == (0.0, 0.01)
    assert (first.section("sifa").feature_start, second.section("sifa").feature_start) == (0.25, 0.0)


def test_numbers_of_the_paper_preset():
    _, settings = compose("sifa-v2", preset="paper")
    sifa = settings.section("sifa")
    assert (sifa.width, sifa.blocks, sifa.lr, sifa.cycle_weight, sifa.pool) == (32, 9, 2e-4, 10.0, 50)
    assert (sifa.image_weight, sifa.feature_weight, sifa.aux_task_weight) == (0.1, 0.1, 0.1)


def test_the_common_segmenter_and_its_optimiser():
    adapter = build_adapter("sifa-v2")
    assert isinstance(adapter.optimizers["G"], torch.optim.SGD)
    assert next(iter(adapter.optimizers)) == "G"  # the one whose learning rate is logged
    for name in ("generator", "decoder", "discriminators"):
        assert adapter.optimizers[name].defaults["betas"] == (0.5, 0.999)


def test_the_authors_own_networks():
    adapter = build_adapter("sifa-v1", overrides=("sifa.network=native",))
    assert isinstance(adapter.models["G"], NativeEncoder) and isinstance(adapter.models["C"], PixelHead)
    assert isinstance(adapter.optimizers["G"], torch.optim.Adam)
    assert adapter.optimizers["G"].param_groups[0]["lr"] == 1e-3
    assert any(m.p == 0.25 for m in adapter.models["G"].modules() if isinstance(m, torch.nn.Dropout))


def test_weights_of_the_common_trunk_do_not_go_into_the_authors_network(tmp_path):
    file = tmp_path / "weights.pth"
    file.touch()
    spec, settings = compose("sifa-v2", preset="smoke", weights=file, overrides=["sifa.network=native"])
    with pytest.raises(UserError, match="leave one of them out"):
        spec.load_stages()(settings)
