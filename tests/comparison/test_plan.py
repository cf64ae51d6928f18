import pytest

from seasa_da.comparison.common import Common
from seasa_da.comparison.plan import Direction, check_shard, compose_cell, make_plan, overrides_of
from seasa_da.comparison.rows import Row, parse_rows
from seasa_da.errors import UserError

SMOKE = Common(preset="smoke")


def plan_of(methods="source-only,ours", seeds=(0, 1, 2), both=True):
    return make_plan(parse_rows(methods.split(",")), "ct", "mri", seeds, both=both)


@pytest.mark.parametrize("shards", [1, 2, 3, 4, 6, 7])
def test_shards_partition_the_groups(shards):
    plan = plan_of()
    parts = [plan.cells((number, shards)) for number in range(1, shards + 1)]
    assert sorted(cell for part in parts for cell in map(str, part)) == sorted(map(str, plan.cells()))
    groups = [{(cell.direction, cell.seed) for cell in part} for part in parts]
    assert sum(map(len, groups)) == len(set().union(*groups)) == 6
    for part, group in zip(parts, groups, strict=True):
        assert len(part) == 2 * len(group)  # all rows of a group stay together


@pytest.mark.parametrize("shard", [(0, 2), (3, 2), (1, 0), (-1, 2)])
def test_what_is_no_shard(shard):
    with pytest.raises(UserError, match="--shard"):
        check_shard(shard)


def test_directions():
    plan = plan_of()
    assert plan.directions == (Direction("ct", "mri"), Direction("mri", "ct"))
    assert plan_of(both=False).directions == (Direction("ct", "mri"),)
    assert [str(plan.directions[1]), plan.directions[1].folder_name] == ["mri to ct", "mri-to-ct"]
    assert str(plan.cells()[0]) == "ct to mri, seed 0, source-only"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ct", "ct", (0,)), "two domains"),
        (("ct", "mri", ()), "empty"),
        (("ct", "mri", (1, 0, 1)), "1 twice"),
        (("ct", "mri", (-1,)), "-1"),
        (("ct", "mri", (2**31,)), "2147483648"),
    ],
)
def test_what_is_no_plan(arguments, message):
    with pytest.raises(UserError, match=message):
        make_plan([Row("ours", "ours")], *arguments)


def test_an_override_goes_to_the_rows_that_have_it():
    plan = plan_of("source-only,adaoutput+se,ours")
    common = Common(
        preset="smoke",
        overrides=("se.weight=0.25", "train.iterations=3"),
        config={"recipe": "released-code", "train": {"iterations": 7, "lr": 0.02}},
    )
    plan.validate(common)
    settings = {cell.row.name: compose_cell(cell, common)[1] for cell in plan.cells()}
    assert {name: one.train.iterations for name, one in settings.items()} == dict.fromkeys(settings, 3)
    assert {name: one.train.lr for name, one in settings.items()} == dict.fromkeys(settings, 0.02)
    assert settings["ours"].se.weight == settings["adaoutput+se"].se.weight == 0.25
    assert settings["ours"].recipe == "released-code" and settings["source-only"].recipe is None
    assert "se.weight=0.25" not in overrides_of(plan.rows[0], common)


def test_an_override_of_no_row_is_refused_with_the_nearest_name():
    for text, message in (
        ("train.iteration=3", "did you mean 'train.iterations'"),
        ("trian.iterations=3", "did you mean 'train'"),
        ("se.weight=1", "no row has the section 'se'"),
        ("seed=1", "option of its own"),
        ("no-equals", "name=value"),
    ):
        with pytest.raises(UserError, match=message):
            plan_of("source-only").validate(Common(preset="smoke", overrides=(text,)))


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ("adaoutput,sifa-v1,ours", "unknown recipe 'relased-code' of ours; did you mean 'released-code'"),
        ("adaoutput,sifa-v1", "unknown recipe 'relased-code' of sifa-v1; recipes: paper"),
        ("source-only,adaoutput", "method source-only has no recipes"),
    ],
)
def test_a_recipe_of_no_row_is_refused_by_the_row_with_the_nearest(methods, message):
    for common in (
        Common(preset="smoke", overrides=("recipe=relased-code",)),
        Common(config={"recipe": "relased-code"}),
    ):
        with pytest.raises(UserError, match=message):
            plan_of(methods).validate(common)


def test_an_override_may_be_meant_for_a_row_that_is_there_already():
    common = Common(preset="smoke", overrides=("se.weight=1",))
    plan_of("source-only").validate(common, others=parse_rows(["ours"]))
    plan_of("source-only").validate(common, others=[Row("theirs", "theirs")])  # its plug-in is not installed


def test_a_rows_own_overrides_go_last():
    row = Row("half", "ours", overrides=("se.weight=0", "train.iterations=5"))
    plan = make_plan([row], "ct", "mri", [0])
    settings = compose_cell(plan.cells()[0], Common(preset="smoke", overrides=("train.iterations=3",)))[1]
    assert settings.se.weight == 0 and settings.train.iterations == 5
    with pytest.raises(UserError, match="did you mean"):
        make_plan([Row("bad", "ours", overrides=("se.wieght=0",))], "ct", "mri", [0]).validate(SMOKE)
