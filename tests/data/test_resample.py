"""Resampling in blocks gives what resampling at once gives."""

import numpy as np
import pytest
from scipy import ndimage

from seasa_da.config import DataSettings
from seasa_da.data import resample
from seasa_da.data.phantom.anatomy import rotation_matrix
from seasa_da.data.resample import field_of_view, resample_image, resample_label
from seasa_da.data.slice_grid import slice_grid

SETTINGS = DataSettings(size=24, spacing_mm=2.6, depth_mm=60.0)


class Recorded:
    """Voxels that remember how many were asked for at a time."""

    def __init__(self, array):
        self.array, self.shape, self.most = array, array.shape, 0

    def __getitem__(self, box):
        assert len(box) == len(self.shape)
        part = self.array[box]
        self.most = max(self.most, part.size)
        return part


@pytest.fixture(scope="module")
def volume():
    rng = np.random.default_rng(3)
    image = ndimage.gaussian_filter(rng.normal(size=(2, 40, 44, 30)), (0, 2, 2, 2)).astype(np.float32)
    label = (image[0] > 0.02).astype(np.uint8) * 3
    affine = np.eye(4)
    affine[:3, :3] = rotation_matrix(np.deg2rad([9, -4, 15])) @ np.diag([-1.1, 1.3, 2.4])
    return image, label, affine


@pytest.mark.parametrize("axis", ["axial", "coronal", "sagittal"])
def test_blocks_give_the_same_as_the_whole(volume, axis, monkeypatch):
    image, label, affine = volume
    grid = slice_grid(label.shape, affine, SETTINGS, axis)
    whole = resample_image(image, affine, grid), resample_label(label, affine, grid)
    recorded = Recorded(image), Recorded(label)
    monkeypatch.setattr(resample, "BLOCK_VOXELS", 9000)
    parts = resample_image(recorded[0], affine, grid), resample_label(recorded[1], affine, grid)
    assert max(part.most for part in recorded) <= 9000
    np.testing.assert_allclose(parts[0], whole[0], atol=1e-5)
    assert (parts[1] != whole[1]).mean() < 1e-4  # a coordinate halfway between voxels may round either way
    assert whole[1].any()


def test_a_block_is_never_split_below_a_voxel(volume, monkeypatch):
    image, _, affine = volume
    monkeypatch.setattr(resample, "BLOCK_VOXELS", 1)
    settings = SETTINGS.model_copy(update={"size": 16, "spacing_mm": 9.0, "depth_mm": 20.0})
    grid = slice_grid(image.shape[1:], affine, settings, "axial")
    assert np.isfinite(resample_image(image, affine, grid)).all()


def test_the_field_of_view_ends_at_the_voxels_outer_faces(volume):
    _, label, affine = volume
    grid = slice_grid(label.shape, affine, SETTINGS, "coronal")
    indices = np.indices(grid.shape).reshape(3, -1)
    voxel = np.linalg.inv(affine)[:3] @ grid.affine @ np.vstack([indices, np.ones(indices.shape[1])])
    expected = ((voxel > -0.5) & (voxel < np.array(label.shape)[:, None] - 0.5)).all(axis=0)
    assert np.array_equal(field_of_view(label.shape, affine, grid).reshape(-1), expected)


def test_only_axes_finer_than_the_grid_are_filtered():
    noise = np.random.default_rng(0).normal(size=(1, 32, 32, 32)).astype(np.float32)
    affine = np.diag([1.0, 4.0, 1.0, 1.0])
    settings = DataSettings(size=16, spacing_mm=2.0, slice_mm=4.0, depth_mm=128.0)
    grid = slice_grid((32, 32, 32), affine, settings, "coronal")
    out = resample_image(noise, affine, grid)[0]
    sigma = np.sqrt(3) / (2 * np.sqrt(2 * np.log(2)))
    filtered = ndimage.gaussian_filter1d(
        ndimage.gaussian_filter1d(noise[0], sigma, axis=0, truncate=3.0), sigma, axis=2, truncate=3.0
    )
    # pixel (h, w) lies between two voxels along z and along x, slice s on voxel 31 - s along y
    expected = filtered[:, ::-1].reshape(16, 2, 32, 16, 2).mean(axis=(1, 4))[::-1, :, ::-1].transpose(1, 2, 0)
    np.testing.assert_allclose(out[:, 2:-2, 2:-2], expected[:, 2:-2, 2:-2], atol=1e-5)
