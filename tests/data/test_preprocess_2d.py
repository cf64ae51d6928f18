"""Volumes with one axis of length 1: one upright slice in the image's own plane, at its place in the patient."""

import numpy as np
import pytest

from data.prepared import case_of
from data.prepared import prepared as prepare
from seasa_da.config import DataSettings
from seasa_da.data.phantom.anatomy import rotation_matrix
from seasa_da.data.slice_grid import slice_grid

PLAIN = DataSettings(size=24, spacing_mm=2.0, depth_mm=40.0, histogram_cut_percent=0.0)
CENTRE = np.array([30.0, -20.0, 100.0])
RIGHT, FRONT, HEAD = np.eye(3)


def image_of(directions, *, thin, shape=(24, 24), voxel_mm=(2.0, 2.0), thickness=5.0, blob=None):
    """An image with a blob at `CENTRE + blob`; array axis `thin` has length 1, the others run along `directions`.

    `directions`: of the two long axes of the array, in order, then of the thin one.
    """
    long = [axis for axis in range(3) if axis != thin]
    affine = np.eye(4)
    sizes = [1, 1, 1]
    for axis, n, direction, size in zip(long, shape, directions[:2], voxel_mm, strict=True):
        affine[:3, axis] = np.array(direction) * size
        sizes[axis] = n
    affine[:3, thin] = np.array(directions[2]) * thickness
    affine[:3, 3] = CENTRE - affine[:3, :3] @ ((np.array(sizes) - 1) / 2)
    points = affine[:3, :3] @ np.indices(sizes, dtype=float).reshape(3, -1) + affine[:3, 3:]
    distance = ((points.T - CENTRE - (0 if blob is None else blob)) ** 2).sum(axis=1).reshape(sizes)
    return case_of(1000 * np.exp(-distance / 60), (distance < 36).astype(np.uint8), affine)


# (down, along): the patient's directions of rows and columns
PLANES = {"axial": (-FRONT, -RIGHT, -HEAD), "coronal": (-HEAD, -RIGHT, -FRONT), "sagittal": (-HEAD, -FRONT, -RIGHT)}


@pytest.mark.parametrize("thin", [0, 1, 2])
@pytest.mark.parametrize("signs", [(1, 1), (-1, 1), (1, -1)])
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("plane", PLANES)
def test_the_image_is_upright_whatever_the_array(plane, swapped, signs, thin):
    down, along, across = PLANES[plane]
    long = [down * signs[0], along * signs[1]]
    case = image_of([*(long[::-1] if swapped else long), across], thin=thin, blob=-6 * down + 10 * along)
    prepared = prepare(case, PLAIN)
    assert prepared.images.shape == prepared.labels.shape == (1, 24, 24)
    # 6 mm up and 10 mm along the columns from the middle, at 11.5: 3 and 5 pixels
    brightest = np.unravel_index(prepared.images.argmax(), prepared.images.shape)
    assert np.abs(np.array(brightest) - [0, 11.5 - 3, 11.5 + 5]).max() <= 0.5
    assert prepared.labels[brightest] == 1
    assert prepared.labels.sum() == case.label.sum()
    assert prepared.inside.all()


def test_the_coronal_view_is_that_of_volumes():
    case = image_of(PLANES["coronal"], thin=1, blob=-6 * RIGHT)
    volume = np.repeat(case.image[0], 2, axis=1)
    affine = case.affine.copy()
    affine[:3, 1] /= 2
    affine[:3, 3] -= affine[:3, 1] / 2
    deep = prepare(case_of(volume, None, affine), PLAIN)
    assert deep.images.shape == (2, 24, 24)
    np.testing.assert_allclose(prepare(case, PLAIN).images[0], deep.images[0], atol=1e-5)


def test_an_array_along_the_patients_axes_is_not_interpolated():
    rng = np.random.default_rng(0)
    image = rng.normal(size=(20, 24, 1)).astype(np.float32)
    case = case_of(image, None, np.diag([2.0, 2.0, 7.0, 1.0]))
    prepared = prepare(case, PLAIN)
    expected = (image - image.mean()) / image.std()
    assert prepared.inside.sum() == 20 * 24
    np.testing.assert_allclose(prepared.images[0, :, 2:22], expected[::-1, ::-1, 0].T, atol=1e-4)
    grid = slice_grid(image.shape, case.affine, PLAIN, "coronal")
    assert grid.spacing_mm == (7.0, 2.0, 2.0)
    # row 0, column 2 is the array's last pixel along both
    assert grid.affine @ [0, 0, 2, 1] == pytest.approx(case.affine @ [19, 23, 0, 1])


@pytest.mark.parametrize("tilt_deg", [(12, 0, 0), (0, 20, -8), (30, -25, 10)])
@pytest.mark.parametrize("plane", PLANES)
def test_an_oblique_image_is_sliced_in_its_own_plane(plane, tilt_deg):
    rotation = rotation_matrix(np.deg2rad(tilt_deg))
    down, along, across = (rotation @ axis for axis in PLANES[plane])
    case = image_of((along, down, across), thin=2, shape=(40, 40), voxel_mm=(1.5, 1.5), blob=5 * along - 7 * down)
    grid = slice_grid(case.image.shape[1:], case.affine, PLAIN, "coronal")
    steps = grid.affine[:3, :3] / grid.spacing_mm
    np.testing.assert_allclose(steps.T @ steps, np.eye(3), atol=1e-12)
    assert abs(steps[:, 0] @ across) == pytest.approx(1)
    assert grid.spacing_mm == pytest.approx((5.0, 2.0, 2.0))
    assert grid.affine[:3] @ [0, 11.5, 11.5, 1] == pytest.approx(CENTRE)
    prepared = prepare(case, PLAIN)
    assert prepared.images.shape == (1, 24, 24)
    # where the affine says the brightest pixel is, the blob is
    place = grid.affine[:3] @ [*np.unravel_index(prepared.images.argmax(), prepared.images.shape), 1]
    assert np.linalg.norm(place - CENTRE - 5 * along + 7 * down) < 1.5
    centre = grid.affine[:3] @ [*np.argwhere(prepared.labels).mean(axis=0), 1]
    assert np.linalg.norm(centre - CENTRE - 5 * along + 7 * down) < 1.0


@pytest.mark.parametrize("thickness", [0.1, 1.0, 100.0])
def test_an_image_is_one_slice_however_thick(thickness):
    case = image_of(PLANES["axial"], thin=2, thickness=thickness)
    prepared = prepare(case, PLAIN.model_copy(update={"depth_mm": 8.0}))
    assert prepared.images.shape == (1, 24, 24)
    assert prepared.inside.all()
    np.testing.assert_allclose(prepared.images, prepare(image_of(PLANES["axial"], thin=2), PLAIN).images, atol=1e-4)


def test_images_are_antialiased_along_both_axes():
    fine = np.indices((64, 64)).sum(axis=0) % 2
    slow = np.broadcast_to(np.sin(np.arange(64) / 64 * 2 * np.pi)[:, None], fine.shape)
    case = case_of((slow + 2.0 * fine)[..., None].astype(np.float32), None, np.eye(4))
    settings = DataSettings(size=16, spacing_mm=3.9, histogram_cut_percent=0.0)
    prepared = prepare(case, settings)
    assert prepared.images.shape == (1, 16, 16)
    assert prepared.images[0].std(axis=0).max() < 0.01
    assert prepared.images[0].std(axis=1).min() > 0.9


def test_a_line_and_a_volume_are_sliced_as_before():
    for shape in ((1, 1, 20), (2, 20, 20)):
        grid = slice_grid(shape, np.diag([2.0, 2.0, 2.0, 1.0]), PLAIN, "coronal")
        np.testing.assert_array_equal(grid.affine[:3, :3] / 2, [[0, 0, -1], [-1, 0, 0], [0, -1, 0]])
        assert grid.spacing_mm == (2.0, 2.0, 2.0)
