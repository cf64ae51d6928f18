import pytest

from seasa_da.adapters import Stage
from seasa_da.training.stages import StageRecord, check_budget


def build(context):
    raise NotImplementedError


def test_the_budget_is_the_segmenters_updates_over_all_stages():
    stages = [Stage("a", 5, build), Stage("b", 100, build, trains="translators"), Stage("c", 3, build)]
    assert check_budget(stages, 8) == [
        StageRecord("a", "segmenter", 5),
        StageRecord("b", "translators", 100),
        StageRecord("c", "segmenter", 3),
    ]
    for wrong in (7, 108):
        with pytest.raises(ValueError, match=f"{wrong} updates together"):
            check_budget(stages, wrong)


def test_two_stages_of_one_name_would_draw_the_same_batches():
    with pytest.raises(ValueError, match="different names"):
        check_budget([Stage("a", 4, build), Stage("a", 4, build)], 8)
