import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch

from reporting.figures.sheets import check_texts, said
from reporting.figures.slices import LONG, METHODS, NAMES
from seasa_da.reporting.colours import PAPER
from seasa_da.reporting.figures.structures import Scores, structures_figure

GOOD, MISSED = Scores([80.0, 90.0, 85.0], [1.0, 2.0, 3.0]), Scores([0.0, 0.0, 10.0], [30.0], undefined=2)


def boxes(axes):
    return [patch for patch in axes.patches if isinstance(patch, PathPatch)]


def test_a_panel_a_structure_and_metric_and_a_box_a_method():
    sheet = structures_figure({"ours": dict.fromkeys(NAMES, GOOD), "b": dict.fromkeys(NAMES, MISSED)}, NAMES)
    axes = sheet.figure.axes
    assert [one.get_title() for one in axes] == NAMES * 2
    assert [one.get_xlabel() for one in axes] == ["Dice [%]"] * 4 + ["ASD [mm]"] * 4
    assert [len(boxes(one)) for one in axes] == [2] * 8
    for one in axes:
        assert to_hex(boxes(one)[0].get_facecolor()).upper() == PAPER[one.get_title()]
    assert [text.get_text() for text in axes[0].get_yticklabels()] == ["ours", "b"]
    assert said(sheet).count("2 und.") == 4
    assert len({one.get_xlim() for one in axes[4:]}) == 1
    check_texts(sheet)


def test_the_box_is_the_quartiles_and_the_line_the_median():
    sheet = structures_figure({"ours": {"AA": Scores([10.0, 20.0, 30.0, 40.0, 60.0], [1.0])}}, ["AA"])
    box = boxes(sheet.figure.axes[0])[0].get_path().get_extents()
    assert (box.x0, box.x1) == (20, 40)


def test_a_structure_that_is_not_scored_has_no_box():
    sheet = structures_figure({"ours": {"AA": GOOD}, "b": {"AA": GOOD, "MYO": Scores([5.0], [], 1)}}, ["AA", "MYO"])
    assert [len(boxes(one)) for one in sheet.figure.axes] == [2, 1, 2, 0]
    assert said(sheet).count("–") == 2
    assert "1 und." in said(sheet)
    check_texts(sheet)


def test_units():
    sheet = structures_figure({"ours": {"AA": GOOD}}, ["AA"], units="voxel")
    assert "ASD [voxel]" in said(sheet)


@pytest.mark.parametrize("methods", [1, 12])
@pytest.mark.parametrize("structures", [1, 7, 10])
def test_nothing_overlaps(methods, structures):
    names = [*LONG, "eight", "nine", "ten"][:structures]
    scores = {
        name: dict.fromkeys(names, Scores([5.0] * 4, [123.4, 5.0], 112 if number % 2 else 0))
        for number, name in enumerate(METHODS[-methods:])
    }
    check_texts(structures_figure(scores, names, title="t" * 200))
