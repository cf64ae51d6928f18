"""Label volumes onto the slice grid and back, by a network that says what the grid's labels say."""

from itertools import permutations, product

import numpy as np
import pytest

from seasa_da.config import DataSettings
from seasa_da.data.phantom.anatomy import rotation_matrix
from seasa_da.data.resample import resample_label
from seasa_da.data.slice_grid import SliceGrid, extended_grid
from seasa_da.data.voxels import slabs
from seasa_da.prediction import back_mapping
from seasa_da.prediction.back_mapping import BackMapping
from seasa_da.prediction.disk_slices import DiskSlices

from .standins import ball, dice

ORIENTATIONS = [(order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]
OBLIQUE = rotation_matrix(np.deg2rad([11, -7, 16]))
CLASSES = 3


def anatomy(shape, spacing_mm):
    """Two structures of at least 20 voxels across: a ball off the centre, in a larger one."""
    labels = np.zeros(shape, dtype=np.uint8)
    unit = (np.array(shape) * spacing_mm).min()
    labels[ball(shape, spacing_mm, 0.42 * unit)] = 2
    labels[ball(shape, spacing_mm, 0.25 * unit, shift_mm=(0.03 * unit, -0.05 * unit, 0.02 * unit))] = 1
    return labels


def there_and_back(labels, affine, settings, axis="coronal", piece_bytes=1 << 20):
    grid, _ = extended_grid(labels.shape, affine, settings, axis)
    on_grid = resample_label(labels, affine, grid)
    one_hot = np.stack([on_grid == value for value in range(CLASSES)], axis=1).astype(np.float16)
    return mapped_back(one_hot, grid, labels.shape, affine, piece_bytes)


def mapped_back(maps, grid, shape, affine, piece_bytes=1 << 20):
    outside = np.eye(maps.shape[1], dtype=np.float32)[0]
    found = np.full(shape, 99, dtype=np.uint8)
    mapping = BackMapping(grid, shape, affine)
    with DiskSlices(maps.shape) as disk:
        disk.write(0, maps)
        for box in slabs(shape, 4 * maps.shape[1], piece_bytes):
            found[box] = mapping.take(disk, box, outside).argmax(axis=0)
    return found


def oriented(order, signs, spacing_mm, turn=None):
    """Affine of a volume whose array axis i runs along the patient's axis order[i], one way or the other."""
    linear = np.zeros((3, 3))
    for axis, (along, sign) in enumerate(zip(order, signs, strict=True)):
        linear[along, axis] = sign * spacing_mm[axis]
    affine = np.eye(4)
    affine[:3, :3] = linear if turn is None else turn @ linear
    affine[:3, 3] = (-31.5, 12.25, 60.0)
    return affine


@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS)
def test_every_orientation_comes_back_exactly_without_resampling(order, signs):
    shape, spacing = (26, 22, 24), (2.0, 2.0, 2.0)
    labels = anatomy(shape, spacing)
    settings = DataSettings(size=32, spacing_mm=2.0, depth_mm=80.0)
    for axis in ("axial", "coronal", "sagittal"):
        np.testing.assert_array_equal(there_and_back(labels, oriented(order, signs, spacing), settings, axis), labels)


@pytest.mark.parametrize("turn", [None, OBLIQUE], ids=["straight", "oblique"])
@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS)
def test_every_orientation_comes_back_with_anisotropic_voxels(order, signs, turn):
    spacing = np.array([1.0, 1.3, 1.6])
    labels = anatomy((66, 51, 41), spacing)
    settings = DataSettings(size=70, spacing_mm=1.0, depth_mm=70.0)
    found = there_and_back(labels, oriented(order, signs, spacing, turn), settings)
    for value in range(1, CLASSES):
        assert dice(found == value, labels == value) > 0.97, value


def test_a_grid_with_thick_slices_comes_back():
    spacing = (1.0, 1.0, 1.0)
    labels = ball((70, 60, 64), spacing, 26.0).astype(np.uint8)
    settings = DataSettings(size=80, spacing_mm=1.0, slice_mm=3.0, depth_mm=90.0)
    for axis in ("axial", "coronal", "sagittal"):
        assert (
            dice(there_and_back(labels, oriented((0, 1, 2), (1, 1, 1), spacing), settings, axis) == 1, labels == 1)
            > 0.97
        )


@pytest.mark.parametrize("piece", [64, 1 << 12, 1 << 22])
@pytest.mark.parametrize("values", [600, 1 << 24])
def test_pieces_change_nothing(piece, values, monkeypatch):
    spacing = np.array([1.9, 2.3, 3.1])
    labels = anatomy((21, 18, 14), spacing)
    affine = oriented((2, 0, 1), (-1, 1, -1), spacing, OBLIQUE)
    settings = DataSettings(size=16, spacing_mm=2.5, depth_mm=30.0)
    whole = there_and_back(labels, affine, settings, piece_bytes=1 << 30)
    monkeypatch.setattr(back_mapping, "BLOCK_VALUES", values)
    parts = there_and_back(labels, affine, settings, piece_bytes=piece)
    assert (parts != whole).mean() < 1e-3  # a point halfway between two may round either way


def test_no_piece_looks_at_more_than_it_may(monkeypatch):
    read, seen = DiskSlices.read, []

    def counted(self, box):
        found = read(self, box)
        seen.append(found.size)
        return found

    monkeypatch.setattr(back_mapping, "BLOCK_VALUES", 4000)
    monkeypatch.setattr(DiskSlices, "read", counted)
    spacing = (2.0, 2.0, 2.0)
    labels = anatomy((30, 30, 30), spacing)
    there_and_back(labels, oriented((0, 1, 2), (1, 1, 1), spacing, OBLIQUE), DataSettings(size=40, spacing_mm=2.0))
    assert len(seen) > 20 and max(seen) <= 4000


def test_values_between_two_slices_are_their_mean():
    grid = SliceGrid((2, 1, 1), np.eye(4))
    affine = np.diag([0.25, 1.0, 1.0, 1.0])
    affine[0, 3] = -1.0
    maps = np.array([0.0, 1.0], dtype=np.float16).reshape(2, 1, 1, 1)
    with DiskSlices(maps.shape) as disk:
        disk.write(0, maps)
        box = (slice(0, 13), slice(0, 1), slice(0, 1))
        found = BackMapping(grid, (13, 1, 1), affine).take(disk, box, np.array([-1.0], dtype=np.float32))
    # voxels lie at -1, -0.75, … 2; the outer slices reach half a slice further, and no more
    expected = [-1, -1, 0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1, -1, -1]
    np.testing.assert_array_equal(found[0, :, 0, 0], expected)


def test_beyond_the_depth_of_the_crop_is_background_and_in_the_planes_is_not():
    labels = np.full((30, 40, 30), 2, dtype=np.uint8)
    affine = oriented((0, 1, 2), (1, 1, 1), (2.0, 2.0, 2.0))
    found = there_and_back(labels, affine, DataSettings(size=16, spacing_mm=2.0, depth_mm=20.0))
    assert (found[:, 15:25] == 2).all()  # 10 slices about the middle
    assert (found[:, :15] == 0).all() and (found[:, 25:] == 0).all()


def test_images_come_back():
    labels = (np.indices((37, 41))[0] > 15).astype(np.uint8)[:, None, :]
    for order in permutations(range(3)):
        affine = oriented(order, (1, -1, 1), (1.0, 5.0, 1.0))
        settings = DataSettings(size=24, spacing_mm=1.0, depth_mm=1.0)
        np.testing.assert_array_equal(there_and_back(labels, affine, settings), labels)
