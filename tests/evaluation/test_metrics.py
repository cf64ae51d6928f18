import numpy as np
import pytest
from medpy.metric import binary

from seasa_da.evaluation.metrics import asd, dice_percent


def cube(shape, start, size):
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(slice(a, a + size) for a in start)] = True
    return mask


def brute_force_asd(pred, truth, spacing):
    """Pairwise distances of all surface voxels: nothing shared with medpy."""

    def surface(mask):
        padded = np.pad(mask, 1)
        inside = padded.copy()
        for axis in range(mask.ndim):
            inside &= np.roll(padded, 1, axis) & np.roll(padded, -1, axis)
        core = tuple(slice(1, -1) for _ in mask.shape)
        return np.argwhere(mask & ~inside[core]) * np.asarray(spacing)

    one, other = surface(pred), surface(truth)
    distance = np.sqrt(((one[:, None] - other[None]) ** 2).sum(-1))
    return np.concatenate([distance.min(1), distance.min(0)]).mean()


def blobs(rng, shape, level):
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(rng.standard_normal(shape), 1.5)
    return noise > np.quantile(noise, level)


@pytest.mark.parametrize(
    ("spacing", "expected"),
    [
        # Of a 4³ cube's 56 surface voxels: 16 of the far face are 2 steps away, 12 of the next ring 1 step, and the 4
        # inner ones of the near face lie 1 lateral step inside the other's surface; the others lie on it.
        ((1, 1, 1), (16 * 2 + 12 * 1 + 4 * 1) / 56),
        (None, (16 * 2 + 12 * 1 + 4 * 1) / 56),
        ((3, 1, 1), (16 * 6 + 12 * 3 + 4 * 1) / 56),
        ((0.5, 2, 2), (16 * 1 + 12 * 0.5 + 4 * 0.5) / 56),
    ],
)
def test_two_cubes_shifted_by_two(spacing, expected):
    one, other = cube((10, 9, 8), (1, 2, 2), 4), cube((10, 9, 8), (3, 2, 2), 4)
    assert dice_percent(one, other) == pytest.approx(50)
    assert asd(one, other, spacing) == pytest.approx(expected, abs=1e-12)
    assert asd(other, one, spacing) == pytest.approx(expected, abs=1e-12)
    assert brute_force_asd(one, other, spacing or (1, 1, 1)) == pytest.approx(expected, abs=1e-12)


def test_two_voxels():
    one, other = np.zeros((2, 5, 5, 5), dtype=bool)
    one[0, 0, 0] = other[1, 3, 2] = True
    assert asd(one, other, (5, 0.5, 2)) == pytest.approx(np.sqrt(5**2 + 1.5**2 + 4**2))
    assert dice_percent(one, other) == 0


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("spacing", [(1, 1, 1), (4.0, 0.7, 1.3), None])
def test_the_crop_changes_nothing(seed, spacing):
    rng = np.random.default_rng(seed)
    shape = (9, 14, 11)
    pred, truth = blobs(rng, shape, 0.9), blobs(rng, shape, 0.85)
    if seed % 2:  # masks that touch the borders
        pred[0], truth[:, :, -1], truth[-1, -1] = True, True, True
    else:  # and masks far inside
        pred, truth = np.pad(pred, 5), np.pad(truth, 5)
    assert asd(pred, truth, spacing) == pytest.approx(binary.assd(pred, truth, voxelspacing=spacing), abs=1e-9)
    assert asd(pred, truth, spacing) == pytest.approx(brute_force_asd(pred, truth, spacing or (1, 1, 1)), abs=1e-9)
    intersection = (pred & truth).sum()
    assert dice_percent(pred, truth) == pytest.approx(200 * intersection / (pred.sum() + truth.sum()), abs=1e-9)


def test_a_single_slice_is_measured_by_its_contour():
    one, other = np.zeros((2, 1, 7, 7), dtype=bool)
    one[0, 1:6, 1:6] = True  # 5x5: contour of 16
    other[0, 2:5, 2:5] = True  # 3x3 inside: contour of 8, each 1 away, as are 12 of the 16; corners sqrt(2)
    expected = (8 * 1 + 12 * 1 + 4 * np.sqrt(2)) / 24
    assert asd(one, other, (8, 1, 1)) == pytest.approx(expected)
    assert asd(one[0], other[0], (1, 1)) == pytest.approx(expected)
    assert asd(one.transpose(1, 0, 2), other.transpose(1, 0, 2), (1, 8, 1)) == pytest.approx(expected)
    assert asd(one, other, None) == pytest.approx(expected)


def test_a_structure_of_one_slice_in_a_volume_stays_three_dimensional():
    one, other = np.zeros((2, 3, 7, 7), dtype=bool)
    one[1, 1:6, 1:6] = True  # every voxel is surface here
    other[1, 2:5, 2:5] = True
    expected = (12 * 1 + 4 * np.sqrt(2)) / (25 + 9)
    assert asd(one, other, (8, 1, 1)) == pytest.approx(expected)
    assert asd(one, other, (8, 1, 1)) == pytest.approx(binary.assd(one, other, voxelspacing=(8, 1, 1)))


def test_one_voxel_volume():
    full = np.ones((1, 1, 1), dtype=bool)
    assert asd(full, full, (1, 2, 3)) == 0


def test_empty_masks():
    empty, full = np.zeros((3, 4, 5), dtype=bool), np.ones((3, 4, 5), dtype=bool)
    assert dice_percent(empty, empty) == 100
    assert dice_percent(empty, full) == dice_percent(full, empty) == 0
    assert dice_percent(full, full) == 100
    assert asd(empty, empty, (1, 1, 1)) is None
    assert asd(empty, full, (1, 1, 1)) is None
    assert asd(full, empty, (1, 1, 1)) is None
    assert asd(full, full, (1, 1, 1)) == 0


def test_misuse_is_refused():
    mask = np.ones((2, 3, 4), dtype=bool)
    with pytest.raises(ValueError, match="shape"):
        dice_percent(mask, mask[:1])
    with pytest.raises(ValueError, match="spacing"):
        asd(mask, mask, (1, 1))
    with pytest.raises(ValueError, match="spacing"):
        asd(mask, mask, (1, 1, 0))
