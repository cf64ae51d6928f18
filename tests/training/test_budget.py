import pytest

from seasa_da.adapters import Stage
from seasa_da.errors import UserError
from seasa_da.training.budget import StageRecord, check_budget, stage_records


def build(context):
    raise NotImplementedError


def test_the_budget_is_the_segmenters_updates_over_all_stages():
    stages = [Stage("a", 5, build), Stage("b", 100, build, trains="translators"), Stage("c", 3, build)]
    check_budget(stages, 8, oracle=False)
    assert stage_records(stages) == [
        StageRecord("a", "segmenter", 5, 5),
        StageRecord("b", "translators", 100, 0),
        StageRecord("c", "segmenter", 3, 3),
    ]
    for wrong in (7, 108):
        with pytest.raises(ValueError, match=f"{wrong} updates of the segmenter together"):
            check_budget(stages, wrong, oracle=False)


def test_two_stages_of_one_name_would_draw_the_same_batches():
    with pytest.raises(ValueError, match="different names"):
        check_budget([Stage("a", 4, build), Stage("a", 4, build)], 8, oracle=False)


def test_a_stage_without_an_update_is_refused():
    with pytest.raises(UserError, match=r"train\.iterations=3 leaves no update for b; give more"):
        check_budget([Stage("a", 3, build), Stage("b", 0, build)], 3, oracle=False)


def test_only_an_oracle_gets_the_targets_labels():
    stages = [Stage("a", 3, build, labels="oracle-target")]
    check_budget(stages, 3, oracle=True)
    with pytest.raises(ValueError, match="not marked as an oracle"):
        check_budget(stages, 3, oracle=False)


def test_where_critics_have_iterations_of_their_own_the_segmenters_alone_count():
    stages = [
        Stage("a", 5, build),
        Stage("b", 30, build, segmenter_updates=3),
        Stage("c", 9, build, segmenter_updates=0),
    ]
    check_budget(stages, 8, oracle=False)
    assert [(record.updates, record.segmenter_updates) for record in stage_records(stages)] == [(5, 5), (30, 3), (9, 0)]
