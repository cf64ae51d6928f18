"""Intensity rules by hand-computed values, and the ranges of whole domains."""

import numpy as np
import pytest

from seasa_da.config import DataSettings
from seasa_da.data.intensity import IntensityHistogram, Rule, check_rule_domains, choose_rules, parse_rule, to_range
from seasa_da.errors import UserError

INSIDE = np.array([[[True, True, True, True, False]]])


def scaled(rule, values):
    """What a rule makes of four voxels in the field of view and one outside."""
    images = np.array([[[*values, 99]]], dtype=np.float32)
    rule.measure(images[INSIDE]).apply(images, INSIDE)
    return images[0, 0].tolist()


def test_zscore_cuts_the_top_and_standardises():
    # the 75th percentile of 0, 2, 4, 106 is 4 + 0.25 * 102 = 29.5; mean of 0, 2, 4, 29.5 is 8.875
    clipped = np.array([0, 2, 4, 29.5])
    expected = (clipped - clipped.mean()) / clipped.std()
    assert scaled(parse_rule("zscore:25"), [0, 2, 4, 106]) == pytest.approx([*expected, expected[0]], abs=1e-5)


def test_small_units_are_no_constant():
    clipped = np.array([0, 2, 4, 29.5])
    expected = (clipped - clipped.mean()) / clipped.std()
    values = [0, 2e-10, 4e-10, 106e-10]  # an ADC map in m²/s
    assert scaled(parse_rule("zscore:25"), values) == pytest.approx([*expected, expected[0]], abs=1e-5)


def test_a_window_clips_and_keeps_the_unit():
    assert scaled(parse_rule("window:-200,500"), [-1000, -100, 40, 3000]) == [-200, -100, 40, 500, -200]
    assert parse_rule("window:-200,500").fixed_range == (-200, 500)


def test_percentiles_become_minus_one_and_one():
    assert scaled(parse_rule("percentiles:0,100"), [10, 20, 30, 50]) == [-1, -0.5, 0, 1, -1]
    # 25th and 75th of 0, 10, 20, 30 are 7.5 and 22.5
    assert scaled(parse_rule("percentiles:25,75"), [0, 10, 20, 30]) == pytest.approx([-1, -2 / 3, 2 / 3, 1, -1])
    assert parse_rule("percentiles").fixed_range == (-1, 1)


@pytest.mark.parametrize(
    ("rule", "values", "message"),
    [
        ("zscore", [3, 3, 3, 3], r"same value everywhere \(3\)"),
        ("window:0,100", [-5, -4, -3, 0], "all on one side of the window 0 to 100"),
        ("window:0,100", [100, 200, 300, 400], "from 100 to 400"),
        ("percentiles:1,50", [7, 7, 7, 9], "same value"),
    ],
)
def test_nothing_to_see_is_refused(rule, values, message):
    with pytest.raises(ValueError, match=message):
        scaled(parse_rule(rule), values)


def test_rules_and_their_texts():
    for text in ("zscore:2", "window:-1000,400.5", "percentiles:0.5,99.5"):
        assert str(parse_rule(text)) == text
    # no two rules have one text
    for text in ("window:-1234567,1234568.5", "zscore:0.1234567", "percentiles:0.5,99.999999"):
        assert parse_rule(str(parse_rule(text))) == parse_rule(text)
    assert parse_rule("percentiles:0.5,99.999999").high == 99.999999
    assert parse_rule("zscore", cut_percent=3) == Rule("zscore", 0, 97)
    assert str(parse_rule(" window ")) == "window:-200,500"


NO_RULES = ["", "hu", "auto", "window:1", "window:a,b", "window:1,2,3", "window:5,1", "window:0,inf"]


@pytest.mark.parametrize("text", [*NO_RULES, "zscore:60", "zscore:1,2", "percentiles:-1,50", "percentiles:nan,50"])
def test_what_is_no_rule_is_refused_with_the_form(text):
    with pytest.raises(UserError, match="intensity rule"):
        parse_rule(text)


def test_rules_follow_modality_what_is_published_and_the_settings():
    def chosen(settings, channels=("CT", "MRI (T1)", "stained"), published=None):
        return [str(rule) for rule in choose_rules("a", channels, published, settings)]

    auto = DataSettings()
    assert chosen(auto) == ["window:-200,500", "percentiles:0.5,99.5", "zscore:2"]
    assert chosen(auto, ("ct",), "zscore") == ["zscore:2"]
    assert chosen(DataSettings(intensity="window:0,80"), ("CT", "MR"), "zscore") == ["window:0,80"] * 2
    mapped = DataSettings(intensity={"a": "percentiles"}, histogram_cut_percent=1.0)
    assert chosen(mapped, ("CT",)) == ["percentiles:0.5,99.5"]
    assert [str(rule) for rule in choose_rules("b", ("PET",), None, mapped)] == ["zscore:1"]
    check_rule_domains(mapped, ("a", "b"))
    with pytest.raises(UserError, match=r"there is no domain 'a', which .* has a rule for; the domains here are b, c"):
        check_rule_domains(mapped, ("b", "c"))


def test_percentiles_of_a_histogram_in_parts():
    values = np.random.default_rng(2).normal(size=(2, 5000)).astype(np.float32)
    parts = IntensityHistogram()
    for row in values:
        part = IntensityHistogram()
        part.add(row)
        parts.merge(part)
    for percent in (0.1, 50, 99.9):
        expected = np.percentile(values, percent, method="inverted_cdf")
        assert parts.percentile(percent) == pytest.approx(expected, abs=1 / 4096)


def test_range():
    images = np.array([-3, -1, 0, 1, 3], dtype=np.float32)
    assert to_range(images, lo=-2.0, hi=2.0).tolist() == [-1, -0.5, 0, 0.5, 1]
