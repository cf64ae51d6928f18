from itertools import pairwise

import numpy as np
import pytest

from seasa_da.prediction.windows import Windows, window_starts, window_weights


@pytest.mark.parametrize(
    ("length", "size", "starts"),
    [
        (16, 16, (0,)),
        (17, 16, (0, 1)),
        (24, 16, (0, 8)),
        (25, 16, (0, 4, 9)),
        (40, 16, (0, 8, 16, 24)),
        (7, 5, (0, 2)),
        (4, 1, (0, 1, 2, 3)),
    ],
)
def test_starts(length, size, starts):
    assert window_starts(length, size) == starts


@pytest.mark.parametrize("size", [1, 2, 5, 16, 31])
def test_windows_cover_everything_and_neighbours_share_half(size):
    for length in range(size, 6 * size + 3):
        starts = window_starts(length, size)
        assert starts[0] == 0 and starts[-1] == length - size
        assert all(0 < b - a <= max(1, size // 2) for a, b in pairwise(starts))


def test_a_length_below_the_window_is_refused():
    with pytest.raises(ValueError, match="15 pixels are fewer than a window's 16"):
        window_starts(15, 16)


@pytest.mark.parametrize(("length", "size"), [(16, 16), (17, 16), (40, 16), (23, 7)])
def test_weights_are_positive_smooth_and_add_up_to_one(length, size):
    starts = window_starts(length, size)
    weights = window_weights(starts, length, size)
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


def test_a_window_counts_most_in_its_middle():
    windows = Windows.over(48, 32, 32)
    assert (windows.rows, windows.columns) == ((0, 16), (0,))
    assert windows.part(1, 0) == (slice(16, 48), slice(0, 32))
    first = windows.weights(0, 0)
    assert (first[:16] == 1).all()  # nobody else looks there
    assert (np.diff(first[15:, 0]) < 0).all()  # it fades out where the other's middle is near
    np.testing.assert_allclose(first[16:] + windows.weights(1, 0)[:16], 1, atol=1e-6)
