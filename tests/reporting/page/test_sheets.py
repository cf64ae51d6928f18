import base64
import io

import numpy as np
import pytest
from matplotlib.image import imread

from seasa_da.reporting.page.sheets import (
    UNRELIABLE,
    chosen_slices,
    columns_of,
    entropy_sheet,
    grey_sheet,
    label_sheet,
    sheet,
    unreliable_sheet,
)


def pixels(address):
    content = base64.b64decode(address.partition(",")[2])
    return np.round(255 * imread(io.BytesIO(content), format="png")).astype(int)


@pytest.mark.parametrize(
    ("number", "wanted", "chosen"),
    [(5, 24, [0, 1, 2, 3, 4]), (10, 4, [0, 3, 6, 9]), (101, 2, [0, 100]), (9, 1, [4]), (1, 1, [0])],
)
def test_slices_are_evenly_spaced(number, wanted, chosen):
    assert chosen_slices(number, wanted) == chosen


def test_slices_lie_from_left_to_right_and_down():
    slices = np.arange(1, 6, dtype=np.uint8)[:, None, None] * np.ones((5, 2, 3), dtype=np.uint8)
    columns = columns_of(5)
    whole = sheet(slices)
    assert columns == 3
    assert whole.shape == (2 * 2, 3 * 3)
    for number in range(5):
        row, column = divmod(number, columns)
        assert (whole[2 * row : 2 * row + 2, 3 * column : 3 * column + 3] == number + 1).all()
    assert not whole[2:, 6:].any()


def test_images_from_black_to_white():
    images = np.array([[[-1.0, 0.0], [1.0, 5.0]]], dtype=np.float32)
    assert pixels(grey_sheet(images)).tolist() == [[0, 128], [255, 255]]


def test_labels_have_their_colours_background_is_clear_and_what_is_ignored_faint():
    labels = np.array([[[0, 1], [2, 255]]], dtype=np.uint8)
    found = pixels(label_sheet(labels, ["#3A86FF", "#E63946"]))
    assert found[0, 1].tolist() == [58, 134, 255, 255]
    assert found[1, 0].tolist() == [230, 57, 70, 255]
    assert found[0, 0, 3] == 0
    assert 32 < found[1, 1, 3] < 128


def test_entropy_is_clear_at_zero_and_bright_at_its_most():
    found = pixels(entropy_sheet(np.array([[[0.0, np.log(5)], [0.5, np.nan]]]), 5))
    assert found[0, 0, 3] == 0
    assert found[1, 1, 3] == 0
    assert found[0, 1, 3] == 255
    assert found[0, 1, :3].sum() > found[1, 0, :3].sum()
    assert 0 < found[1, 0, 3] <= 255


def test_unreliable_pixels_alone_are_seen():
    found = pixels(unreliable_sheet(np.array([[[True, False]]])))
    assert found[0, 0, 3] == 0
    assert tuple(found[0, 1]) == UNRELIABLE
