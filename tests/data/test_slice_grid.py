"""Where slices lie: the patient's axes, the voxels where they fit, the whole field of view, the coarsest direction."""

from itertools import permutations, product

import numpy as np
import pytest

from data.prepared import case_of
from seasa_da.config import DataSettings
from seasa_da.data.phantom.anatomy import rotation_matrix
from seasa_da.data.resample import resample_image
from seasa_da.data.slice_grid import coarsest_axis, extended_grid, patient_spacing_mm, slice_grid

SETTINGS = DataSettings(size=16, spacing_mm=2.0, depth_mm=20.0)
RIGHT, FRONT, HEAD = np.eye(3)
# (slices, rows, columns) run towards
DIRECTIONS = {
    "axial": (-HEAD, -FRONT, -RIGHT),
    "coronal": (-FRONT, -HEAD, -RIGHT),
    "sagittal": (-RIGHT, -HEAD, -FRONT),
}


def oriented(order, signs, sizes=(2.0, 2.0, 2.0)):
    """An affine whose array axis i runs along the patient's axis `order[i]`, in direction `signs[i]`."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (patient, sign, size) in enumerate(zip(order, signs, sizes, strict=True)):
        affine[patient, axis] = sign * size
    affine[:3, 3] = [7.0, -31.0, 12.5]
    return affine


@pytest.mark.parametrize("axis", DIRECTIONS)
def test_slices_rows_and_columns_run_along_the_patient(axis):
    grid = slice_grid((20, 24, 28), oriented((2, 0, 1), (1, -1, 1)), SETTINGS, axis)
    np.testing.assert_allclose(grid.affine[:3, :3] / 2, np.stack(DIRECTIONS[axis], axis=1))
    assert grid.shape == (10, 16, 16)


@pytest.mark.parametrize("shape", [(20, 24, 28), (21, 25, 27)])
@pytest.mark.parametrize("axis", DIRECTIONS)
def test_voxels_that_fit_are_not_interpolated_in_any_of_48_orientations(axis, shape):
    rng = np.random.default_rng(0)
    values = rng.normal(size=shape).astype(np.float32)
    for order, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        case = case_of(values, affine=oriented(order, signs))
        grid = slice_grid(shape, case.affine, SETTINGS, axis)
        to_voxel = np.linalg.inv(case.affine) @ grid.affine
        np.testing.assert_allclose(to_voxel, np.rint(to_voxel), atol=1e-9)
        off = to_voxel[:3, :3] @ ((np.array(grid.shape) - 1) / 2) + to_voxel[:3, 3] - (np.array(shape) - 1) / 2
        assert np.abs(off).max() <= 0.5 + 1e-9  # still about the centre
        # every slice voxel is a voxel of the volume, whole
        indices = np.indices(grid.shape).reshape(3, -1)
        x, y, z = np.rint(to_voxel[:3] @ np.vstack([indices, np.ones(indices.shape[1])])).astype(int)
        assert np.array_equal(resample_image(case.image, case.affine, grid).reshape(-1), values[x, y, z])


def test_oblique_volumes_and_other_spacings_stay_about_the_centre():
    affine = oriented((0, 1, 2), (1, 1, 1))
    affine[:3, :3] = rotation_matrix(np.deg2rad([5, 4, 3])) @ affine[:3, :3]
    for settings, header in ((SETTINGS, affine), (SETTINGS, oriented((0, 1, 2), (1, 1, 1), (1.7, 1.7, 2.3)))):
        grid = slice_grid((21, 25, 27), header, settings, "coronal")
        middle = grid.affine[:3, :3] @ ((np.array(grid.shape) - 1) / 2) + grid.affine[:3, 3]
        assert middle == pytest.approx(header[:3, :3] @ [10, 12, 13] + header[:3, 3])


def test_slices_may_lie_further_apart_than_pixels():
    settings = SETTINGS.model_copy(update={"slice_mm": 5.0, "depth_mm": 30.0})
    grid = slice_grid((20, 24, 9), oriented((0, 1, 2), (1, 1, 1), (2.0, 2.0, 5.0)), settings, "axial")
    assert grid.shape == (6, 16, 16)
    assert grid.spacing_mm == (5.0, 2.0, 2.0)


def test_a_part_of_a_grid_lies_where_it_lay():
    grid = slice_grid((20, 24, 28), oriented((0, 1, 2), (1, 1, 1)), SETTINGS, "sagittal")
    part = grid.part((slice(3, 5), slice(-2, 14), slice(1, 4)))
    assert part.shape == (2, 16, 3)
    assert part.affine @ [1, 4, 2, 1] == pytest.approx(grid.affine @ [4, 2, 3, 1])


def test_the_extended_grid_covers_the_field_of_view_and_holds_the_crop():
    shape, affine = (40, 19, 9), oriented((0, 2, 1), (1, -1, 1))  # right 80 mm, head 38, front 18
    crop = slice_grid(shape, affine, SETTINGS, "coronal")
    grid, (row, column) = extended_grid(shape, affine, SETTINGS, "coronal")
    assert grid.shape == (crop.shape[0], 19, 40)
    assert grid.affine @ [0, row, column, 1] == pytest.approx(crop.affine @ [0, 0, 0, 1])
    assert 1 <= row <= 2
    assert column == 12
    # a volume inside its crop is not extended
    small, place = extended_grid((5, 5, 5), affine, SETTINGS, "coronal")
    assert small.shape == slice_grid((5, 5, 5), affine, SETTINGS, "coronal").shape
    assert place == (0, 0)


def test_the_extended_grid_of_a_tilted_volume_holds_all_its_corners():
    affine = oriented((0, 1, 2), (1, 1, 1))
    affine[:3, :3] = rotation_matrix(np.deg2rad([12, -20, 8])) @ affine[:3, :3]
    grid, _ = extended_grid((30, 30, 30), affine, SETTINGS, "axial")
    corners = np.array(list(product((0, 29), repeat=3)))
    seen = (np.linalg.inv(grid.affine) @ affine @ np.c_[corners, np.ones(8)].T)[1:3]
    assert seen.min() > -1
    assert (seen.max(axis=1) < grid.shape[1:]).all()


def test_the_coarsest_direction_decides_and_every_domain_counts_the_same():
    thick_axial = ((10, 10, 10), oriented((0, 1, 2), (1, 1, 1), (0.8, 0.8, 3.0)))
    thick_sagittal = ((10, 10, 10), oriented((2, 0, 1), (1, 1, 1), (0.8, 3.0, 0.8)))
    cubes = ((10, 10, 10), oriented((0, 1, 2), (1, 1, 1), (1.0, 1.1, 1.05)))
    assert patient_spacing_mm(thick_sagittal[1]).tolist() == [3.0, 0.8, 0.8]
    assert coarsest_axis([[thick_axial] * 5, [cubes]])[0] == "axial"
    assert coarsest_axis([[thick_sagittal], [cubes] * 9])[0] == "sagittal"
    axis, why = coarsest_axis([[cubes], [cubes]])
    assert axis == "axial"
    assert "none is clearly the coarsest" in why
    flat = ((10, 10, 1), np.diag([1.0, 1.0, 9.0, 1.0]))
    assert coarsest_axis([[thick_sagittal, flat], [flat]])[0] == "sagittal"
