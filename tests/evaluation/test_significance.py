import itertools

import numpy as np
import pytest
from scipy import stats

from seasa_da.evaluation.significance import bootstrap_interval, holm, paired_p, smallest_p


def by_case(values):
    return {f"c{index}": value for index, value in enumerate(values)}


def p_of_differences(differences):
    return paired_p(by_case(differences), by_case([0.0] * len(differences)))


def by_trying_all_signs(differences):
    """The definition: of all signs of the ranks, the share whose sum lies as far from the middle."""
    kept = [d for d in differences if d]
    ranks = stats.rankdata(np.abs(kept))
    seen = sum(rank for rank, d in zip(ranks, kept, strict=True) if d > 0)
    middle = ranks.sum() / 2
    sums = [np.dot(ranks, signs) for signs in itertools.product((0, 1), repeat=len(kept))]
    return np.mean([abs(s - middle) >= abs(seen - middle) - 1e-9 for s in sums])


@pytest.mark.parametrize("cases", range(1, 9))
def test_paired_p_is_that_of_all_signs(cases):
    rng = np.random.default_rng(cases)
    for _ in range(5):
        differences = rng.normal(0.5, 1, cases)
        assert p_of_differences(differences) == pytest.approx(by_trying_all_signs(differences))
        tied = rng.integers(-3, 4, cases).astype(float)
        if tied.any():
            assert p_of_differences(tied) == pytest.approx(by_trying_all_signs(tied))


@pytest.mark.parametrize("cases", [5, 20, 45])
def test_paired_p_is_scipys(cases):
    differences = np.random.default_rng(cases).normal(0.3, 1, cases)
    assert p_of_differences(differences) == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([1, 2, 3, 4], 2 / 16),  # all on one side
        ([-1, 2, 3, 4], 4 / 16),  # rank sums 0 and 1, on both sides
        ([1, -1], 1.0),
        ([0, 0, 0], 1.0),
        ([0, 1, 2, 3], 2 / 8),  # the case without a difference does not count
        ([7], 1.0),
    ],
)
def test_paired_p_by_hand(differences, expected, recwarn):
    assert p_of_differences(differences) == pytest.approx(expected)
    assert not recwarn.list


def test_paired_p_takes_common_cases_and_keeps_ties_tied():
    a = {"p1": 0.1 + 0.2, "p2": 5.0, "p3": 9.0}
    assert paired_p(a, {"p1": 0.3, "p2": 4.0, "other": 0.0}) == 1.0  # p1 does not differ, p2 alone says nothing
    assert paired_p(a, {"other": 0.0}) is None and paired_p({}, {}) is None


def test_paired_p_does_not_depend_on_the_side():
    values = np.random.default_rng(0).normal(1, 1, 9)
    assert p_of_differences(values) == pytest.approx(p_of_differences(-values))
    assert p_of_differences(np.arange(1, 101)) < 1e-29


def test_smallest_p():
    assert [smallest_p(n) for n in (0, 1, 2, 4, 6)] == [1, 1, 0.5, 0.125, 0.03125]
    for cases in range(1, 8):
        assert p_of_differences(np.arange(1, cases + 1)) == pytest.approx(smallest_p(cases))


def test_holm_by_hand():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
        {"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02}
    )
    assert holm({"a": 0.5, "b": 0.9}) == {"a": 1.0, "b": 1.0}
    assert holm({"alone": 0.03}) == {"alone": 0.03}
    assert holm({}) == {}


def test_holm_is_the_closed_test_of_bonferroni():
    """Of all sets of comparisons that hold one, the largest Bonferroni p: another way to the same numbers."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        ps = by_case(rng.uniform(0, 0.3, 5))
        names = list(ps)
        sets = [s for size in range(1, 6) for s in itertools.combinations(names, size)]
        expected = {n: max(min(1, len(s) * min(ps[m] for m in s)) for s in sets if n in s) for n in names}
        assert holm(ps) == pytest.approx(expected)
        assert list(holm(ps)) == names


def test_bootstrap_interval_of_few_or_equal_cases():
    assert bootstrap_interval([]) is None
    assert bootstrap_interval([70.0]) is None
    assert bootstrap_interval([70.0, 70.0, 70.0]) == pytest.approx((70, 70))
    # means of two cases drawn from {0, 1}: 0 and 1 with probability 1/4 each
    assert bootstrap_interval([0.0, 1.0]) == (0, 1)
    assert bootstrap_interval([0.0, 1.0], confidence=0.4) == (0.5, 0.5)
    with pytest.raises(ValueError, match="confidence"):
        bootstrap_interval([0.0, 1.0], confidence=95)


def test_bootstrap_interval_is_scipys():
    values = np.random.default_rng(0).normal(70, 5, 30)
    own = bootstrap_interval(values)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=10_000).confidence_interval
    assert own == pytest.approx(tuple(theirs), abs=0.15)
    assert own == bootstrap_interval(values) != bootstrap_interval(values, seed=1)


def test_bootstrap_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    intervals = [bootstrap_interval(rng.normal(70, 5, 40), draws=500) for _ in range(200)]
    assert 0.88 <= np.mean([low <= 70 <= high for low, high in intervals]) <= 0.99


def test_bootstrap_interval_over_structures_and_seeds():
    flat = np.random.default_rng(1).normal(70, 5, 6)
    cube = np.broadcast_to(flat[:, None, None], (6, 3, 2))
    assert bootstrap_interval(cube) == pytest.approx(bootstrap_interval(flat))
    # A case without any score is no case; a structure weighs the same however few cases have it.
    some = np.full((3, 2, 1), np.nan)
    some[0, :, 0], some[1, 0, 0] = (2.0, 8.0), 2.0
    assert bootstrap_interval(some) == pytest.approx((2, 5))  # (2, 8), (2, 8 once) or (2, -): means 5, 5, 2
    assert bootstrap_interval(some[[0, 2]]) is None
    assert bootstrap_interval(np.full((4, 2, 1), np.nan)) is None
