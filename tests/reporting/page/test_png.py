import base64
import io

import numpy as np
import pytest
from matplotlib.image import imread

from seasa_da.reporting.page.png import data_uri, grey_png, palette_png


def test_grey_values_come_back(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (7, 5), dtype=np.uint8)
    found = imread(io.BytesIO(grey_png(picture)), format="png")
    assert np.array_equal(np.round(255 * found).astype(np.uint8), picture)


def test_palette_and_transparency_come_back():
    indices = np.array([[0, 1], [2, 1]], dtype=np.uint8)
    palette = [(0, 0, 0, 0), (58, 134, 255, 255), (230, 57, 70, 128)]
    found = np.round(255 * imread(io.BytesIO(palette_png(indices, palette)), format="png")).astype(int)
    assert [tuple(pixel) for pixel in found.reshape(-1, 4).tolist()] == [palette[i] for i in (0, 1, 2, 1)]


def test_an_index_without_a_colour_is_refused():
    with pytest.raises(ValueError, match="index 3 in a palette of 1"):
        palette_png(np.full((2, 2), 3, dtype=np.uint8), [(0, 0, 0, 0)])


def test_the_address_holds_the_file():
    png = grey_png(np.zeros((1, 1), dtype=np.uint8))
    assert base64.b64decode(data_uri(png).removeprefix("data:image/png;base64,")) == png
