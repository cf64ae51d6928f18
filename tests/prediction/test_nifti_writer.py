import nibabel
import numpy as np
import pytest

from seasa_da.data.voxels import slabs
from seasa_da.errors import UserError
from seasa_da.prediction.nifti_writer import NiftiWriter, output_header

from .standins import image_of


@pytest.fixture
def voxels():
    return np.random.default_rng(0).integers(0, 900, (7, 6, 5)).astype(np.int16)


def written(path, voxels, image=None, piece_bytes=64):
    header = output_header(
        image_of(np.zeros(voxels.shape)) if image is None else image, voxels.shape, voxels.dtype, "m"
    )
    with NiftiWriter(path, header) as writer:
        for box in slabs(voxels.shape, voxels.dtype.itemsize, piece_bytes):
            writer.write(voxels[box])
    return nibabel.load(path)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_pieces_make_the_volume(tmp_path, voxels, ending, dtype):
    affine = np.array([[0.0, -2, 0, 5], [3.0, 0, 0, -7], [0, 0, 1.5, 1], [0, 0, 0, 1]])
    voxels = voxels.astype(dtype)
    found = written(tmp_path / f"a{ending}", voxels, image_of(np.zeros(voxels.shape), affine))
    assert found.get_data_dtype() == dtype
    np.testing.assert_array_equal(np.asarray(found.dataobj), voxels)
    np.testing.assert_array_equal(found.affine, affine)
    assert found.header["descrip"].item() == b"m"
    assert [path.name for path in tmp_path.iterdir()] == [f"a{ending}"]


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_other_forms_of_nifti(tmp_path, voxels, kind):
    image = kind(np.zeros((*voxels.shape, 3), dtype=np.float64), np.eye(4))
    swapped = kind(image.dataobj, None, image.header.as_byteswapped(">"))
    found = written(tmp_path / "a.nii", voxels, swapped)
    assert isinstance(found, kind) and found.shape == voxels.shape
    np.testing.assert_array_equal(np.asarray(found.dataobj), voxels)


def test_the_same_voxels_give_the_same_bytes(tmp_path, voxels):
    (tmp_path / "one").mkdir()
    written(tmp_path / "one" / "a.nii.gz", voxels)
    written(tmp_path / "b.nii.gz", voxels, piece_bytes=200)
    assert (tmp_path / "one" / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_nothing_half_written_is_left_and_an_older_file_stays(tmp_path, voxels):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(b"older")
    header = output_header(image_of(np.zeros(voxels.shape)), voxels.shape, np.int16)
    with pytest.raises(KeyboardInterrupt), NiftiWriter(path, header) as writer:
        writer.write(voxels)
        raise KeyboardInterrupt
    with pytest.raises(ValueError, match="lacks 180 voxels"), NiftiWriter(path, header) as writer:
        writer.write(voxels[:1])
    assert path.read_bytes() == b"older" and len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_is_not_there_is_one_line(tmp_path, voxels):
    with pytest.raises(UserError, match=r"cannot write .*nowhere/a\.nii"):
        written(tmp_path / "nowhere" / "a.nii", voxels)
