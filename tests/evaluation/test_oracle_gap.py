"""The oracle gap, by hand."""

import pytest

from seasa_da.evaluation.oracle_gap import ScoredCandidates, agreement, gap_row

FIRST = ScoredCandidates(
    "im", [{"im": 1.0, "snd": 3.0}, {"im": 2.0, "snd": 2.0}, {"im": 0.0, "snd": 1.0}], [50, 60, 55]
)
SECOND = ScoredCandidates(
    "im", [{"im": 3.0, "snd": 1.0}, {"im": 2.0, "snd": 2.0}, {"im": 1.0, "snd": 3.0}], [40, 44, 48]
)
SILENT = ScoredCandidates("last", [{"im": 1.0, "snd": None}, {"im": 2.0, "snd": None}], [30, 20])


def test_what_is_chosen():
    assert [FIRST.chosen(by) for by in ("last", "im", "snd")] == [55, 60, 50]
    assert [SILENT.chosen(by) for by in ("last", "im", "snd")] == [20, 20, None]


def test_a_row_is_the_mean_of_its_seeds():
    row = gap_row("ours", False, {1: SECOND, 0: FIRST}, ["im", "snd"])
    assert row.seeds == [0, 1]
    assert row.by == {"last": 51.5, "im": 50.0, "snd": 49.0}
    assert (row.selected, row.best, row.gap) == (50.0, 54.0, 4.0)


def test_a_validator_that_is_silent_for_one_seed_has_no_mean():
    row = gap_row("ours", False, {0: FIRST, 1: SILENT}, ["im", "snd"])
    assert row.by["snd"] is None
    assert row.selected == pytest.approx((60 + 20) / 2)


def test_agreement_over_runs():
    found = agreement([FIRST, SECOND, SILENT], "im")
    assert found.runs == 3
    assert found.dice == pytest.approx((60 + 40 + 20) / 3)
    assert (found.regret, found.worst) == (pytest.approx((0 + 8 + 10) / 3), 10)
    # Spearman of (1, 2, 0) with (50, 60, 55) is 0.5, of (3, 2, 1) with (40, 44, 48) is -1; two are too few
    assert found.correlation == pytest.approx(-0.25)
    silent = agreement([SILENT], "snd")
    assert (silent.runs, silent.dice, silent.worst, silent.correlation) == (0, None, None, None)


def test_equal_scores_have_no_rank():
    flat = ScoredCandidates("last", [{"im": 1.0}] * 3, [1, 2, 3])
    assert flat.correlation("im") is None
    assert flat.correlation("last") == pytest.approx(1)


def test_no_run_is_refused():
    with pytest.raises(ValueError, match="no run"):
        gap_row("ours", False, {}, [])
