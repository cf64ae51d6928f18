"""MM-WHS folders: what is read, and every refusal with the file's name."""

import gzip
import json

import nibabel
import numpy as np
import pytest

from data.volumes import write_volume
from seasa_da.data.readers import find_reader
from seasa_da.errors import UserError

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def read_all(raw):
    reader = find_reader(raw)
    return [reader.load(files) for domain in reader.scan(raw).domains for files in domain.cases]


def test_labels_become_the_papers_classes(raw):
    path = raw / "ct_train" / "ct_train_1001_label.nii.gz"
    values = np.array([0, 820, 420, 421, 500, 205, 550, 600, 850] + [0] * 711, dtype=np.int16).reshape(10, 9, 8)
    write_volume(path, values)
    reader = find_reader(raw)
    (domain,) = reader.scan(raw).domains
    assert domain.name == "ct"
    assert domain.label_names == ("AA", "LAC", "LVC", "MYO")
    case = reader.load(domain.cases[0])
    assert case.label.reshape(-1)[:9].tolist() == [0, 1, 2, 2, 3, 4, 0, 0, 0]
    assert case.label.dtype == np.uint8
    assert case.image.dtype == np.float32
    assert case.spacing_mm == (2.0, 2.0, 2.0)


def test_scale_and_slope_of_the_header_count(raw):
    path = raw / "ct_train" / "ct_train_1001_image.nii.gz"
    image = nibabel.Nifti1Image(np.full((10, 9, 8), 5, dtype=np.int16), AFFINE)
    image.header.set_slope_inter(2, -1024)
    nibabel.save(image, path)
    assert (read_all(raw)[0].image == np.asarray(nibabel.load(path).dataobj)).all()
    assert read_all(raw)[0].image[0, 0, 0] == -1014


def test_a_case_without_a_label_is_fine(raw):
    (raw / "ct_train" / "ct_train_1002_label.nii.gz").unlink()
    assert [case.label is None for case in read_all(raw)] == [False, True, False]


def test_splits_json_and_published_split(raw):
    splits = {files.id: files.split for files in find_reader(raw).scan(raw).domains[0].cases}
    assert splits == {"1001": "train", "1002": "train", "1003": "test"}
    (raw / "splits.json").write_text(json.dumps({"ct": {"test": [1001]}}))
    assert [files.split for files in find_reader(raw).scan(raw).domains[0].cases] == ["test", "train", "train"]
    (raw / "splits.json").unlink()
    assert [files.split for files in find_reader(raw).scan(raw).domains[0].cases] == ["train", "train", "test"]


def test_challenge_folders_are_named_as_unused(raw):
    (raw / "ct_test").mkdir()
    assert find_reader(raw).scan(raw).notes == ("not used: ct_test (the challenge's cases without labels)",)


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"ct": {"test": ["1017"]}}, "case 1017 .* test split, but it has no image"),
        ({"ct": {"train": ["1099"], "test": ["1003"]}}, "case 1099 .* train split, but it has no image"),
        ({"ct": {"train": ["1003"], "test": ["1003"]}}, "case 1003 of ct into both"),
        ({"ct": {"test": []}}, "without a test case"),
        ({"ct": {"test": ["1001", "1002", "1003"]}}, "without a train case"),
        ({"pet": {"test": ["1003"]}}, "domain 'pet'"),
        ({"ct": ["1003"]}, "'ct' must be of the form"),
        ({"ct": {"validation": ["1003"]}}, "'ct' must be of the form"),
        ([1], "must be of the form"),
    ],
)
def test_a_wrong_splits_json_is_refused(raw, splits, message):
    (raw / "splits.json").write_text(json.dumps(splits))
    with pytest.raises(UserError, match=message) as caught:
        read_all(raw)
    assert "splits.json" in str(caught.value)


def test_published_split_without_a_test_case_says_how_to_name_one(raw):
    (raw / "splits.json").unlink()
    for kind in ("image", "label"):
        (raw / "ct_train" / f"ct_train_1003_{kind}.nii.gz").unlink()
    with pytest.raises(UserError, match=r"without a test case; name its test cases in .*splits\.json"):
        read_all(raw)


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def truncate_unzipped(path):
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content[:-100]))


def nan_voxel(path):
    voxels = np.zeros((10, 9, 8), dtype=np.float32)
    voxels[1, 2, 3] = np.nan
    write_volume(path, voxels)


def zero_voxel_size(path):
    header = nibabel.Nifti1Image(np.zeros((10, 9, 8), dtype=np.int16), AFFINE).header
    header["pixdim"][3] = 0
    header["srow_z"] = 0
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    path.write_bytes(gzip.compress(header.binaryblock + bytes(4) + bytes(2 * 720)))


IMAGE_FAULTS = {
    "4D": (lambda p: write_volume(p, np.zeros((10, 9, 8, 2), dtype=np.int16)), "is 4D"),
    "2D": (lambda p: write_volume(p, np.zeros((10, 9), dtype=np.int16)), "is 2D"),
    "NaN": (nan_voxel, "NaN or infinite"),
    "truncated gzip": (truncate, "truncated or damaged|is truncated"),
    "truncated content": (truncate_unzipped, "truncated or damaged"),
    "empty file": (lambda p: p.write_bytes(b""), "is truncated|not a NIfTI file"),
    "text": (lambda p: p.write_text("hello"), "not a NIfTI file"),
    "zipped text": (lambda p: p.write_bytes(gzip.compress(b"hello" * 200)), "not a NIfTI file"),
    "zero voxel size": (zero_voxel_size, "voxel size of 0"),
    "a folder": (lambda p: (p.unlink(), p.mkdir()), "ct_train_1001_image"),
}


@pytest.mark.parametrize("fault", IMAGE_FAULTS)
def test_a_faulty_image_is_refused_by_name(raw, fault):
    path = raw / "ct_train" / "ct_train_1001_image.nii.gz"
    damage, message = IMAGE_FAULTS[fault]
    damage(path)
    with pytest.raises(UserError, match=message) as caught:
        read_all(raw)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


SHIFTED = np.array([[2.0, 0, 0, 3], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])
LABEL_FAULTS = {
    "shape": (lambda p: write_volume(p, np.zeros((10, 9, 7), dtype=np.int16)), r"shape \(10, 9, 7\), its image"),
    "affine": (lambda p: write_volume(p, np.zeros((10, 9, 8), dtype=np.int16), SHIFTED), "lies elsewhere .*3 mm"),
    "fractions": (lambda p: write_volume(p, np.full((10, 9, 8), 204.5, dtype=np.float32)), r"whole numbers \(204.5\)"),
    "undeclared": (lambda p: write_volume(p, np.full((10, 9, 8), 17, dtype=np.int16)), "label value 17,"),
    "large": (lambda p: write_volume(p, np.full((10, 9, 8), 30000, dtype=np.int16)), "label value 30000,"),
    "negative": (lambda p: write_volume(p, np.full((10, 9, 8), -1, dtype=np.int16)), "label value -1,"),
    "truncated": (truncate, "truncated"),
}


@pytest.mark.parametrize("fault", LABEL_FAULTS)
def test_a_faulty_label_is_refused_by_name(raw, fault):
    path = raw / "ct_train" / "ct_train_1001_label.nii.gz"
    damage, message = LABEL_FAULTS[fault]
    damage(path)
    with pytest.raises(UserError, match=message) as caught:
        read_all(raw)
    assert str(path) in str(caught.value)


def test_affines_may_differ_by_rounding(raw):
    write_volume(
        raw / "ct_train" / "ct_train_1001_label.nii.gz", np.zeros((10, 9, 8), dtype=np.int16), AFFINE + 1e-5 * np.eye(4)
    )
    read_all(raw)


def test_folders_without_a_domain_are_refused(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        find_reader(tmp_path / "nowhere")
    with pytest.raises(UserError, match="no domain"):
        find_reader(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="is a file"):
        find_reader(tmp_path / "file")


def test_one_case_under_two_endings_is_refused(raw):
    path = raw / "ct_train" / "ct_train_1001_image.nii.gz"
    path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    with pytest.raises(UserError, match="case 1001 is there twice"):
        read_all(raw)
