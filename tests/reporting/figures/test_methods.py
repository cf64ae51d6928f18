import matplotlib.image
import numpy as np
import pytest

from reporting.figures.sheets import check_texts, legend, pictures, said
from reporting.figures.slices import LONG, METHODS, NAMES, image, labels
from seasa_da.reporting.colours import PAPER, rgb
from seasa_da.reporting.figures.methods import MethodsRow, methods_figure


def row(count, **changes):
    return MethodsRow(
        **{
            "predictions": [labels()] * count,
            "image": image(),
            "truth": labels(),
            "side": ("1003", "slice 4"),
            **changes,
        }
    )


def test_cases_down_and_methods_side_by_side():
    sheet = methods_figure([row(3), row(3)], ["a", "b", "ours"], NAMES, title="ct → mri")
    assert len(pictures(sheet)) == 2 * 5
    assert [text for text in said(sheet) if text in ("image", "a", "b", "ours", "truth")] == [
        "image",
        "a",
        "b",
        "ours",
        "truth",
    ]
    assert legend(sheet) == NAMES
    assert said(sheet).count("1003\nslice 4") == 2
    check_texts(sheet)


def test_many_methods_take_several_lines_each_with_image_and_truth():
    sheet = methods_figure([row(12)], METHODS, NAMES)
    headings = said(sheet)
    assert headings.count("image") == headings.count("truth") == 2
    assert len(pictures(sheet)) == 12 + 4
    cells = [axes.get_position().width * sheet.width for axes in pictures(sheet)]
    assert min(cells) > 0.75
    check_texts(sheet)


def test_classes_have_the_papers_colours(tmp_path):
    sheet = methods_figure([row(1, image=None, truth=None)], ["ours"], NAMES)
    (axes,) = pictures(sheet)
    painted = axes.images[0].get_array()
    for value, name in enumerate(NAMES, start=1):
        for pixel in painted[labels() == value]:
            np.testing.assert_allclose(pixel, rgb(PAPER[name]), atol=1e-6)
    # and on paper
    png, pdf = sheet.save(tmp_path, "methods")
    pixels = matplotlib.image.imread(png)[..., :3]
    assert pixels.shape[:2] == pytest.approx((sheet.height * 300, sheet.width * 300), abs=1)
    for colour in PAPER.values():
        assert (np.abs(pixels - rgb(colour)).max(-1) < 0.01).sum() > 1000
    assert pdf.read_bytes().startswith(b"%PDF")


def test_the_safe_palette_has_none_of_them():
    sheet = methods_figure([row(1, image=None)], ["ours"], NAMES, palette="safe")
    painted = pictures(sheet)[0].images[0].get_array().reshape(-1, 3)
    assert not any(np.allclose(pixel, rgb(colour)) for pixel in np.unique(painted, axis=0) for colour in PAPER.values())


def test_without_labels_and_without_images():
    assert "truth" not in said(methods_figure([row(2, truth=None)], ["a", "b"], NAMES))
    bare = methods_figure([row(2, truth=None, image=None)], ["a", "b"], NAMES)
    assert "image" not in said(bare)
    assert len(pictures(bare)) == 2
    assert "10 mm" not in said(bare)  # 24 mm wide: a quarter has room for 5
    assert "5 mm" in said(bare)


@pytest.mark.parametrize("methods", [1, 12])
@pytest.mark.parametrize("structures", [1, 7])
@pytest.mark.parametrize("shape", [(24, 24), (60, 20), (20, 60)])
def test_nothing_overlaps(methods, structures, shape):
    one = row(methods, predictions=[labels(*shape)] * methods, image=image(*shape), truth=labels(*shape))
    long = row(
        methods,
        predictions=[labels(*shape)] * methods,
        image=image(*shape),
        truth=None,
        side=("an uncommonly long identifier of a case", "slice 104"),
        pixel_mm=(1.5, 1.0),
    )
    check_texts(methods_figure([one, long], METHODS[-methods:], LONG[:structures], title="t" * 200))


@pytest.mark.parametrize(("pixel_mm", "ratio"), [((2.0, 1.0), 2), ((1.0, 2.0), 0.5), ((1.2, 1.0), 1.2)])
def test_a_picture_is_true_to_its_extent(pixel_mm, ratio):
    sheet = methods_figure([row(1, pixel_mm=pixel_mm, truth=None)], ["ours"], NAMES)
    sheet.figure.canvas.draw()
    for axes in pictures(sheet):
        box = axes.get_window_extent()
        assert box.height / box.width == pytest.approx(ratio, rel=0.01)
