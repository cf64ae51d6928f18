import pytest

from seasa_da.comparison.ablation_checks import check_ablation
from seasa_da.comparison.ablations import ABLATION_ROWS, WHOLE, ablation_rows, whole_tables
from seasa_da.comparison.common import Common
from seasa_da.comparison.kinds import ABLATION
from seasa_da.comparison.plan import compose_cell, make_plan
from seasa_da.errors import UserError
from seasa_da.reporting.published_ablations import ABLATION_TABLES


def plan_of(tables=None):
    return make_plan(ablation_rows(tables), "ct", "mri", [0], kind=ABLATION)


def settings_of(tables=None, *overrides):
    common = Common(preset="smoke", overrides=overrides)
    return {cell.row.name: compose_cell(cell, common) for cell in plan_of(tables).cells()}


def names(tables):
    return [row.name for row in ablation_rows(tables)]


def test_a_row_that_stands_in_several_tables_is_one():
    every = ["adaoutput", "adaoutput+se", "adaoutput+asa", "se-all", "se-reliable", "asa-all", "ours"]
    assert names(None) == names([4, 3, 2]) == list(ABLATION_ROWS) == every
    assert names([4]) == ["asa-all", "ours"] and names([3]) == ["se-all", "se-reliable", "ours"]
    assert names([2]) == ["adaoutput", "adaoutput+se", "adaoutput+asa", "ours"]
    assert {name for table in ABLATION_TABLES.values() for name in table.rows} == set(every)


def test_which_tables_are_whole():
    assert [table.number for table in whole_tables(names(None))] == [2, 3, 4] == list(WHOLE)
    assert [table.number for table in whole_tables(names([4, 2]))] == [2, 4]
    assert whole_tables(["ours", "adaoutput", "se-all"]) == []


@pytest.mark.parametrize(("tables", "message"), [([], "empty"), ([1], "1 is none"), ([3, 3], "3 twice")])
def test_what_is_no_table(tables, message):
    with pytest.raises(UserError, match=message):
        ablation_rows(tables)


def test_every_row_has_what_its_table_says():
    for name, (spec, settings) in settings_of().items():
        for table in (table for table in ABLATION_TABLES.values() if name in table.rows):
            marks = dict(zip(table.columns, table.rows[name], strict=True))
            parts = {"adversary", "se", "asa"} if spec.name == "ours" else {spec.name, *settings.addons}
            if table.number == 2:
                assert (spec.name in ("adaoutput", "ours")) is marks["Adversary"]
                assert {part: part in parts for part in ("se", "asa")} == {"se": marks["SE"], "asa": marks["ASA"]}
            elif table.number == 3:
                assert spec.name == "ours" and settings.se.minimise == marks["EntMin"].removesuffix(" pixels")
                assert settings.se.maximise == marks["EntMax"]
            else:
                assert spec.name == "ours"
                assert (
                    settings.asa.remove_unreliable is {"removed": True, "not removed": False}[marks[table.columns[0]]]
                )


def test_a_common_setting_reaches_all_rows_that_have_it():
    alphas = {name: s.asa.alpha for name, (_, s) in settings_of(None, "asa.alpha=0.1").items() if hasattr(s, "asa")}
    assert alphas == dict.fromkeys(["adaoutput+asa", "se-all", "se-reliable", "asa-all", "ours"], 0.1)
    assert check_ablation(plan_of(), Common(preset="smoke", overrides=("asa.alpha=0.1",))) == []


def test_a_rows_own_setting_stays_and_the_user_is_told():
    common = Common(preset="smoke", overrides=("se.minimise=reliable",), config={"asa": {"remove_unreliable": True}})
    assert check_ablation(plan_of(), common) == [
        "asa.remove_unreliable: asa-all keeps its own value",
        "se.minimise: se-all, se-reliable keep their own value",
    ]
    assert settings_of(None, "se.minimise=reliable")["se-all"][1].se.minimise == "all"


@pytest.mark.parametrize(
    ("override", "belied"),
    [
        ("recipe=released-code", [2, 4]),
        ("se.minimise=all", [2, 3]),
        ("se.maximise=none", [2, 3]),
        ("asa.remove_unreliable=false", [2, 4]),
        ("adversary.weight=0", [2, 3, 4]),
        ("se.weight=0", [2, 3, 4]),
        ("asa.weight=0", [2, 3, 4]),
        ("se.start=1", [2, 3, 4]),
        ("asa={start: 1}", [2, 3, 4]),
        ("se.weight=0.001", []),
        ("asa.start=0.99", []),
        ("se.ramp=1", []),
    ],
)
def test_a_setting_that_would_belie_a_table_is_refused_with_that_table_alone(override, belied):
    common = Common(preset="smoke", overrides=(override,))
    assert [number for number in ABLATION_TABLES if refused(plan_of([number]), common)] == belied


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("se.weight=0", r"table 2 needs se.weight above 0 in its row 'adaoutput\+se', here it is 0.0; leave that"),
        ("asa.start=1", r"table 2 needs asa.start below 1 in its row 'adaoutput\+asa', here it is 1.0; leave that"),
        ("adversary.weight=0", "table 2 needs adversary.weight above 0 in its row 'adaoutput', here it is 0.0;"),
    ],
)
def test_every_row_is_checked_that_has_the_component(override, message):
    with pytest.raises(UserError, match=message):
        check_ablation(plan_of(), Common(preset="smoke", overrides=(override,)))


def refused(plan, common):
    try:
        check_ablation(plan, common)
    except UserError as error:
        return "\n" not in str(error)
    return False
