import pytest

from seasa_da.evaluation.comparison_warnings import comparison_warnings


def warned(cases, *, asd=None):
    """For rows of one seed, or `(seed, cases)` pairs, tested against "ours"; ASD is defined unless said otherwise."""
    scored = {
        name: dict(own) if own and isinstance(own[0], tuple) else {0: set(own)} if own else {}
        for name, own in cases.items()
    }
    dice = {name: set().union(*runs.values()) for name, runs in scored.items()}
    ours = dice.pop("ours", None)
    if ours is None:
        return comparison_warnings(scored, {"dice": {}, "asd": {}})
    distances = {name: set((asd or {}).get(name, values)) for name, values in dice.items()}
    shared = {
        metric: {name: len(values & ours) for name, values in rows.items()}
        for metric, rows in (("dice", dice), ("asd", distances))
    }
    return comparison_warnings(scored, shared)


TEN = [f"c{i}" for i in range(10)]


def test_nothing_to_warn_of():
    assert warned({"a": TEN, "ours": TEN}) == []
    assert warned({"a": [], "ours": TEN}) == []
    assert warned({"a": TEN}) == [] == warned({})


@pytest.mark.parametrize(
    ("cases", "rows", "said"),
    [
        (4, 1, "4 cases are too few … corrected for 1 row, is 0.125."),
        (1, 2, "1 case is too few … corrected for 2 rows, is 1.000."),
        (6, 2, "6 cases are too few … corrected for 2 rows, is 0.062."),
        (6, 1, None),
    ],
)
def test_too_few_cases(cases, rows, said):
    found = warned({**{f"m{i}": TEN[:cases] for i in range(rows)}, "ours": TEN[:cases]})
    between = "for the test to say anything: its smallest possible p,"
    assert found == ([said.replace("…", between)] if said else [])


def test_too_few_cases_by_metric_where_fewer_rows_have_distances():
    found = warned({"a": TEN[:4], "b": TEN[:4], "ours": TEN[:4]}, asd={"b": []})
    assert found == [
        "4 cases are too few for the test of Dice to say anything: its smallest possible p, corrected for 2 rows, is "
        "0.250.",
        "4 cases are too few for the test of ASD to say anything: its smallest possible p, corrected for 1 row, is "
        "0.125.",
        "p values in ASD that rest on fewer than 4 cases: b on 0.",
    ]


def test_other_cases():
    assert warned({"a": TEN[:8], "ours": TEN}) == [
        "The means are not over the same cases: of 10 cases, a has 8 in all of its runs.",
        "p values in Dice that rest on fewer than 10 cases: a on 8.",
        "p values in ASD that rest on fewer than 10 cases: a on 8.",
    ]
    one_run_less = [(0, set(TEN)), (1, set(TEN[:9]))]
    assert warned({"a": one_run_less, "ours": [(0, set(TEN)), (1, set(TEN))]}) == [
        "The means are not over the same cases: of 10 cases, a has 9 in all of its runs."
    ]


def test_distances_on_fewer_cases():
    found = warned({"a": TEN, "b": TEN, "ours": TEN}, asd={"a": TEN[:7], "b": []})
    assert found == ["p values in ASD that rest on fewer than 10 cases: a on 7, b on 0."]


def test_other_seeds():
    three = [(seed, set(TEN)) for seed in range(3)]
    assert warned({"a": three, "b": three[:1], "ours": three}) == [
        "The rows do not have the same seeds: 0, 1, 2, but b has 0."
    ]
