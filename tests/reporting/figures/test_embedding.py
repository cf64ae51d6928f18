import numpy as np
import pytest
from matplotlib.colors import to_hex

from reporting.figures.sheets import check_texts, legend, said
from reporting.figures.slices import LONG, NAMES
from seasa_da.reporting.colours import PAPER
from seasa_da.reporting.figures.embedding import BACKGROUND, Points, embedding_figure


def points(classes=4, count=40):
    draws = np.random.default_rng(0)
    return Points(draws.normal(size=(count, 2)), np.arange(count) % (classes + 1), np.arange(count) % 2 == 1)


def test_colours_are_classes_and_marks_are_domains():
    sheet = embedding_figure(
        {"before: a": points(), "after: b": points()}, NAMES, source="ct", target="mri", note="t-SNE"
    )
    assert len(sheet.figure.axes) == 2
    source, target = sheet.figure.axes[0].collections
    assert len(source.get_offsets()) == len(target.get_offsets()) == 20
    colours = [to_hex(colour).upper() for colour in source.get_facecolors()]
    assert colours[:5] == [[BACKGROUND, *PAPER.values()][label] for label in (0, 2, 4, 1, 3)]
    assert legend(sheet) == ["ct (source)", "mri (target)", "background", *NAMES]
    assert {"before: a", "after: b", "t-SNE"} <= set(said(sheet))
    check_texts(sheet)


def test_all_points_are_in_the_panel():
    (axes,) = embedding_figure({"ours": points()}, NAMES, source="ct", target="mri").figure.axes
    places = np.concatenate([own.get_offsets() for own in axes.collections])
    assert places[:, 0].min() > axes.get_xlim()[0] and places[:, 0].max() < axes.get_xlim()[1]
    assert places[:, 1].min() > axes.get_ylim()[0] and places[:, 1].max() < axes.get_ylim()[1]


@pytest.mark.parametrize("classes", [1, 7])
@pytest.mark.parametrize("panels", [1, 2])
def test_nothing_overlaps(classes, panels):
    named = {"p" * 80 + str(number): points(classes) for number in range(panels)}
    sheet = embedding_figure(named, LONG[:classes], source="s" * 60, target="t" * 60, note="n" * 200, title="t" * 200)
    check_texts(sheet)
