import numpy as np
import pytest

from reporting.figures.sheets import check_texts, legend, pictures, said
from reporting.figures.slices import LONG, NAMES, image, labels
from seasa_da.reporting.colours import rgb
from seasa_da.reporting.figures.reliability import (
    BOTH,
    FOUND,
    FOURIER_ONLY,
    MISSED,
    RANDOM_ONLY,
    SPARED,
    Family,
    ReliabilitySlice,
    reliability_figure,
)


def family(views=3, off=()):
    agrees = np.ones((24, 24), dtype=bool)
    for row in off:
        agrees[row] = False
    return Family(np.stack([image()] * views), np.stack([labels()] * views), agrees)


def one(views=3, **changes):
    truth = labels()
    truth[20:22] = 1  # where background is predicted
    given = {"truth": truth, "side": ("1003", "slice 4"), **changes}
    return ReliabilitySlice(image(), labels(), family(views, (19, 20)), family(views, (20, 23)), **given)


def test_two_lines_with_views_masks_and_errors():
    sheet = reliability_figure([one()], NAMES)
    assert len(pictures(sheet)) == 2 * (1 + 3 + 1 + 1)
    texts = said(sheet)
    assert texts.count("view 1") == texts.count("view 3") == texts.count("unreliable") == 2
    assert {"random transformations", "Fourier", "unreliable by either", "errors", "prediction"} <= set(texts)
    assert len(legend(sheet)) == 4 + 3 + 3
    check_texts(sheet)


def test_the_masks_at_their_pixels():
    shown = [axes.images[0].get_array() for axes in pictures(reliability_figure([one()], NAMES))]
    random, either, fourier, errors = shown[4], shown[5], shown[10], shown[11]

    def rows(picture, colour):
        return np.flatnonzero(np.isclose(picture, rgb(colour), atol=1e-6).all(axis=(1, 2))).tolist()

    assert rows(random, RANDOM_ONLY) == [19, 20]
    assert rows(fourier, FOURIER_ONLY) == [20, 23]
    assert (rows(either, RANDOM_ONLY), rows(either, FOURIER_ONLY), rows(either, BOTH)) == ([19], [23], [20])
    assert (rows(errors, FOUND), rows(errors, MISSED), rows(errors, SPARED)) == ([20], [21], [19, 23])


def test_ignored_pixels_are_no_errors():
    truth = one().truth.copy()
    truth[21] = 255
    errors = pictures(reliability_figure([one(truth=truth)], NAMES))[-1].images[0].get_array()
    assert not np.isclose(errors, rgb(MISSED), atol=1e-6).all(axis=-1).any()


def test_without_labels():
    sheet = reliability_figure([one(truth=None)], NAMES)
    assert len(pictures(sheet)) == 11
    assert "errors" not in said(sheet)
    assert len(legend(sheet)) == 4 + 3
    check_texts(sheet)


@pytest.mark.parametrize("views", [1, 7])
def test_nothing_overlaps(views):
    sheet = reliability_figure([one(views), one(views)], LONG, title="t" * 200)
    assert len(pictures(sheet)) == 2 * (2 * min(views, 4) + 6)
    check_texts(sheet)
