import pytest

from seasa_da.comparison.rows import Row, all_rows, in_table_order, parse_rows
from seasa_da.errors import UserError
from seasa_da.registry import METHODS
from seasa_da.reporting.published import PAPER_NAMES


def test_all_rows_are_the_papers_in_its_order():
    names = [row.name for row in all_rows()]
    assert len(names) == 11 and {name: METHODS[name].row for name in names} == PAPER_NAMES
    assert names == list(PAPER_NAMES)
    assert {name for name, spec in METHODS.items() if spec.bound} == {"supervised", "source-only"}


def test_rows_with_add_ons():
    assert parse_rows(["ours", " adaoutput + se+asa"]) == [
        Row("ours", "ours"),
        Row("adaoutput+se+asa", "adaoutput", ("se", "asa")),
    ]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["our"], "did you mean 'ours'"),
        (["adaoutput+sse"], "did you mean 'se'"),
        (["ours+se"], "ours"),
        (["ours", "adaoutput", "ours"], "ours twice"),
        (["adaoutput+se+asa", "adaoutput+asa+se"], "twice"),
        ([], "empty"),
    ],
)
def test_what_is_no_row(texts, message):
    with pytest.raises(UserError, match=message) as caught:
        parse_rows(texts)
    assert "\n" not in str(caught.value)


def test_table_order():
    extra, other = Row("adaoutput+se", "adaoutput", ("se",)), Row("other", "ours")
    rows = [extra, Row("ours", "ours"), other, Row("supervised", "supervised")]
    names = ["supervised", "source-only", "ours"]
    assert [row.name for row in in_table_order(rows, names)] == ["supervised", "ours", "adaoutput+se", "other"]


@pytest.mark.parametrize(
    ("row", "assignment", "has"),
    [
        ("source-only", "train.lr=1", True),
        ("source-only", "se.weight=1", False),
        ("adaoutput+se", "se.weight=1", True),
        ("ours", "recipe=released-code", True),
        ("ours", "recipe=null", False),
        ("adaoutput", "recipe=released-code", False),
        ("ours", "seed=3", True),  # to be refused when the settings are composed
    ],
)
def test_which_settings_a_row_has(row, assignment, has):
    assert parse_rows([row])[0].has(assignment) is has
