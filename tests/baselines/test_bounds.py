import pytest
from toys import build_adapter, changed, compose_run, snapshot, toy_pair


@pytest.mark.parametrize(
    ("method", "stage", "labels"), [("source-only", "source", "source"), ("supervised", "oracle", "oracle-target")]
)
def test_one_stage_that_sees_no_target_images(method, stage, labels):
    _, stages = compose_run(method, overrides=("train.iterations=50",))
    assert [(s.name, s.iterations, s.labels, s.target, s.fourier_sources) for s in stages] == [
        (stage, 50, labels, False, 0)
    ]


@pytest.mark.parametrize("method", ["source-only", "supervised"])
def test_target_images_in_the_batch_change_nothing(method):
    batch = toy_pair()
    with_target, without = build_adapter(method), build_adapter(method)
    with_target.training_step(batch)
    without.training_step({key: batch[key] for key in ("src_imgs", "src_labels")})
    assert not changed(snapshot(with_target.models), snapshot(without.models))


def test_the_loop_and_the_loss_are_one():
    bounds = [build_adapter(method) for method in ("source-only", "supervised")]
    losses = [adapter.training_step(toy_pair()) for adapter in bounds]
    assert losses[0] == losses[1]
    assert not changed(snapshot(bounds[0].models), snapshot(bounds[1].models))


def test_weights_of_the_supervised_loss_are_the_settings():
    one, other = (
        build_adapter("source-only", overrides=overrides).training_step(toy_pair())["g_loss"]
        for overrides in ((), ("loss.aux_weight=0.3", "loss.dice_weight=0"))
    )
    assert other["seg_ce_loss"] == one["seg_ce_loss"]
    assert other["seg_dice_loss"] == 0 < one["seg_dice_loss"]
    assert other["seg_aux_loss"] > one["seg_aux_loss"]
