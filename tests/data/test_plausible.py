"""Volumes that are not of their domain."""

import pytest

from seasa_da.data.plausible import not_hounsfield, odd_ones_out, unusual, usual_intensities

CT = [((-1000.0, -80.0, 380.0 + 10 * n),) for n in range(6)]
MR = [((0.0, 150.0 + 20 * n, 900.0 + 60 * n),) for n in range(6)]


def test_the_domains_own_volumes_are_usual():
    for cases in (CT, MR):
        usual = usual_intensities(["image"], cases)
        assert all(unusual(case, usual) is None for case in cases)
    # a scanner without a unit may well be half as bright again
    assert unusual(((0.0, 330.0, 1500.0),), usual_intensities(["image"], MR)) is None


@pytest.mark.parametrize(
    ("own", "cases"),
    [
        (MR[0], CT),
        (CT[0], MR),
        (((24.0, 944.0, 1404.0),), CT),
        (((0.0, 0.2, 0.9),), MR),
        (((0.0, 3000.0, 15000.0),), MR),
    ],
    ids=["MR as CT", "CT as MR", "HU not rescaled", "in 0 to 1", "sixteen times as bright"],
)
def test_others_are_told_with_both_figures(own, cases):
    line = unusual(own, usual_intensities(["T1"], cases))
    assert line.startswith("T1: ")
    assert f"{own[0][1]:g}" in line
    assert "\n" not in line


def test_an_almost_empty_picture_is_usual_where_others_are_too():
    pictures = [((0.0, 3.0, 40.0 + 30 * n),) for n in range(7)]
    assert odd_ones_out(["grey"], pictures, ["train"] * 7) == [None] * 7
    assert unusual(((2.0, 2.5, 3.0),), usual_intensities(["grey"], pictures)) is not None


def test_too_few_volumes_say_nothing():
    assert usual_intensities(["CT"], CT[:2]) is None
    assert unusual(MR[0], None) is None
    assert odd_ones_out(["CT"], [*CT[:2], MR[0]], ["train"] * 3) == [None] * 3


def test_the_odd_one_out_does_not_vouch_for_itself():
    cases, splits = [*CT, MR[0], MR[3]], [*["train"] * 6, "train", "test"]
    found = odd_ones_out(["CT"], cases, splits)
    assert [line is not None for line in found] == [False] * 6 + [
        True,
        False,
    ]  # the one in training vouches for the other
    found = odd_ones_out(["CT"], [*CT, MR[3]], [*["train"] * 6, "test"])
    assert [line is not None for line in found] == [False] * 6 + [True]


def test_every_channel_is_looked_at():
    two = [(ct[0], mr[0]) for ct, mr in zip(CT, MR, strict=True)]
    assert unusual((CT[0][0], CT[0][0]), usual_intensities(["CT", "MR"], two)).startswith("MR: ")


def test_hounsfield_units():
    assert not_hounsfield("CT", (-1000.0, 40.0, 900.0)) is None
    assert "not Hounsfield units" in not_hounsfield("CT", (0.0, 1040.0, 1900.0))
    assert not_hounsfield("MR", (0.0, 1040.0, 1900.0)) is None
    assert not_hounsfield("CT", (0.0, 40.0, 200.0)) is None  # a crop within the body
