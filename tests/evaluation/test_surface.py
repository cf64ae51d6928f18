"""Surface metrics against SimpleITK, medpy and pairwise distances, on random and on adversarial masks."""

import numpy as np
import pytest
import SimpleITK
from medpy.metric import binary
from scipy.ndimage import gaussian_filter

from seasa_da.errors import UserError
from seasa_da.evaluation.metrics import asd, dice_percent, hd95, surface_dice, volume_error
from seasa_da.evaluation.surface import surface_distances
from seasa_da.evaluation.tolerance import checked_tolerance

SHAPE = (9, 11, 13)


def empty():
    return np.zeros(SHAPE, dtype=bool)


def box(start, stop):
    mask = empty()
    mask[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = True
    return mask


def blob(seed, level=0.8):
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(SHAPE), 1.2)
    return noise > np.quantile(noise, level)


def scattered(seed):
    return np.random.default_rng(seed).random(SHAPE) < 0.05


MASKS = {
    "blobs": (blob(0), blob(1)),
    "nearly the same": (blob(0), blob(0, 0.78)),
    "one voxel each": (box((1, 2, 3), (2, 3, 4)), box((7, 9, 1), (8, 10, 2))),
    "one voxel in a blob": (box((4, 5, 6), (5, 6, 7)), blob(2)),
    "identical": (blob(3), blob(3)),
    "one inside the other": (box((1, 1, 1), (8, 10, 12)), box((4, 4, 4), (6, 7, 8))),
    "touching the border": (box((0, 0, 0), (4, 11, 5)), box((0, 6, 0), (9, 11, 13))),
    "all voxels": (np.ones(SHAPE, dtype=bool), blob(4)),
    "a plane": (box((4, 0, 0), (5, 11, 13)), blob(5)),
    "scattered": (scattered(6), scattered(7)),
}
SPACINGS = [(1.0, 1.0, 1.0), (3.0, 0.7, 0.7), (0.4, 2.5, 1.3)]


def by_simpleitk(pred, truth, spacing):
    """Both directed surface distances: contours by ITK, distances by Maurer's transform."""

    def image(mask):
        # a frame of background: ITK does not call the image's border a contour
        made = SimpleITK.GetImageFromArray(np.pad(mask, 1).astype(np.uint8))
        made.SetSpacing(tuple(reversed(spacing)))
        return made

    surfaces, fields = [], []
    for mask in (pred, truth):
        surface = SimpleITK.BinaryContour(image(mask), fullyConnected=False, foregroundValue=1)
        surfaces.append(SimpleITK.GetArrayFromImage(surface) > 0)
        field = SimpleITK.SignedMaurerDistanceMap(surface, squaredDistance=False, useImageSpacing=True)
        fields.append(np.maximum(SimpleITK.GetArrayFromImage(field).astype(float), 0))
    return fields[1][surfaces[0]], fields[0][surfaces[1]]


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("name", MASKS)
def test_as_simpleitk(name, spacing):
    check_against_simpleitk(*MASKS[name], spacing)


@pytest.mark.parametrize("name", MASKS)
def test_slices_as_simpleitk(name):
    pred, truth = (mask.any(axis=0) for mask in MASKS[name])
    check_against_simpleitk(pred, truth, (0.7, 1.9))
    assert hd95(pred[None], truth[None], (5, 0.7, 1.9)) == hd95(pred, truth, (0.7, 1.9))


def check_against_simpleitk(pred, truth, spacing):
    there, back = by_simpleitk(pred, truth, spacing)
    pooled = np.concatenate([there, back])
    distances = surface_distances(pred, truth, spacing)
    assert np.sort(distances.pred) == pytest.approx(np.sort(there), abs=1e-4)
    assert np.sort(distances.truth) == pytest.approx(np.sort(back), abs=1e-4)
    assert asd(pred, truth, spacing) == pytest.approx(pooled.mean(), abs=1e-4)
    assert hd95(pred, truth, spacing) == pytest.approx(np.percentile(pooled, 95), abs=1e-4)
    for tolerance in (0.05, 1.05, 2.05):
        assert np.abs(pooled - tolerance).min() > 1e-3  # between the distances that there are
        expected = 100 * (pooled <= tolerance).mean()
        assert surface_dice(pred, truth, spacing, tolerance) == pytest.approx(expected, abs=1e-9)
    overlap = SimpleITK.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*(SimpleITK.GetImageFromArray(mask.astype(np.uint8)) for mask in (truth, pred)))
    assert dice_percent(pred, truth) == pytest.approx(100 * overlap.GetDiceCoefficient(), abs=1e-9)
    assert volume_error(pred, truth) == pytest.approx(100 * (pred.sum() / truth.sum() - 1))


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("name", MASKS)
def test_as_medpy(name, spacing):
    pred, truth = MASKS[name]
    assert asd(pred, truth, spacing) == pytest.approx(binary.assd(pred, truth, spacing, 1), abs=1e-9)
    assert hd95(pred, truth, spacing) == pytest.approx(binary.hd95(pred, truth, spacing, 1), abs=1e-9)


def test_by_hand():
    # squares of 3x3 in a slice, 2 columns apart: all but the middle are contour, 8 voxels each
    one, other = np.zeros((2, 1, 8, 8), dtype=bool)
    one[0, 1:4, 1:4], other[0, 1:4, 3:6] = True, True
    distances = surface_distances(one, other, (5, 1, 2))
    # the near column lies on the other's, two voxels of the middle one are 1 column away, the far column 2
    assert sorted(distances.pred) == sorted(distances.truth) == [0, 0, 0, 2, 2, 4, 4, 4]
    assert [surface_dice(one, other, (5, 1, 2), mm) for mm in (1.9, 2.0, 4.0)] == [37.5, 62.5, 100.0]
    assert volume_error(one, other) == 0


def test_the_pooled_percentile_is_below_the_larger_directed_one():
    pred, truth = box((4, 5, 6), (5, 6, 7)), blob(2)
    distances = surface_distances(pred, truth)
    larger = max(np.percentile(distances.pred, 95), np.percentile(distances.truth, 95))
    assert hd95(pred, truth) <= larger


def test_empty_masks_have_their_declared_rule():
    some = blob(0)
    for pred, truth in ((some, empty()), (empty(), some)):
        assert asd(pred, truth) is None and hd95(pred, truth) is None
        assert surface_dice(pred, truth, (1, 1, 1)) == 0
    assert surface_dice(empty(), empty(), (1, 1, 1)) == 100
    assert volume_error(some, empty()) is None and volume_error(empty(), some) == -100


def test_a_tolerance_is_a_number_from_0():
    assert checked_tolerance(0) == 0
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(UserError, match="tolerance of the surface Dice"):
            checked_tolerance(wrong)
