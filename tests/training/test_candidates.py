"""Candidates: where they are kept, and that they come back as they were."""

import pytest
import torch

from seasa_da.adapters import Stage
from seasa_da.errors import UserError
from seasa_da.training import candidates
from seasa_da.training.candidates import list_candidates, planned_candidates
from seasa_da.training.checkpoint import Position
from tests.toys import small_segmenter


def stage(name, iterations, **more):
    return Stage(name, iterations, lambda context: None, **more)


def test_one_stage_is_divided_evenly():
    assert planned_candidates([stage("adapt", 100)], 4) == {(0, 25): 25, (0, 50): 50, (0, 75): 75, (0, 100): 100}


def test_shared_warm_ups_and_translators_have_none():
    stages = [
        stage("warm-up", 50, shared=()),
        stage("translate", 30, trains="translators"),
        stage("a", 20),
        stage("b", 30),
    ]
    found = planned_candidates(stages, 5)
    # 50 updates of its own: one every 10
    assert found == {(2, 10): 60, (2, 20): 70, (3, 10): 80, (3, 20): 90, (3, 30): 100}


def test_iterations_that_do_not_move_the_segmenter_are_passed_over():
    found = planned_candidates([stage("critics too", 60, segmenter_updates=20)], 2)
    assert found == {(0, 30): 10, (0, 60): 20}


def test_more_candidates_than_updates_are_one_an_update():
    assert planned_candidates([stage("adapt", 3)], 10) == {(0, 1): 1, (0, 2): 2, (0, 3): 3}


def test_the_end_is_one_even_of_a_run_whose_only_stage_is_shared():
    assert planned_candidates([stage("warm-up", 8, shared=())], 3) == {(0, 8): 8}


def test_a_stage_after_the_segmenters_last_ends_the_run():
    stages = [stage("a", 8), stage("translate", 5, trains="translators")]
    assert planned_candidates(stages, 2) == {(0, 4): 4, (0, 8): 8, (1, 5): 8}


def test_they_come_back_in_their_order_with_their_weights(tmp_path):
    models = {}
    for number, iteration in ((1, 5), (0, 12), (1, 40)):
        models[number, iteration] = small_segmenter(seed=iteration)
        candidates.save(tmp_path, Position(number, "adapt", iteration), iteration, models[number, iteration])
    found = list_candidates(tmp_path)
    assert [(one.stage, one.iteration, one.updates) for one in found] == [(0, 12, 12), (1, 5, 5), (1, 40, 40)]
    other = small_segmenter(seed=0)
    found[1].restore(other)
    for name in ("G", "C", "C_aux"):
        for key, value in models[1, 5][name].state_dict().items():
            assert torch.equal(other[name].state_dict()[key], value)


def test_one_of_the_same_place_is_replaced(tmp_path):
    for seed in (1, 2):
        candidates.save(tmp_path, Position(0, "adapt", 4), 4, small_segmenter(seed=seed))
    (found,) = list_candidates(tmp_path)
    other, second = small_segmenter(seed=0), small_segmenter(seed=2)
    found.restore(other)
    assert torch.equal(next(other["G"].parameters()), next(second["G"].parameters()))


def test_damage_is_named(tmp_path):
    candidates.save(tmp_path, Position(0, "adapt", 4), 4, small_segmenter())
    (found,) = list_candidates(tmp_path)
    weights = found.path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match=r"model\.safetensors is damaged"):
        found.restore(small_segmenter())
    (found.path / "state.json").write_text("{}")
    with pytest.raises(UserError, match=r"state\.json is damaged"):
        list_candidates(tmp_path)
