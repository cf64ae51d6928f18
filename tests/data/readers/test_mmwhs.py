"""MM-WHS folders: what is read, and every refusal with the file's name."""

import gzip
import re
import shutil
import struct

import nibabel
import numpy as np
import pytest

from data.volumes import whole, write_volume
from seasa_da.data.readers import check_case, find_reader
from seasa_da.data.voxels import content_hash
from seasa_da.errors import UserError

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def opened(raw):
    reader = find_reader(raw)
    return [reader.load(files) for domain in reader.scan(raw).domains for files in domain.cases]


def read_all(raw):
    return [(whole(case.image), None if case.label is None else whole(case.label)) for case in opened(raw)]


def checks(raw):
    """The faults of all cases, and the content of each."""
    reader = find_reader(raw)
    found = [check_case(reader, files) for domain in reader.scan(raw).domains for files in domain.cases]
    return [fault for checked in found for fault in checked.faults], [checked.content for checked in found]


def test_labels_become_the_papers_classes(raw):
    path = raw / "ct_train" / "ct_train_1001_label.nii.gz"
    values = np.array([0, 820, 420, 421, 500, 205, 550, 600, 850] + [0] * 711, dtype=np.int16).reshape(10, 9, 8)
    write_volume(path, values)
    case = opened(raw)[0]
    assert whole(case.label).reshape(-1)[:9].tolist() == [0, 1, 2, 2, 3, 4, 0, 0, 0]
    assert whole(case.label).dtype == np.uint8
    assert case.label.shape == (10, 9, 8)
    assert case.image.shape == (1, 10, 9, 8)
    assert whole(case.image).dtype == np.float32
    assert case.spacing_mm == (2.0, 2.0, 2.0)


def test_the_domain_says_how_it_is_published(raw):
    (domain,) = find_reader(raw).scan(raw).domains
    assert domain.name == "ct"
    assert dict(zip(domain.label_names, domain.label_values, strict=True)) == {
        "AA": 820,
        "LAC": 420,
        "LVC": 500,
        "MYO": 205,
    }
    assert (domain.channels, domain.axis, domain.intensity) == (("CT",), "coronal", "zscore")
    assert domain.split_from == "the published test cases"
    assert {files.id: files.split for files in domain.cases} == {"1001": "train", "1002": "train", "1003": "test"}
    assert {files.home for files in domain.cases} == {"train"}


def test_the_published_test_cases_of_mri(raw):
    for path in (raw / "ct_train").iterdir():
        to = raw / "mr_train" / path.name.replace("ct_train", "mr_train").replace("1001", "1007")
        to.parent.mkdir(exist_ok=True)
        shutil.copy(path, to)
    mri = find_reader(raw).scan(raw).domains[1]
    assert (mri.name, mri.channels) == ("mri", ("MRI",))
    assert {files.id: files.split for files in mri.cases} == {"1002": "train", "1003": "train", "1007": "test"}


def test_scale_and_slope_of_the_header_count(raw):
    path = raw / "ct_train" / "ct_train_1001_image.nii.gz"
    image = nibabel.Nifti1Image(np.full((10, 9, 8), 5, dtype=np.int16), AFFINE)
    image.header.set_slope_inter(2, -1024)
    nibabel.save(image, path)
    voxels = read_all(raw)[0][0]
    assert (voxels[0] == np.asarray(nibabel.load(path).dataobj)).all()
    assert voxels[0, 0, 0, 0] == -1014


def test_a_case_without_a_label_is_fine(raw):
    (raw / "ct_train" / "ct_train_1002_label.nii.gz").unlink()
    assert [label is None for _, label in read_all(raw)] == [False, True, False]
    assert checks(raw)[0] == []


def test_a_label_may_be_zipped_where_its_image_is_not(raw):
    path = raw / "ct_train" / "ct_train_1001_image.nii.gz"
    path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    path.unlink()
    assert find_reader(raw).scan(raw).domains[0].cases[0].label.name == "ct_train_1001_label.nii.gz"
    assert len(read_all(raw)) == 3


def test_challenge_folders_are_named_as_unused(raw):
    (raw / "ct_test").mkdir()
    assert find_reader(raw).scan(raw).notes == ("not used: ct_test (the challenge's cases without labels)",)


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def truncate_unzipped(path):
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content[:-100]))


def nan_voxel(path):
    voxels = np.zeros((10, 9, 8), dtype=np.float32)
    voxels[1, 2, 3] = np.nan
    write_volume(path, voxels)


def header_fault(floats):
    """Makes a sound volume with other floats in its header: at 88 pixdim[3], at 292 srow_x[3], at 320 srow_z[2]."""

    def damage(path):
        write_volume(path, np.arange(720, dtype=np.int16).reshape(10, 9, 8))
        content = bytearray(gzip.decompress(path.read_bytes()))
        for place, value in floats.items():
            content[place : place + 4] = struct.pack("<f", value)
        path.write_bytes(gzip.compress(bytes(content)))

    return damage


def damage_middle(path):
    content = bytearray(path.read_bytes())
    content[-300:-200] = bytes(100)
    path.write_bytes(content)


def flat_affine(path):
    affine = AFFINE.copy()
    affine[:3, 1] = affine[:3, 0] + 1e-5
    write_volume(path, np.zeros((10, 9, 8), dtype=np.int16), affine)


def colours(path):
    write_volume(path, np.zeros((10, 9, 8), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")]))


IMAGE_FAULTS = {
    "4D": (lambda p: write_volume(p, np.zeros((10, 9, 8, 2), dtype=np.int16)), "is 4D"),
    "2D": (lambda p: write_volume(p, np.zeros((10, 9), dtype=np.int16)), "is 2D"),
    "NaN": (nan_voxel, "NaN or infinite"),
    "truncated gzip": (truncate, "truncated or damaged|is truncated"),
    "truncated content": (truncate_unzipped, "truncated or damaged"),
    "empty file": (lambda p: p.write_bytes(b""), "is empty: it has 0 bytes"),
    "empty volume": (lambda p: write_volume(p, np.zeros((10, 0, 8), dtype=np.int16)), "is empty: its shape"),
    "damaged gzip": (damage_middle, "truncated or damaged"),
    "NaN affine": (header_fault({292: np.nan}), "NaN in its affine"),
    "flat affine": (flat_affine, "axes fall together"),
    "colours": (colours, "plain numbers"),
    "complex": (lambda p: write_volume(p, np.zeros((10, 9, 8), dtype=np.complex64)), "holds complex64 voxels"),
    "infinite": (lambda p: write_volume(p, np.full((10, 9, 8), np.inf, dtype=np.float32)), "NaN or infinite"),
    "beyond float32": (lambda p: write_volume(p, np.full((10, 9, 8), 1e300)), "NaN or infinite"),
    "DICOM": (lambda p: p.write_bytes(bytes(128) + b"DICM" + bytes(500)), "is DICOM, not NIfTI; .*dcm2niix"),
    "broken link": (lambda p: (p.unlink(), p.symlink_to("nowhere")), "is a broken link"),
    "circle of links": (lambda p: (p.unlink(), p.symlink_to(p.name)), "cannot be read: Too many levels"),
    "text": (lambda p: p.write_text("hello"), "not a NIfTI file"),
    "zipped text": (lambda p: p.write_bytes(gzip.compress(b"hello" * 200)), "not a NIfTI file"),
    "zero voxel size": (header_fault({88: 0.0}), "voxel size of 0"),
    "zero voxel size in sizes and sform": (header_fault({88: 0.0, 320: 0.0}), "voxel size of 0"),
    "zero voxel size in the sform": (header_fault({320: 0.0}), "voxel size of 0"),
    "NaN voxel size": (header_fault({88: np.nan}), r"voxel size of 0 or none \(2, 2, nan\)"),
}


@pytest.mark.parametrize("fault", IMAGE_FAULTS)
def test_a_faulty_image_is_refused_by_name_and_found_by_the_check(raw, fault):
    path = raw / "ct_train" / "ct_train_1001_image.nii.gz"
    damage, message = IMAGE_FAULTS[fault]
    damage(path)
    with pytest.raises(UserError, match=message) as caught:
        read_all(raw)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    (found,), contents = checks(raw)
    assert (found.path, found.case, found.kind) == (path, "1001", "")
    assert re.search(message, str(found))
    assert None not in contents[1:]


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
def test_a_faulty_label_is_refused_by_name_and_found_by_the_check(raw, fault):
    path = raw / "ct_train" / "ct_train_1001_label.nii.gz"
    damage, message = LABEL_FAULTS[fault]
    damage(path)
    with pytest.raises(UserError, match=message) as caught:
        read_all(raw)
    assert str(path) in str(caught.value)
    (found,), contents = checks(raw)
    assert (found.path, found.case) == (path, "1001")
    assert re.search(message, str(found))
    assert len({*contents} - {None}) == 3  # of the images alone


def test_all_faults_of_a_case_are_found_at_once(raw):
    image, label = (raw / "ct_train" / f"ct_train_1001_{kind}.nii.gz" for kind in ("image", "label"))
    voxels = np.zeros((10, 9, 8), dtype=np.float32)
    voxels[:2, 0, 0] = np.nan, np.inf
    nibabel.save(nibabel.Nifti1Image(voxels, AFFINE), image)
    values = np.zeros((10, 9, 7), dtype=np.float32)
    values[:9, 0, 0] = 0.5, 1, 2, 3, 4, 5, 6, np.nan, -1
    write_volume(label, values)
    faults, _ = checks(raw)
    assert [(fault.path, fault.kind) for fault in faults] == [
        (image, "units"),
        (label, ""),
        (image, ""),
        (label, ""),
        (label, ""),
        (label, ""),
    ]
    for fault, part in zip(
        faults,
        [
            "names no unit .* --assume-mm",
            r"has shape \(10, 9, 7\)",
            "has 2 NaN or infinite voxels",
            "has 1 NaN or infinite voxels",
            r"not whole numbers \(0.5\)",
            r"has the label values -1, 1, 2, 3, 4, …, which MM-WHS does not declare .*; map or remove them",
        ],
        strict=True,
    ):
        assert re.search(part, str(fault)), part


def test_a_label_of_nothing_but_background_is_no_fault(raw):
    write_volume(raw / "ct_train" / "ct_train_1001_label.nii.gz", np.zeros((10, 9, 8), dtype=np.int16))
    faults, contents = checks(raw)
    assert faults == []
    assert len(set(contents)) == 3


def test_the_content_is_that_of_the_image(raw):
    first = opened(raw)[0]
    assert checks(raw)[1][0] == content_hash(first.image) == content_hash(whole(first.image))


def test_a_file_that_names_no_unit_is_read_as_mm_and_said_by_the_check(raw):
    path = raw / "ct_train" / "ct_train_1002_image.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.arange(720, dtype=np.int16).reshape(10, 9, 8), AFFINE), path)
    assert opened(raw)[1].spacing_mm == (2.0, 2.0, 2.0)
    (fault,), contents = checks(raw)
    assert (fault.path, fault.kind, fault.case) == (path, "units", "1002")
    assert contents[1] is not None


def test_affines_may_differ_by_rounding(raw):
    write_volume(
        raw / "ct_train" / "ct_train_1001_label.nii.gz", np.zeros((10, 9, 8), dtype=np.int16), AFFINE + 1e-5 * np.eye(4)
    )
    read_all(raw)
    assert checks(raw)[0] == []


def test_one_case_under_two_endings_is_a_fault_and_the_others_are_listed(raw):
    path = raw / "ct_train" / "ct_train_1001_image.nii.gz"
    path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    found = find_reader(raw).scan(raw)
    (fault,) = found.faults
    assert (fault.path, fault.domain, fault.case) == (path, "ct", "1001")
    assert "case 1001, which is there twice" in str(fault)
    assert [files.id for files in found.domains[0].cases] == ["1001", "1002", "1003"]


def test_a_folder_in_a_files_place_is_a_fault(raw):
    image, label = raw / "ct_train" / "ct_train_1001_image.nii.gz", raw / "ct_train" / "ct_train_1002_label.nii.gz"
    for path in (image, label):
        path.unlink()
        path.mkdir()
    found = find_reader(raw).scan(raw)
    assert [(fault.path, fault.case) for fault in found.faults] == [(image, "1001")]
    assert [files.id for files in found.domains[0].cases] == ["1002", "1003"]
    assert [(fault.path, "Is a directory" in str(fault)) for fault in checks(raw)[0]] == [(label, True)]


def test_a_broken_link_in_a_labels_place_is_a_fault(raw):
    label = raw / "ct_train" / "ct_train_1002_label.nii.gz"
    label.unlink()
    label.symlink_to("nowhere.nii.gz")
    (fault,) = checks(raw)[0]
    assert (fault.path, "is a broken link" in str(fault)) == (label, True)


@pytest.mark.parametrize(("target", "message"), [("mr_train", "circle"), ("gone", "broken link"), (".", "lies in")])
def test_a_link_that_leads_nowhere_in_a_domains_place_is_a_fault(raw, target, message):
    (raw / "mr_train").symlink_to(target)
    found = find_reader(raw).scan(raw)
    assert [domain.name for domain in found.domains] == ["ct"]
    (fault,) = found.faults
    assert fault.path == raw / "mr_train"
    assert message in str(fault)
