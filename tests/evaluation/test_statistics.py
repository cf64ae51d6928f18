import dataclasses
import json

import numpy as np
import pytest

from seasa_da.evaluation.scores import StructureScore
from seasa_da.evaluation.statistics import MethodRuns, Spread, case_means, compare_methods, paired_case_means, paired_p

NAMES = ["AA", "MYO"]


def scores(cases):
    """Of `{case: (dice of AA, dice of MYO, asd of AA, asd of MYO)}`."""
    return [
        StructureScore(case, name, values[place], values[2 + place], 9, 9)
        for case, values in cases.items()
        for place, name in enumerate(NAMES)
    ]


def method(name, *runs, oracle=False):
    return MethodRuns(name, oracle, {seed: scores(cases) for seed, cases in enumerate(runs)})


def shifted(name, shift, cases=4, **more):
    return method(name, {f"c{i}": (60.0 + i + shift * (i + 1), 40.0, 2.0, 3.0) for i in range(cases)}, **more)


TWO_SEEDS = method(
    "ours",
    {"p1": (80.0, 60.0, 1.0, None), "p2": (60.0, 40.0, 3.0, 4.0)},
    {"p1": (90.0, 50.0, 2.0, None), "p2": (70.0, 30.0, 4.0, None)},
)


def test_case_means():
    assert case_means(TWO_SEEDS, "dice") == {"p1": 70.0, "p2": 50.0}
    # p2: (3 + 4) / 2 in one seed, 4 in the other
    assert case_means(TWO_SEEDS, "asd") == {"p1": 1.5, "p2": 3.75}
    nothing = method("x", {"p1": (0.0, 0.0, None, None), "p2": (0.0, 0.0, None, 5.0)})
    assert case_means(nothing, "asd") == {"p2": 5.0}
    assert case_means(MethodRuns("x", False, {}), "dice") == {}


def test_a_row_by_hand():
    (row,) = compare_methods([TWO_SEEDS], NAMES).rows
    assert (row.name, row.oracle, row.seeds, row.cases) == ("ours", False, [0, 1], 2)
    root2 = 2**0.5
    assert row.dice.structures["AA"] == Spread(75.0, pytest.approx(10 / root2))
    assert row.dice.structures["MYO"] == Spread(45.0, pytest.approx(10 / root2))
    assert row.dice.structures["mean"] == Spread(60.0, 0.0)
    assert row.dice.seed_means == [60.0, 60.0]
    assert row.dice.interval == pytest.approx((50, 70))
    assert row.asd.structures["AA"] == Spread(2.5, pytest.approx(1 / root2))
    assert row.asd.structures["MYO"] == Spread(4.0, None)  # one seed has a distance
    # In the second seed MYO was missed everywhere: it has no mean distance, and then neither has the row.
    assert row.asd.seed_means == [3.0, None]
    assert row.asd.structures["mean"] == Spread(None, None) and row.asd.interval is None
    assert row.asd_undefined == {"AA": 0, "MYO": 3, "mean": 3}
    assert row.asd_total == {"AA": 4, "MYO": 4, "mean": 8}
    assert row.dice.p is row.dice.p_holm is None


def test_further_metrics_are_summarised_and_not_tested():
    seen = [
        StructureScore("p1", "AA", 80.0, 1.0, 10, 8, 2.0, 90.0, -20.0),
        StructureScore("p1", "MYO", 70.0, 2.0, 10, 14, 6.0, 50.0, 40.0),
    ]
    missed = [seen[0], StructureScore("p1", "MYO", 0.0, None, 10, 0, None, 0.0, -100.0)]
    old = [StructureScore("p1", name, 80.0, 1.0, 10, 8) for name in NAMES]
    odd = [seen[0], dataclasses.replace(seen[1], hd95=float("nan"))]
    rows = [
        MethodRuns(str(n), False, dict(enumerate(runs))) for n, runs in enumerate([[seen, missed], [seen, old], [odd]])
    ]
    both, half, strange = compare_methods(rows, NAMES).rows
    root2 = 2**0.5
    assert both.further["hd95"]["AA"] == Spread(2.0, 0.0)
    # In the second seed MYO was missed everywhere.
    assert both.further["hd95"]["MYO"] == both.further["hd95"]["mean"] == Spread(None, None)
    assert both.hd95_undefined == {"AA": 0, "MYO": 1, "mean": 1}
    assert both.further["surface_dice"]["mean"] == Spread(57.5, pytest.approx(25 / root2))
    assert both.further["volume_error"]["mean"] == Spread(45.0, pytest.approx(30 / root2))
    assert all(spread == Spread(None, None) for spreads in half.further.values() for spread in spreads.values())
    assert strange.further["hd95"]["MYO"].mean is None and strange.further["hd95"]["AA"].mean == 2.0


def test_the_interval_is_of_the_mean_that_is_shown():
    rng = np.random.default_rng(0)
    gaps = method("x", {f"c{i}": (50.0, 50.0, 1.0 + rng.random(), 20.0 if i % 3 else None) for i in range(12)})
    (row,) = compare_methods([gaps], NAMES).rows
    low, high = row.asd.interval
    assert low <= row.asd.structures["mean"].mean <= high


def test_to_miss_a_structure_wins_no_test():
    ours = method("ours", {f"c{i}": (60.0, 40.0, 2.0, 20.0 + i) for i in range(10)})
    blind = method("blind", {f"c{i}": (60.0, 0.0, 2.5, None) for i in range(10)})
    row = compare_methods([blind, ours], NAMES).rows[0]
    assert row.asd.structures["mean"].mean is None
    # Tested on AA alone, where it is worse by half a millimetre.
    assert paired_case_means(blind, ours, "asd") == (
        {f"c{i}": 2.5 for i in range(10)},
        {f"c{i}": 2.0 for i in range(10)},
    )
    assert row.asd.p == pytest.approx(2 / 2**10)


def test_pairs_are_of_the_same_seeds():
    one = method("one", {"a": (10.0, 10.0, None, None)}, {"a": (50.0, 50.0, None, None)})
    other = MethodRuns("other", False, {1: scores({"a": (60.0, 40.0, None, None)})})
    assert paired_case_means(one, other, "dice") == ({"a": 50.0}, {"a": 50.0})
    assert paired_case_means(one, MethodRuns("x", False, {7: other.runs[1]}), "dice") == ({}, {})


def test_p_against_one_row():
    rows = [shifted("worse", -2, cases=8), shifted("better", 3, cases=8, oracle=True), shifted("ours", 0, cases=8)]
    comparison = compare_methods(rows, NAMES)
    worse, better, ours = comparison.rows
    assert comparison.against == "ours" and comparison.warnings == []
    assert worse.dice.p == better.dice.p == pytest.approx(2 / 2**8)
    assert worse.dice.p_holm == better.dice.p_holm == pytest.approx(4 / 2**8)
    assert worse.asd.p == worse.asd.p_holm == 1.0  # no distance differs
    assert ours.dice.p is ours.asd.p_holm is None
    assert worse.dice.p == paired_p(case_means(rows[0], "dice"), case_means(rows[2], "dice"))


def test_without_the_row_compared_with():
    comparison = compare_methods([shifted("a", 1), shifted("b", 2)], NAMES)
    assert comparison.against is None and comparison.warnings == []
    assert all(row.dice.p is None and row.dice.p_holm is None for row in comparison.rows)
    assert compare_methods([shifted("a", 1), shifted("b", 2)], NAMES, against="b").rows[0].dice.p == 0.125


@pytest.mark.parametrize("runs", [{}, {0: [], 1: []}])
def test_nothing_known_is_none_everywhere(runs, recwarn):
    comparison = compare_methods([MethodRuns("crst", False, runs), shifted("ours", 0, cases=6)], NAMES)
    row = comparison.rows[0]
    nothing = dict.fromkeys([*NAMES, "mean"], Spread(None, None))
    for metric in (row.dice, row.asd):
        assert metric.structures == nothing
        assert metric.interval is metric.p is metric.p_holm is None
        assert metric.seed_means == [None] * len(runs)
    assert row.asd_undefined == dict.fromkeys([*NAMES, "mean"]) and row.cases == 0 and row.seeds == list(runs)
    assert comparison.warnings == [] and not recwarn.list
    assert compare_methods([], NAMES).rows == []
    assert compare_methods([MethodRuns("ours", False, runs)], NAMES).warnings == []


def test_it_is_json_and_holds_no_nan():
    rows = [TWO_SEEDS, shifted("a", 1), MethodRuns("b", False, {}), MethodRuns("c", False, {0: []})]
    rows.append(method("d", {"p1": (0.0, 0.0, float("nan"), float("inf"))}))
    comparison = compare_methods(rows, NAMES)
    content = json.loads(json.dumps(dataclasses.asdict(comparison), allow_nan=False))
    assert content["rows"][0]["dice"]["structures"]["mean"] == {"mean": 60.0, "std": 0.0}
    assert comparison.rows[-1].asd_undefined["mean"] == 2


def test_scores_of_other_structures_are_not_looked_at():
    more = [*TWO_SEEDS.runs[0], StructureScore("p9", "RV", 100.0, 0.1, 9, 9)]
    with_more = MethodRuns("ours", False, {0: more})
    without = MethodRuns("ours", False, {0: TWO_SEEDS.runs[0]})
    assert compare_methods([with_more], NAMES) == compare_methods([without], NAMES)


def test_misuse():
    with pytest.raises(ValueError, match="one name"):
        compare_methods([TWO_SEEDS, TWO_SEEDS], NAMES)
    with pytest.raises(ValueError, match="Dice of AA in p1"):
        compare_methods([method("x", {"p1": (float("nan"), 1.0, 1.0, 1.0)})], NAMES)
