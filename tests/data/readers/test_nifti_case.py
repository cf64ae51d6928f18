"""Cases of several files: channels, label values, and the check of all of them."""

import numpy as np
import pytest

from data.volumes import whole, write_volume
from seasa_da.data.case import IGNORED, CaseFiles
from seasa_da.data.readers import nifti_check
from seasa_da.data.readers.nifti import FileFault
from seasa_da.data.readers.nifti_case import CaseForm, open_case
from seasa_da.data.readers.nifti_check import check_files
from seasa_da.data.voxels import content_hash, slabs

RNG = np.random.default_rng(0)
CHANNELS = RNG.normal(size=(3, 6, 5, 4)).astype(np.float32)
LABEL = RNG.choice(np.array([0, 2, 65535, 7], dtype=np.uint16), (6, 5, 4))
FORM = CaseForm(3, {0: 0, 2: 1, 65535: 2, 7: IGNORED}, "dataset.json")
BOX = (slice(1, 4), slice(0, 5), slice(2, 3))


@pytest.fixture
def files(tmp_path):
    """A case of three channels, a file each."""
    images = tuple(tmp_path / f"a_{number:04d}.nii.gz" for number in range(3))
    for path, voxels in zip(images, CHANNELS, strict=True):
        write_volume(path, voxels)
    write_volume(tmp_path / "a.nii.gz", LABEL)
    return CaseFiles("a", images, tmp_path / "a.nii.gz", "train")


@pytest.fixture
def in_one(tmp_path, files):
    """The same channels in one file."""
    write_volume(tmp_path / "all.nii.gz", np.moveaxis(CHANNELS, 0, -1))
    return CaseFiles("a", (tmp_path / "all.nii.gz",), files.label, "train")


@pytest.mark.parametrize("channels", [slice(0, 3), slice(1, 2), slice(1, 3), slice(None)])
def test_channels_come_in_order_from_one_file_or_several(files, in_one, channels):
    for case in (open_case(files, FORM), open_case(in_one, FORM)):
        assert case.image.shape == (3, 6, 5, 4)
        assert np.array_equal(case.image[(channels, *BOX)], CHANNELS[(channels, *BOX)])
        assert np.array_equal(whole(case.image), CHANNELS)


def test_label_values_become_store_values_box_by_box(files):
    label = open_case(files, FORM).label
    expected = np.zeros(LABEL.shape, dtype=np.uint8)
    expected[LABEL == 2], expected[LABEL == 65535], expected[LABEL == 7] = 1, 2, IGNORED
    assert label.shape == LABEL.shape
    assert np.array_equal(label[BOX], expected[BOX])
    assert np.array_equal(whole(label), expected)
    assert set(np.unique(expected)) == {0, 1, 2, IGNORED}


def test_a_sound_case_has_its_content_and_no_fault(files, in_one, monkeypatch):
    checked = check_files(files, FORM)
    assert checked.faults == ()
    assert checked.content == check_files(in_one, FORM).content == content_hash(CHANNELS)
    monkeypatch.setattr(nifti_check, "slabs", lambda shape: slabs(shape, 4, 50))
    assert check_files(files, FORM) == check_files(in_one, FORM) == checked


def test_only_the_voxels_asked_for_must_be_sound(files):
    voxels = CHANNELS[1].copy()
    voxels[5, 4, 3] = np.nan
    write_volume(files.images[1], voxels)
    label = LABEL.copy()
    label[5, 4, 3] = 9
    write_volume(files.label, label)
    case = open_case(files, FORM)
    assert np.array_equal(case.image[(slice(0, 3), *BOX)], CHANNELS[(slice(0, 3), *BOX)])
    with pytest.raises(FileFault, match=r"a_0001\.nii\.gz has NaN or infinite voxels"):
        whole(case.image)
    case.label[BOX]
    with pytest.raises(FileFault, match=r"a\.nii\.gz has the label value 9, which dataset\.json does not declare"):
        whole(case.label)


SHIFTED = np.array([[2.0, 0, 0, 3], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])


@pytest.mark.parametrize(
    ("voxels", "affine", "message"),
    [
        (CHANNELS[1][:, :, :3], None, r"a_0001\.nii\.gz has shape \(6, 5, 3\), its first channel a_0000\.nii\.gz \(6"),
        (CHANNELS[1], SHIFTED, r"a_0001\.nii\.gz lies elsewhere than its first channel a_0000\.nii\.gz \(up to 3 mm"),
    ],
)
def test_channels_must_lie_on_one_grid(files, voxels, affine, message):
    write_volume(files.images[1], voxels, affine)
    with pytest.raises(FileFault, match=message):
        open_case(files, FORM)
    checked = check_files(files, FORM)
    assert len(checked.faults) == 1
    assert checked.content is None


def test_faults_of_all_files_are_found_in_one_pass(files):
    files.images[0].write_bytes(files.images[0].read_bytes()[:400])
    voxels = CHANNELS[1].copy()
    voxels[0, 0, :2] = np.nan
    write_volume(files.images[1], voxels)
    files.images[2].unlink()
    write_volume(files.label, (LABEL > 0).astype(np.int16))
    checked = check_files(files, FORM)
    found = {fault.path.name: fault.what for fault in checked.faults}
    assert sorted(found) == ["a.nii.gz", "a_0000.nii.gz", "a_0001.nii.gz", "a_0002.nii.gz"]
    assert found["a_0002.nii.gz"] == "does not exist"
    assert found["a_0000.nii.gz"].startswith("is truncated")
    assert found["a_0001.nii.gz"].startswith("has 2 NaN or infinite")
    assert found["a.nii.gz"].startswith("has the label value 1, which dataset.json does not declare (it has 0, 2, 7,")
    assert checked.content is None
    assert {fault.case for fault in checked.faults} == {"a"}


def test_a_4d_label_is_a_fault_and_its_voxels_are_looked_at(files):
    voxels = np.zeros((6, 5, 4, 2), dtype=np.float32)
    voxels[0, 0, 0, 1] = 0.25
    write_volume(files.label, voxels)
    whats = [fault.what for fault in check_files(files, FORM).faults]
    assert [what.startswith("is 4D with shape") for what in whats] == [True, False]
    assert "whole numbers (0.25)" in whats[1]
