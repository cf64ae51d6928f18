from itertools import pairwise

import numpy as np
import pytest

from seasa_da.prediction.windows import CROP_WEIGHT, Windows, window_starts, window_weights


@pytest.mark.parametrize(
    ("length", "size", "crop", "starts"),
    [
        (16, 16, 0, (0,)),
        (17, 16, 0, (0, 1)),
        (17, 16, 1, (0, 1)),
        (24, 16, 4, (0, 4, 8)),
        (40, 16, 12, (0, 6, 12, 18, 24)),
        (41, 16, 8, (0, 8, 14, 19, 25)),
        (7, 5, 1, (0, 1, 2)),
        (4, 1, 2, (0, 1, 2, 3)),
    ],
)
def test_starts(length, size, crop, starts):
    assert window_starts(length, size, crop) == starts


@pytest.mark.parametrize("size", [1, 2, 5, 16, 31])
def test_windows_cover_everything_and_neighbours_share_half(size):
    for length in range(size, 4 * size + 3):
        for crop in range(length - size + 1):
            starts = window_starts(length, size, crop)
            assert starts[0] == 0 and starts[-1] == length - size and crop in starts
            assert all(0 < b - a <= max(1, size // 2) for a, b in pairwise(starts))


@pytest.mark.parametrize(("length", "crop"), [(15, 0), (20, 5), (20, -1)])
def test_a_crop_outside_is_refused(length, crop):
    with pytest.raises(ValueError, match=f"a window of 16 at {crop} is not within {length} pixels"):
        window_starts(length, 16, crop)


@pytest.mark.parametrize(("length", "size", "crop"), [(16, 16, 0), (17, 16, 1), (40, 16, 12), (23, 7, 9)])
def test_weights_are_positive_and_add_up_to_one(length, size, crop):
    starts = window_starts(length, size, crop)
    weights = window_weights(starts, length, size, crop)
    assert weights.shape == (len(starts), size) and weights.dtype == np.float32
    assert (weights > 0).all()
    total = np.zeros(length)
    for start, own in zip(starts, weights, strict=True):
        total[start : start + size] += own
    np.testing.assert_allclose(total, 1, atol=1e-6)


def test_one_window_has_weight_one_exactly():
    windows = Windows.over(24, 24, 24)
    assert windows.places == [(0, 0)]
    assert windows.part(0, 0) == (slice(0, 24), slice(0, 24))
    assert (windows.weights(0, 0) == 1).all()


def test_the_crop_counts_most_and_the_others_fade_in():
    windows = Windows.over(64, 48, 32, (16, 8))
    assert (windows.rows, windows.columns) == ((0, 16, 32), (0, 8, 16))
    assert windows.part(1, 2) == (slice(16, 48), slice(16, 48))
    own = windows.row_weights[1]
    assert (own[8:24] > 0.98).all() and (own > 0.5).all()
    assert (np.diff(own[:16]) >= 0).all() and (np.diff(own[16:]) <= 0).all()
    # at the crop's first row: the edge of its bell, and the middle of the window before
    bell = np.exp(-0.5 * (15.5 / 32 * 6) ** 2)
    other = np.exp(-0.5 * (0.5 / 32 * 6) ** 2)
    assert own[0] == pytest.approx(CROP_WEIGHT * bell / (CROP_WEIGHT * bell + other), abs=1e-6)
