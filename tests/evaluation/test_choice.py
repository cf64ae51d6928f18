"""Which checkpoint a score chooses."""

from seasa_da.evaluation.choice import best


def test_the_highest_score():
    assert best([{"entropy": -3.0}, {"entropy": -1.0}, {"entropy": -2.0}], "entropy") == (1, "entropy")


def test_of_equals_the_latest():
    assert best([{"im": 1.0}, {"im": 1.0}, {"im": 0.5}], "im") == (1, "im")


def test_last_asks_no_validator():
    assert best([{"im": 1.0}, {"im": 0.0}], "last") == (1, "last")


def test_a_validator_that_does_not_know_all_of_them_chooses_none():
    assert best([{"im": 1.0}, {"im": None}, {"im": 0.0}], "im") == (2, "last")
    assert best([{}, {}], "source-dice") == (1, "last")
