import dataclasses
import itertools

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure

from seasa_da.errors import UserError
from seasa_da.reporting.colours import rgb, structure_colours
from seasa_da.reporting.overlays import OverlayRow, overlay_figure, paint, slice_to_show

NAMES = ["AA", "LAC", "LVC", "MYO"]


def make_row(height=48, width=48, **changes):
    labels = np.zeros((height, width), dtype=np.uint8)
    for value in range(1, 5):
        labels[8 : 8 + 3 * value, 8 * value : 8 * value + 6] = value
    image = np.linspace(-1, 1, height * width, dtype=np.float32).reshape(1, height, width)
    row = OverlayRow(image, labels, labels, labels, np.full((height, width), 0.5, np.float16), "ct_1003", 12)
    return dataclasses.replace(row, **changes)


@pytest.fixture
def figures(monkeypatch):
    """The figures as they were saved, to be asked about their texts."""
    saved = []
    original = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (saved.append(self), original(self, *a, **k))[1])
    return saved


def texts(figure):
    return [t for t in figure.findobj(overlays_text) if t.get_text() and t.get_visible()]


def overlays_text(artist):
    return type(artist).__name__ in ("Text", "Annotation")


def test_slice_to_show_reads_the_prediction_alone():
    labels = np.zeros((5, 4, 4), dtype=np.uint8)
    labels[3, 1:3, 1:3], labels[1, 0, 0] = 2, 4
    assert slice_to_show(labels) == 3
    assert slice_to_show(np.zeros((5, 4, 4), dtype=np.uint8)) == 2


def test_paint():
    picture = np.zeros((7, 7, 3), dtype=np.float32)
    labels = np.zeros((7, 7), dtype=np.uint8)
    labels[1:6, 1:6] = 1
    painted = paint(picture, labels, [(1.0, 0.5, 0.0)], alpha=0.5)
    np.testing.assert_allclose(painted[1, 1], (1, 0.5, 0))  # contour
    np.testing.assert_allclose(painted[3, 3], (0.5, 0.25, 0))  # inside
    assert not painted[0].any() and not picture.any()


def test_columns_and_legend(tmp_path, figures):
    overlay_figure([make_row(), make_row(slice_index=20)], tmp_path / "all.png", NAMES, title="ours")
    (figure,) = figures
    said = [text.get_text() for text in texts(figure)]
    for expected in ("image", "truth", "without adaptation", "prediction", "entropy", "ours", "10 mm", "ln 5", *NAMES):
        assert expected in said
    assert "ct_1003 · slice 12" in said and "ct_1003 · slice 20" in said

    pixels = matplotlib.image.imread(tmp_path / "all.png")[..., :3]
    for colour in structure_colours(NAMES).values():
        assert (np.abs(pixels - rgb(colour)).max(-1) < 0.01).sum() > 100


def test_what_is_missing_has_no_column(tmp_path, figures):
    bare = {"truth": None, "without_adaptation": None, "entropy": None}
    overlay_figure([make_row(**bare)], tmp_path / "bare.png", NAMES, anonymise=True, oracle=True)
    said = [text.get_text() for text in texts(figures[0])]
    assert "image" in said and "prediction (oracle)" in said
    assert not {"truth", "without adaptation", "entropy", "nats"} & set(said)
    assert not any("1003" in text for text in said)


@pytest.mark.parametrize("shape", [(48, 48), (96, 40), (40, 96)])
def test_no_text_over_another_and_none_cut_off(tmp_path, figures, shape):
    rows = [make_row(*shape, case="an uncommonly long identifier of a case", pixel_mm=(1.5, 1.0)) for _ in range(3)]
    names = ["a structure with quite a name", "LAC", "$x_1$ of another", "MYO"]
    overlay_figure([*rows, make_row(truth=None)], tmp_path / "long.png", names, title="t" * 300)
    (figure,) = figures
    renderer = figure.canvas.get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts(figure)]
    for (one, box), (other, second) in itertools.combinations(boxes, 2):
        assert not box.padded(-1).overlaps(second.padded(-1)), (one, other)
    for text, box in boxes:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, text


def test_the_same_rows_give_the_same_bytes_and_nothing_else_is_left(tmp_path):
    overlay_figure([make_row()], tmp_path / "one.png", NAMES)
    overlay_figure([make_row()], tmp_path / "two.png", NAMES)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "two.png"]


def test_misuse(tmp_path):
    with pytest.raises(ValueError, match="no slices"):
        overlay_figure([], tmp_path / "none.png", NAMES)
    with pytest.raises(UserError, match="cannot write"):
        overlay_figure([make_row()], tmp_path / "no folder" / "x.png", NAMES)
