"""Orientation, crop, antialiasing and intensities, each against what can be known without the code."""

import numpy as np
import pytest

from data.prepared import case_of
from data.prepared import prepared as prepare
from seasa_da.config import DataSettings
from seasa_da.data.phantom.anatomy import rotation_matrix
from seasa_da.data.slice_grid import slice_grid
from seasa_da.errors import UserError

PLAIN = DataSettings(size=24, spacing_mm=2.0, depth_mm=40.0, histogram_cut_percent=0.0)
CENTRE = np.array([30.0, -20.0, 100.0])  # of the field of view, RAS mm


def scene(points):
    """A smooth image and a label of patient coordinates (3, ...): a blob marks the right, front, upper corner."""
    x, y, z = points - CENTRE.reshape(3, *[1] * (points.ndim - 1))
    corner = np.exp(-((x - 10) ** 2 + (y - 8) ** 2 + (z - 12) ** 2) / 120)
    other = 0.5 * np.exp(-((x + 8) ** 2 + (y + 3) ** 2 + (z + 6) ** 2) / 200)
    label = ((x - 10) ** 2 + (y - 8) ** 2 + (z - 12) ** 2 < 49).astype(np.uint8)
    label[(x + 8) ** 2 + (y + 3) ** 2 + (z + 6) ** 2 < 64] = 3
    return 1000 * (corner + other), label


def acquired(axes, signs, tilt_deg=(0, 0, 0), voxel_mm=(2.0, 2.0, 2.0), n=32):
    """`scene` as a scanner stores it: array axis i runs along patient axis `axes[i]`, in direction `signs[i]`."""
    affine = np.eye(4)
    directions = np.zeros((3, 3))
    for i, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        directions[axis, i] = sign * voxel_mm[i]
    affine[:3, :3] = rotation_matrix(np.deg2rad(tilt_deg)) @ directions
    shape = tuple(round(2.0 * n / v) for v in voxel_mm)
    affine[:3, 3] = CENTRE - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    indices = np.indices(shape, dtype=float).reshape(3, -1)
    image, label = scene((affine[:3, :3] @ indices + affine[:3, 3:]).reshape(3, *shape))
    return case_of(image, label, affine)


ORIENTATIONS = {
    "RAS": ((0, 1, 2), (1, 1, 1)),
    "LPS": ((0, 1, 2), (-1, -1, 1)),
    "PIR": ((1, 2, 0), (-1, -1, 1)),
    "SAL": ((2, 1, 0), (1, 1, -1)),
    "ILA": ((2, 0, 1), (-1, -1, 1)),
}


def test_front_head_and_right_come_first():
    prepared = prepare(acquired(*ORIENTATIONS["PIR"]), PLAIN)
    assert prepared.images.shape == prepared.labels.shape == (20, 24, 24)
    brightest = np.unravel_index(prepared.images.argmax(), prepared.images.shape)
    # the blob's centre is 8 mm in front of, 12 mm above and 10 mm to the right of the middle: 4, 6 and 5 voxels
    assert np.abs(np.array(brightest) - [9.5 - 4, 11.5 - 6, 11.5 - 5]).max() <= 0.5
    assert prepared.labels[brightest] == 1


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_flipped_and_permuted_arrays_give_the_same_slices(name):
    expected = prepare(acquired(*ORIENTATIONS["RAS"]), PLAIN)
    prepared = prepare(acquired(*ORIENTATIONS[name]), PLAIN)
    np.testing.assert_allclose(prepared.images, expected.images, atol=1e-4)
    assert np.array_equal(prepared.labels, expected.labels)


@pytest.mark.parametrize("tilt", [(10, 0, 0), (0, -14, 5), (-6, 8, 14)])
@pytest.mark.parametrize("name", ["RAS", "PIR"])
def test_oblique_arrays_give_the_same_slices_within_interpolation(name, tilt):
    settings = PLAIN.model_copy(update={"size": 18, "depth_mm": 36.0})  # inside the field of view however it is tilted
    expected = prepare(acquired(*ORIENTATIONS["RAS"]), settings)
    prepared = prepare(acquired(*ORIENTATIONS[name], tilt_deg=tilt, voxel_mm=(1.6, 1.6, 2.4), n=40), settings)
    assert prepared.images.shape == expected.images.shape == (18, 18, 18)
    assert prepared.inside.all()
    assert np.abs(prepared.images - expected.images).max() < 0.15
    assert np.abs(prepared.images - expected.images).mean() < 0.03
    assert (prepared.labels != expected.labels).mean() < 0.04


def test_the_grids_affine_says_where_a_voxel_is():
    case = acquired(*ORIENTATIONS["ILA"], tilt_deg=(4, 9, -7))
    grid = slice_grid(case.image.shape[1:], case.affine, PLAIN, "coronal")
    indices = np.indices(grid.shape, dtype=float).reshape(3, -1)
    truth, _ = scene((grid.affine[:3, :3] @ indices + grid.affine[:3, 3:]).reshape(3, *grid.shape))
    prepared = prepare(case, PLAIN)
    seen = prepared.inside
    assert np.corrcoef(prepared.images[seen], truth[seen])[0, 1] > 0.999


def test_the_box_is_centred_and_never_deeper_than_the_volume():
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    shape = (50, 20, 40)
    for depth_mm, slices in ((1000.0, 30), (60.0, 30), (30.0, 15)):
        grid = slice_grid(shape, affine, DataSettings(size=16, spacing_mm=2.0, depth_mm=depth_mm), "coronal")
        assert grid.shape == (slices, 16, 16)
        middle = grid.affine[:3, :3] @ ((np.array(grid.shape) - 1) / 2) + grid.affine[:3, 3]
        assert middle == pytest.approx([49, 28.5, 78])


def test_outside_the_field_of_view_is_the_minimum_and_background():
    rng = np.random.default_rng(0)
    image = rng.normal(500, 100, (10, 10, 10)).astype(np.float32)
    case = case_of(image, np.full((10, 10, 10), 2, dtype=np.uint8), np.diag([2.0, 2.0, 2.0, 1.0]))
    prepared = prepare(case, PLAIN)
    assert prepared.inside.sum() == 1000
    assert prepared.inside[:, 7:17, 7:17].all()
    assert np.unique(prepared.images[~prepared.inside]) == prepared.images[prepared.inside].min()
    assert np.array_equal(prepared.labels == 2, prepared.inside)
    # and it does not count in the statistics
    assert prepared.images[prepared.inside].mean() == pytest.approx(0, abs=1e-4)
    assert prepared.images[prepared.inside].std() == pytest.approx(1, abs=1e-4)


def test_between_voxels_images_are_linear():
    ramp = np.broadcast_to(np.arange(16, dtype=np.float32)[:, None, None], (16, 16, 16))
    case = case_of(ramp, affine=np.diag([1.25, 1.25, 1.25, 1.0]))
    columns = prepare(case, PLAIN.model_copy(update={"size": 15, "spacing_mm": 1.0, "depth_mm": 15.0})).images[0, 0]
    steps = np.diff(columns)  # x falls with the column
    assert (steps < 0).all()
    np.testing.assert_allclose(steps, steps[0], rtol=1e-4)


def test_the_histograms_top_is_cut():
    rng = np.random.default_rng(1)
    image = rng.normal(0, 1, (24, 24, 24)).astype(np.float32)
    image[3, 4, 5] = 1e5
    case = case_of(image, None, np.diag([2.0, 2.0, 2.0, 1.0]))
    settings = PLAIN.model_copy(update={"histogram_cut_percent": 2.0, "depth_mm": 48.0})
    prepared = prepare(case, settings).images
    top = np.percentile(image, 98)
    clipped = np.minimum(image, top)
    expected = (clipped - clipped.mean()) / clipped.std()
    assert (prepared == prepared.max()).mean() == pytest.approx(0.02, abs=0.001)
    assert np.sort(prepared.reshape(-1)) == pytest.approx(np.sort(expected.reshape(-1)), abs=1e-4)


def test_coarser_slices_are_antialiased():
    fine = np.indices((64, 64, 64)).sum(axis=0) % 2  # a checkerboard of 1 mm voxels
    slow = np.broadcast_to(np.sin(np.arange(64) / 64 * 2 * np.pi)[:, None, None], fine.shape)
    case = case_of((slow + 2.0 * fine).astype(np.float32), None, np.eye(4))
    settings = DataSettings(size=16, spacing_mm=3.9, depth_mm=62.0, histogram_cut_percent=0.0)
    prepared = prepare(case, settings)
    assert prepared.images.std(axis=(0, 1)).max() < 0.01  # nothing but the slow wave along the columns is left


def test_labels_do_not_change_images():
    case = acquired(*ORIENTATIONS["LPS"])
    without = case_of(case.image[0], None, case.affine)
    assert np.array_equal(prepare(case, PLAIN).images, prepare(without, PLAIN).images)
    assert prepare(without, PLAIN).labels is None


def test_a_constant_volume_is_refused():
    case = case_of(np.full((8, 8, 8), 3), case_id="1007")
    with pytest.raises(UserError, match="case 1007 has the same value everywhere"):
        prepare(case, PLAIN)
