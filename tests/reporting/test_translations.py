import matplotlib.image
import numpy as np
import pytest

from seasa_da.errors import UserError
from seasa_da.reporting.translations import translations_figure


def test_every_picture_is_there_in_its_grey(tmp_path):
    path = tmp_path / "translations.png"
    columns = [(f"column {c}", np.full((2, 3, 8, 8), -1 + c, dtype=np.float32)) for c in range(3)]
    translations_figure(columns, path, dpi=100)
    picture = matplotlib.image.imread(path)[..., 0]
    height, width = picture.shape
    for c, grey in enumerate((0.0, 0.5, 1.0)):
        for row in (0.35, 0.8):
            assert picture[int(row * height), int((c + 0.5) / 3 * width)] == pytest.approx(grey, abs=0.02)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "columns", [[], [("a", np.zeros((0, 1, 4, 4)))], [("a", np.zeros((1, 1, 4, 4))), ("b", np.zeros((2, 1, 4, 4)))]]
)
def test_what_is_no_grid_is_refused(tmp_path, columns):
    with pytest.raises(ValueError, match="same number"):
        translations_figure(columns, tmp_path / "x.png")


def test_a_disk_that_refuses_is_named(tmp_path):
    with pytest.raises(UserError, match=r"x\.png"):
        translations_figure([("a", np.zeros((1, 1, 4, 4)))], tmp_path / "nowhere" / "x.png")
