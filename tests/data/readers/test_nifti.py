"""NIfTI volumes read box by box: voxels, units, headers, and what damaged files say."""

import gc
import gzip
import tempfile

import nibabel
import numpy as np
import pytest

from data.volumes import whole
from seasa_da.data.readers import nifti
from seasa_da.data.readers.nifti import FileFault, inspect_volume, open_volume, read_grid

VOXELS = np.random.default_rng(0).integers(-999, 999, (6, 5, 4)).astype(np.int16)
BOXES = [
    (slice(0, 6), slice(0, 5), slice(0, 4)),
    (slice(1, 4), slice(2, 3), slice(3, 4)),
    (slice(None), slice(np.int64(1), np.int64(5)), slice(2)),
    (slice(2, 2), slice(0, 5), slice(0, 4)),
]


def write(path, voxels=VOXELS, *, unit="mm", affine=None, slope=None, kind=nibabel.Nifti1Image, dtype=None):
    image = kind(voxels, np.diag([1.0, 2.0, 3.0, 1.0]) if affine is None else affine, dtype=dtype)
    image.header.set_xyzt_units(unit)
    if slope is not None:
        image.header.set_slope_inter(*slope)
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_box_is_the_voxels_in_it(tmp_path, name, box):
    volume = open_volume(write(tmp_path / name))
    assert volume.shape == (6, 5, 4)
    assert volume[box].dtype == np.float32
    assert np.array_equal(volume[box], VOXELS[box])
    assert np.array_equal(volume[box], VOXELS[box])  # and again, in any order
    assert np.array_equal(whole(volume), VOXELS)


@pytest.mark.parametrize("dtype", ["u1", "<i2", ">i2", "<u2", "i4", "f4", ">f4", "f8", "i8"])
@pytest.mark.parametrize("slope", [None, (0.5, -3)])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_voxels_of_all_types_are_scaled_by_the_header(tmp_path, dtype, slope, kind):
    voxels = (np.abs(VOXELS) % 100).astype(dtype)
    path = write(tmp_path / "a.nii.gz", voxels, slope=slope, kind=kind, dtype=voxels.dtype)
    expected = np.asarray(nibabel.load(path).dataobj)
    assert np.allclose(whole(open_volume(path)), expected, rtol=1e-6)
    assert whole(open_volume(path)).dtype == np.dtype(np.float32)


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1), ("meter", 1000), ("micron", 0.001), ("unknown", 1)])
def test_affines_are_in_mm_whatever_the_files_unit(tmp_path, unit, factor):
    affine = np.array([[0.0, 2, 0, 5], [-1, 0, 0, 7], [0, 0, 3, 9], [0, 0, 0, 1]])
    path = write(tmp_path / "a.nii.gz", unit=unit, affine=affine)
    grid = read_grid(path)
    assert grid.shape == (6, 5, 4)
    assert np.allclose(grid.affine[:3], factor * affine[:3])
    assert grid.affine[3].tolist() == [0, 0, 0, 1]
    kinds = [fault.kind for fault in inspect_volume(path)[1]]
    assert kinds == (["units"] if unit == "unknown" else [])


def test_nothing_is_unzipped_before_voxels_are_asked_for(tmp_path, monkeypatch):
    path = write(tmp_path / "a.nii.gz")
    volume = open_volume(path)
    monkeypatch.setattr(nifti.gzip, "open", lambda path: pytest.fail("unzipped"))
    assert read_grid(path).shape == volume.grid.shape


def test_a_large_volume_is_unzipped_once_into_a_file_that_goes_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(nifti, "IN_MEMORY_BYTES", 100)
    files, unzippings = [], []
    spooled, opened = tempfile.SpooledTemporaryFile, gzip.open
    monkeypatch.setattr(nifti.tempfile, "SpooledTemporaryFile", lambda n: files.append(spooled(n)) or files[-1])
    monkeypatch.setattr(nifti.gzip, "open", lambda path: unzippings.append(path) or opened(path))
    volume = open_volume(write(tmp_path / "a.nii.gz"))
    for box in BOXES:
        assert np.array_equal(volume[box], VOXELS[box])
    assert len(unzippings) == 1
    assert files[0]._rolled
    assert not files[0].closed
    del volume
    gc.collect()
    assert files[0].closed
    assert [path.name for path in tmp_path.iterdir()] == ["a.nii.gz"]


def test_a_full_temporary_folder_is_one_line(tmp_path, monkeypatch):
    class Full:
        def __init__(self, size):
            pass

        def write(self, block):
            raise OSError(28, "No space left on device")

        def close(self):
            pass

    monkeypatch.setattr(nifti.tempfile, "SpooledTemporaryFile", Full)
    volume = open_volume(write(tmp_path / "a.nii.gz"))
    with pytest.raises(FileFault, match=r"cannot be unzipped into .*: No space left on device; set TMPDIR"):
        whole(volume)


def test_what_follows_the_voxels_is_not_kept(tmp_path):
    path = write(tmp_path / "a.nii.gz")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + bytes(10_000_000)))
    volume = open_volume(path)
    assert np.array_equal(whole(volume), VOXELS)
    volume._voxels.file_like.seek(0, 2)
    assert volume._voxels.file_like.tell() == 352 + 2 * VOXELS.size


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_header_that_promises_more_voxels_than_there_are_costs_no_memory(tmp_path, name):
    path = write(tmp_path / name)
    content = bytearray(path.read_bytes() if name.endswith("nii") else gzip.decompress(path.read_bytes()))
    content[42:48] = np.array([32767] * 3, dtype="<i2").tobytes()
    path.write_bytes(bytes(content) if name.endswith("nii") else gzip.compress(content))
    volume = open_volume(path)
    assert volume.shape == (32767,) * 3
    with pytest.raises(FileFault, match=r"a\.nii.* is truncated or damaged \(592 of 70,362,301,923,678 bytes\)"):
        volume[0:1, 0:1, 0:1]


def test_a_wrong_checksum_is_found(tmp_path):
    path = write(tmp_path / "a.nii.gz")
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileFault, match=r"truncated or damaged .*CRC"):
        whole(open_volume(path))


def test_several_channels_in_one_file_only_where_they_are_expected(tmp_path):
    path = write(tmp_path / "a.nii.gz", np.zeros((6, 5, 4, 3), dtype=np.int16))
    assert open_volume(path, channels=3).grid.shape == (6, 5, 4)
    with pytest.raises(FileFault, match=r"a\.nii\.gz is 4D with shape \(6, 5, 4, 3\)"):
        open_volume(path)
    with pytest.raises(FileFault, match=r"has shape \(6, 5, 4, 3\); it must be 4D with 2 channels"):
        open_volume(path, channels=2)
    with pytest.raises(FileFault, match=r"has shape \(6, 5, 4\); it must be 4D with 2 channels"):
        open_volume(write(tmp_path / "b.nii.gz"), channels=2)


def test_all_faults_of_a_header_are_told(tmp_path):
    path = write(tmp_path / "a.nii", np.zeros((6, 5, 4, 2), dtype=np.complex64), unit="unknown")
    volume, faults = inspect_volume(path)
    assert volume is None
    assert [str(fault).removeprefix(f"{path} ").split()[:2] for fault in faults] == [
        ["is", "4D"],
        ["holds", "complex64"],
        ["names", "no"],
    ]


def test_a_file_that_may_not_be_read_is_told_from_another_format(tmp_path, monkeypatch):
    path = write(tmp_path / "a.nii.gz")

    def refuse(self, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(FileFault, match=r"a\.nii\.gz cannot be read: Permission denied"):
        open_volume(path)
