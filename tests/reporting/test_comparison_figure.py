import itertools

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure

from seasa_da.errors import UserError
from seasa_da.evaluation.statistics import MethodRuns, compare_methods
from seasa_da.reporting.colours import rgb
from seasa_da.reporting.comparison_figure import CHOSEN, LOWER, OTHER, UPPER, comparison_figure

from .comparisons import FAILURES, NAMES, comparison, runs

BOTH = {("ct", "mri"): comparison(), ("mri", "ct"): comparison(seeds=1)}


@pytest.fixture
def figures(monkeypatch):
    """The figures as they were saved, to be asked about what is drawn."""
    saved = []
    original = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (saved.append(self), original(self, *a, **k))[1])
    return saved


def texts(figure):
    return [t for t in figure.findobj(lambda a: type(a).__name__ == "Text") if t.get_text() and t.get_visible()]


def points(axes, colour, size):
    """x of all points of one colour and size."""
    own = [x for x in axes.get_lines() if x.get_color() == colour and x.get_marker() == "o"]
    return [float(x) for line in own if line.get_markersize() == size for x in line.get_xdata()]


def test_what_is_drawn(tmp_path, figures):
    comparison_figure(BOTH, tmp_path / "both.png", failures={("ct", "mri"): FAILURES})
    (figure,) = figures
    first, second = figure.axes
    assert points(first, CHOSEN, 4.5) == [75.0] and points(first, OTHER, 4.5) == [65.0]
    assert points(first, CHOSEN, 2.8) == [73.0, 75.0, 77.0]
    assert points(second, CHOSEN, 4.5) == [73.0] and points(second, CHOSEN, 2.8) == []  # one seed is its mean
    intervals = {line.get_color(): tuple(line.get_xdata()) for line in first.get_lines() if line.get_marker() == "|"}
    assert intervals[CHOSEN] == BOTH["ct", "mri"].rows[-1].dice.interval
    dashed = {line.get_color(): set(line.get_xdata()) for line in first.get_lines() if line.get_linestyle() == "--"}
    assert dashed == {UPPER: {90.0}, LOWER: {25.0}}
    assert first.get_xlim() == second.get_xlim()

    said = [text.get_text() for text in texts(figure)]
    for expected in ("ct → mri", "mri → ct", "mean Dice [%]", "supervised (oracle)", "ours", "single seeds", "oracle"):
        assert expected in said
    assert said.count("failed") == 1 and said.count("not yet run") == 3

    pixels = matplotlib.image.imread(tmp_path / "both.png")[..., :3]
    for colour in (CHOSEN, OTHER):
        assert (np.abs(pixels - rgb(colour)).max(-1) < 0.02).sum() > 30


@pytest.mark.parametrize("directions", [1, 2, 3])
def test_no_text_over_another_and_none_cut_off(tmp_path, figures, directions):
    names = ["an uncommonly long name of a method, in fact", "$x_1$", *(f"WWWWWW-{i}" for i in range(12)), "ours"]
    done = compare_methods([MethodRuns(name, i == 1, runs(float(i))) for i, name in enumerate(names)], NAMES)
    comparison_figure({(f"{i}", "a_target"): done for i in range(directions)}, tmp_path / "long.png")
    (figure,) = figures
    renderer = figure.canvas.get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts(figure)]
    for (one, box), (other, second) in itertools.combinations(boxes, 2):
        assert not box.padded(-1).overlaps(second.padded(-1)), (one, other)
    for text, box in boxes:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, text


def test_single_seeds_are_in_the_legend_where_some_are_drawn(tmp_path, figures):
    comparison_figure({("mri", "ct"): comparison(seeds=1)}, tmp_path / "one.png")
    assert "single seeds" not in [text.get_text() for text in texts(figures[0])]


def test_without_labels_or_rows(tmp_path, figures):
    unlabelled = compare_methods([MethodRuns("ours", False, {0: []})], NAMES)
    comparison_figure({("a", "b"): unlabelled, ("b", "a"): compare_methods([], NAMES)}, tmp_path / "none.png")
    said = [text.get_text() for text in texts(figures[0])]
    assert "no labels" in said and "not compared" in said
    comparison_figure({("a", "b"): compare_methods([], NAMES)}, tmp_path / "none.png")


def test_the_same_numbers_give_the_same_bytes_and_nothing_else_is_left(tmp_path):
    comparison_figure(BOTH, tmp_path / "one.png")
    comparison_figure(BOTH, tmp_path / "two.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "two.png"]


def test_misuse(tmp_path):
    with pytest.raises(ValueError, match="no comparisons"):
        comparison_figure({}, tmp_path / "none.png")
    with pytest.raises(UserError, match="cannot write"):
        comparison_figure(BOTH, tmp_path / "no folder" / "x.png")
