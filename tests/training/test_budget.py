import pytest

from seasa_da.adapters import Stage
from seasa_da.config import RunSettings, TrainSettings
from seasa_da.errors import UserError
from seasa_da.registry import MethodSpec
from seasa_da.training.budget import StageRecord, check_budget, planned_stages, stage_records


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


@pytest.mark.parametrize(
    ("stages", "reason"),
    [
        ([Stage("a", 5, build)], r"stages \[\('a', 5\)\] must have .* 8 updates of the segmenter together"),
        ([Stage("a", 8, build, labels="oracle-target")], "its method is not marked as an oracle"),
        (Stage("a", 8, build), "gave no list of stages but Stage"),
        ([], r"gave no list of stages but \[\]"),
        (None, "gave no list of stages but None"),
    ],
)
def test_a_method_that_breaks_the_rules_is_named_in_one_line(stages, reason, monkeypatch):
    monkeypatch.setattr(MethodSpec, "load_stages", lambda self: lambda settings: stages)
    settings = RunSettings(method="theirs", train=TrainSettings(iterations=8))
    with pytest.raises(UserError, match=f"method 'theirs' is not usable: .*{reason}") as caught:
        planned_stages(MethodSpec("theirs", "s", "m:f"), settings)
    assert "\n" not in str(caught.value)


def test_a_list_of_stages_that_fails_is_told_in_one_line_with_its_place(monkeypatch):
    def fails(settings):
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(MethodSpec, "load_stages", lambda self: fails)
    spec, settings = MethodSpec("theirs", "s", "m:f"), RunSettings(method="theirs")
    message = r"method 'theirs' is not usable: m:f failed: RuntimeError: two lines \(.*test_budget\.py, line \d+\)"
    with pytest.raises(UserError, match=message) as caught:
        planned_stages(spec, settings)
    assert "\n" not in str(caught.value) and isinstance(caught.value.__cause__, RuntimeError)


def test_what_a_list_of_stages_says_to_the_user_stays_as_it_is(monkeypatch):
    def refuses(settings):
        raise UserError("give more")

    monkeypatch.setattr(MethodSpec, "load_stages", lambda self: refuses)
    with pytest.raises(UserError, match=r"^give more$"):
        planned_stages(MethodSpec("theirs", "s", "m:f"), RunSettings(method="theirs"))


@pytest.mark.parametrize(
    ("stage", "found"),
    [
        (Stage("a", 8.0, build), r"iterations=8\.0"),
        (Stage("a", "8", build), "iterations='8'"),
        (Stage("a", None, build), "iterations=None"),
        (Stage("a", True, build), "iterations=True"),
        (Stage("a", 8, build, segmenter_updates=8.0), r"segmenter_updates=8\.0"),
    ],
)
def test_updates_are_whole_numbers(stage, found):
    with pytest.raises(ValueError, match=f"stage 'a' has {found}, which is no whole number"):
        check_budget([stage], 8, oracle=False)


def test_stages_that_keep_the_rules_are_given_back(monkeypatch):
    stages = [Stage("a", 5, build), Stage("b", 3, build)]
    monkeypatch.setattr(MethodSpec, "load_stages", lambda self: lambda settings: stages)
    settings = RunSettings(method="theirs", train=TrainSettings(iterations=8))
    assert planned_stages(MethodSpec("theirs", "s", "m:f"), settings) == stages


@pytest.mark.parametrize("claimed", [-1, 6])
def test_a_stage_cannot_have_more_updates_of_the_segmenter_than_iterations_or_fewer_than_none(claimed):
    stages = [Stage("a", 5, build, segmenter_updates=claimed), Stage("b", 10, build, segmenter_updates=8 - claimed)]
    with pytest.raises(ValueError, match=f"stage 'a' has 5 iterations and {claimed} segmenter updates"):
        check_budget(stages, 8, oracle=False)
