import math

import numpy as np
import pytest
from matplotlib import colormaps

from reporting.figures.sheets import check_texts, legend, pictures, said
from reporting.figures.slices import LONG, NAMES, image, labels
from seasa_da.reporting.figures.uncertainty import Said, UncertaintyRow, uncertainty_figure


def row(classes=4, **changes):
    entropy = np.linspace(0, math.log(classes + 1), 24 * 24).reshape(24, 24)
    said_of_it = Said(labels(classes=classes), entropy)
    truth = np.roll(labels(classes=classes), 2, axis=1)
    given = {"after": said_of_it, "before": said_of_it, "truth": truth, "side": ("1003", "slice 4"), **changes}
    return UncertaintyRow(image(), **given)


def test_before_and_after():
    sheet = uncertainty_figure([row(), row()], NAMES, after="after: ours", before="before: source-only")
    assert len(pictures(sheet)) == 2 * 6
    texts = said(sheet)
    assert texts.count("prediction") == texts.count("entropy") == 2
    assert {"before: source-only", "after: ours", "image", "truth", "entropy [nats]", "ln 5", "5 mm"} <= set(texts)
    assert legend(sheet) == [*NAMES, "around wrong pixels"]
    check_texts(sheet)


def test_the_map_goes_from_certain_to_ln_k():
    sheet = uncertainty_figure([row(before=None)], NAMES, after="ours")
    shown = pictures(sheet)[3].images[0].get_array()
    np.testing.assert_allclose(shown[0, 0], colormaps["inferno"](0.0)[:3], atol=1e-6)
    np.testing.assert_allclose(shown[-1, -1], colormaps["inferno"](1.0)[:3], atol=1e-6)


def test_wrong_pixels_are_outlined_and_ignored_ones_are_not():
    def lines(**changes):
        return len(pictures(uncertainty_figure([row(before=None, **changes)], NAMES, after="ours"))[-1].collections)

    assert lines() == 1
    assert lines(truth=labels()) == 0
    wrong = labels()
    wrong[20, 20] = 255
    assert lines(truth=wrong) == 0
    assert lines(truth=np.full((24, 24), 3, dtype=np.uint8)) == 1


def test_without_labels():
    sheet = uncertainty_figure([row(truth=None)], NAMES, after="ours")
    assert len(pictures(sheet)) == 5
    assert not {"truth", "around wrong pixels"} & set(said(sheet))
    check_texts(sheet)


@pytest.mark.parametrize("classes", [1, 7])
def test_nothing_overlaps(classes):
    one = row(classes, side=("an uncommonly long identifier of a case", "slice 104"))
    sheet = uncertainty_figure([one], LONG[:classes], after="a" * 80, before="b $" * 40, title="t" * 200)
    assert f"ln {classes + 1}" in said(sheet)
    check_texts(sheet)
