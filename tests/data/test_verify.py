"""A folder for each fault of real data, one with all of them at once, and a clean one."""

import gzip
import json
import re
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

from data.nnunet import write_dataset_json
from seasa_da.config import RawSettings
from seasa_da.data.case import CaseFiles
from seasa_da.data.raw_folder import RawFolder, open_raw
from seasa_da.data.readers.raw import CaseCheck, Fault, RawData, RawDomain
from seasa_da.data.verify import verify
from seasa_da.errors import UserError

SHAPE = (12, 10, 8)
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])
NOTHING = RawSettings()


def save(path, voxels, affine=AFFINE, unit="mm"):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units(unit)
    nibabel.save(image, path)


def paths(domain, case, part="Tr"):
    return domain / f"images{part}" / f"{case}_0000.nii.gz", domain / f"labels{part}" / f"{case}.nii.gz"


def write_case(domain, case, part="Tr"):
    """Random voxels, a label of all declared values."""
    rng = np.random.default_rng([*domain.name.encode(), *case.encode()])
    image, label = paths(domain, case, part)
    save(image, rng.integers(0, 999, SHAPE).astype(np.int16))
    save(label, rng.choice(np.array([0, 1, 3], dtype=np.int16), SHAPE))


def write_domain(domain, cases="abc"):
    write_dataset_json(domain, numTraining=None)
    for case in cases:
        write_case(domain, case)
    write_case(domain, "z", "Ts")


@pytest.fixture
def raw(tmp_path):
    """Domains ct and mri, each with a, b, c for training and z for testing."""
    for name in ("ct", "mri"):
        write_domain(tmp_path / "raw" / name)
    return tmp_path / "raw"


def found(raw, settings=NOTHING, **options):
    return verify(open_raw(raw, settings), settings, **options)


def voxels(path):
    return np.asarray(nibabel.load(path).dataobj)


def with_voxel(path, value):
    changed = voxels(path).astype(np.float32)
    changed[1, 2, 3] = value
    save(path, changed)


def shift(path):
    affine = AFFINE.copy()
    affine[0, 3] = 3
    save(path, voxels(path), affine)


def zero_voxel_size(path):
    header = nibabel.Nifti1Image(np.zeros(SHAPE, dtype=np.int16), AFFINE).header
    header["pixdim"][3] = 0
    header["srow_z"] = 0
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    header.set_xyzt_units("mm")
    path.write_bytes(gzip.compress(header.binaryblock + bytes(4) + bytes(2 * int(np.prod(SHAPE)))))


def bad_affine(path):
    affine = AFFINE.copy()
    affine[:3, 1] = affine[:3, 0]
    header = nibabel.Nifti1Image(np.zeros(SHAPE, dtype=np.int16), None).header
    header.set_sform(affine, 1)
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    header.set_xyzt_units("mm")
    path.write_bytes(gzip.compress(header.binaryblock + bytes(4) + bytes(2 * int(np.prod(SHAPE)))))


def become_a_folder(path):
    path.unlink()
    path.mkdir()


def become_a_broken_link(path):
    path.unlink()
    path.symlink_to("nowhere.nii.gz")


IMAGE_FAULTS = {
    "truncated gzip": (lambda p: p.write_bytes(p.read_bytes()[:-40]), "truncated|damaged"),
    "damaged gzip": (lambda p: p.write_bytes(p.read_bytes()[:-8] + bytes(8)), "truncated|damaged"),
    "nothing": (lambda p: p.write_bytes(b""), "is empty"),
    "no voxels": (lambda p: save(p, np.zeros((12, 0, 8), dtype=np.int16)), "is empty"),
    "NaN": (lambda p: with_voxel(p, np.nan), "NaN or infinite"),
    "inf": (lambda p: with_voxel(p, -np.inf), "NaN or infinite"),
    "4D": (lambda p: save(p, np.zeros((*SHAPE, 2), dtype=np.int16)), "is 4D"),
    "voxel size of 0": (zero_voxel_size, "voxel size of 0"),
    "bad affine": (bad_affine, "axes fall together"),
    "no unit": (lambda p: save(p, voxels(p), unit="unknown"), "no unit .*--assume-mm"),
    "text": (lambda p: p.write_text("hello"), "not a NIfTI file"),
    "DICOM": (lambda p: p.write_bytes(bytes(128) + b"DICM" + bytes(300)), "DICOM.*dcm2niix|dcm2niix.*DICOM"),
    "a folder": (become_a_folder, "is a folder|cannot be read"),
    "a broken link": (become_a_broken_link, "is a broken link"),
}
LABEL_FAULTS = {
    "shape": (lambda p: save(p, np.zeros((12, 10, 7), dtype=np.int16)), r"shape \(12, 10, 7\)"),
    "affine": (shift, "lies elsewhere"),
    "fractions": (lambda p: with_voxel(p, 1.5), "not whole numbers"),
    "undeclared": (lambda p: with_voxel(p, 7), "label value 7"),
    "NaN in the label": (lambda p: with_voxel(p, np.nan), "NaN or infinite|not whole numbers"),
    "truncated label": (lambda p: p.write_bytes(p.read_bytes()[:-40]), "truncated|damaged"),
    "no unit of the label": (lambda p: save(p, voxels(p), unit="unknown"), "no unit .*--assume-mm"),
}


def test_a_clean_folder_has_no_fault_and_every_cases_hash(raw):
    done = []
    checked = found(raw, on_case=lambda: done.append(1))
    assert checked.faults == ()
    assert checked.contents.keys() == {(domain, case) for domain in ("ct", "mri") for case in "abcz"}
    assert len(set(checked.contents.values())) == len(done) == 8


@pytest.mark.parametrize("fault", IMAGE_FAULTS)
def test_a_faulty_image_is_named(raw, fault):
    damage, message = IMAGE_FAULTS[fault]
    path = paths(raw / "ct", "b")[0]
    damage(path)
    (only,) = found(raw).faults
    assert re.search(message, only.what)
    assert (only.path, only.domain, only.case) == (path, "ct", "b")
    assert str(only).startswith(f"{path} ") and "\n" not in str(only)


@pytest.mark.parametrize("fault", LABEL_FAULTS)
def test_a_faulty_label_is_named(raw, fault):
    damage, message = LABEL_FAULTS[fault]
    path = paths(raw / "mri", "z", "Ts")[1]
    damage(path)
    (only,) = found(raw).faults
    assert re.search(message, only.what)
    assert (only.path, only.domain, only.case) == (path, "mri", "z")


def test_a_file_that_may_not_be_read_is_named(raw, monkeypatch):
    path = paths(raw / "ct", "b")[0]
    opened = Path.open

    def refused(self, *args, **options):
        if self == path:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(self, *args, **options)

    monkeypatch.setattr(Path, "open", refused)  # root may read everything
    (only,) = found(raw).faults
    assert only.path == path
    assert re.search("cannot be read: Permission denied", only.what)


def test_a_case_without_a_label_in_a_labelled_split_is_named(raw):
    paths(raw / "ct", "b")[1].unlink()
    (only,) = found(raw).faults
    assert only.path == paths(raw / "ct", "b")[0]
    assert only.what == (
        "has no label, but others of ct's train split have; add its label, or leave the case out (--exclude ct/b)"
    )


def test_a_domain_without_any_label_is_no_fault(raw):
    for part in ("Tr", "Ts"):
        shutil.rmtree(raw / "mri" / f"labels{part}")
    assert found(raw).faults == ()


def test_labels_of_one_split_only_are_no_fault(raw):
    shutil.rmtree(raw / "mri" / "labelsTr")
    assert found(raw).faults == ()


def test_a_patient_in_train_and_test_is_named(raw):
    write_case(raw / "ct", "a", "Ts")
    faults = found(raw).faults
    assert faults
    assert all((fault.domain, fault.case) == ("ct", "a") for fault in faults)
    assert "a patient is in train or in test" in faults[0].what


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("ct", "a", "Tr"), ("ct", "b", "Tr")),
        (("ct", "a", "Tr"), ("ct", "z", "Ts")),
        (("ct", "a", "Tr"), ("mri", "b", "Tr")),
    ],
)
def test_one_volume_under_two_names_is_named(raw, first, second):
    """Within and across splits and domains, whatever the compression and the label."""
    one, other = (paths(raw / domain, case, part)[0] for domain, case, part in (first, second))
    other.write_bytes(gzip.compress(gzip.decompress(one.read_bytes()), compresslevel=1))
    (only,) = found(raw).faults
    assert only.path == other
    assert only.what == (
        f"is the same volume as {one}; remove one of them, or leave it out (--exclude {second[0]}/{second[1]})"
    )


def test_links_to_one_file_are_one_volume(raw):
    one, other = paths(raw / "ct", "a")[0], paths(raw / "ct", "b")[0]
    other.unlink()
    other.symlink_to(one)
    assert [fault.path for fault in found(raw).faults] == [other]


def test_domains_with_different_numbers_of_channels_are_named(raw):
    write_dataset_json(raw / "mri", numTraining=None, channel_names={"0": "T1", "1": "T2"})
    for image in [*(raw / "mri" / "imagesTr").iterdir(), *(raw / "mri" / "imagesTs").iterdir()]:
        changed = voxels(image)[::-1]
        save(image.with_name(image.name.replace("_0000", "_0001")), changed)
    (only,) = found(raw).faults
    assert only.path == raw
    assert "ct has 1 (CT); mri has 2 (T1, T2)" in only.what


def test_a_link_in_a_circle_is_named_and_the_rest_still_read(raw):
    (raw / "pet").symlink_to("pet")
    with_voxel(paths(raw / "ct", "a")[0], np.nan)
    faults = found(raw).faults
    assert [fault.path for fault in faults] == [raw / "pet", paths(raw / "ct", "a")[0]]
    assert "circle" in faults[0].what


def test_a_link_to_the_folder_it_lies_in_is_named(raw):
    (raw / "pet").symlink_to(raw)
    (only,) = found(raw).faults
    assert only.path == raw / "pet"


def test_a_raw_folder_that_is_a_link_in_a_circle_cannot_be_opened(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UserError, match="loop"):
        open_raw(tmp_path / "loop", NOTHING)


def test_units_can_be_assumed(raw):
    path = paths(raw / "ct", "b")[0]
    save(path, voxels(path), unit="unknown")
    with_voxel(paths(raw / "ct", "c")[0], np.nan)
    faults = found(raw, RawSettings(assume_mm=True)).faults
    assert [fault.path for fault in faults] == [paths(raw / "ct", "c")[0]]


def test_several_faults_of_a_case_are_all_found(raw):
    image, label = paths(raw / "ct", "b")
    with_voxel(image, np.nan)
    changed = voxels(label).astype(np.float32)
    changed[0, 0, :2] = 1.5, 9
    save(label, changed, unit="unknown")
    faults = found(raw).faults
    assert [fault.path for fault in faults].count(image) == 1
    texts = " | ".join(fault.what for fault in faults if fault.path == label)
    assert "whole numbers" in texts and "label value 9" in texts and "no unit" in texts


def test_all_faults_at_once_are_found_in_one_pass(tmp_path):
    """Each in a case of its own, and none hides another."""
    raw = tmp_path / "raw"
    names = [name.replace(" ", "-") for name in (*IMAGE_FAULTS, *LABEL_FAULTS)]
    write_domain(raw / "ct", [*names, "good", "twin", "unlabelled", "both"])
    write_domain(raw / "mri")
    expected = {}
    for name, (damage, message) in IMAGE_FAULTS.items():
        path = paths(raw / "ct", name.replace(" ", "-"))[0]
        damage(path)
        expected[path] = message
    for name, (damage, message) in LABEL_FAULTS.items():
        path = paths(raw / "ct", name.replace(" ", "-"))[1]
        damage(path)
        expected[path] = message
    shutil.copyfile(paths(raw / "ct", "good")[0], paths(raw / "ct", "twin")[0])
    expected[paths(raw / "ct", "twin")[0]] = "is the same volume"
    paths(raw / "ct", "unlabelled")[1].unlink()
    expected[paths(raw / "ct", "unlabelled")[0]] = "has no label"
    write_case(raw / "ct", "both", "Ts")
    expected[paths(raw / "ct", "both", "Ts")[0]] = "a patient is in train or in test"
    (raw / "pet").symlink_to("pet")
    expected[raw / "pet"] = "circle"
    (raw / "splits.json").write_text(json.dumps({"mri": {"test": ["z", "k"]}}))
    expected[raw / "splits.json"] = "puts case k into mri's test split"

    checked = found(raw)
    by_path = {fault.path: fault.what for fault in checked.faults}
    assert by_path.keys() == expected.keys()
    assert all(re.search(message, by_path[path]) for path, message in expected.items())
    assert found(raw, workers=1) == checked

    # and each can be left out by name
    out = {f"{fault.domain}/{fault.case}" for fault in checked.faults if fault.case}
    (raw / "splits.json").unlink()
    (raw / "pet").unlink()
    left = found(raw, RawSettings(exclude=tuple(out)))
    assert left.faults == ()
    assert {case for domain, case in left.contents if domain == "ct"} == {"good", "z"}


def test_known_cases_are_not_read_but_take_part_in_the_search_for_twins(raw):
    one = found(raw).contents["ct", "a"]
    with_voxel(paths(raw / "ct", "a")[0], np.nan)
    done = []
    checked = found(raw, known={("ct", "a"): one, ("ct", "gone"): "x"}, on_case=lambda: done.append(1))
    assert checked.faults == ()
    assert len(done) == 7
    assert checked.contents["ct", "a"] == one
    assert ("ct", "gone") not in checked.contents
    (twin,) = found(raw, known={("ct", "a"): "x", ("mri", "b"): "x"}).faults
    assert twin.path == paths(raw / "mri", "b")[0]


def test_cases_that_are_left_out_are_not_read(raw):
    (raw / "splits.json").write_text(json.dumps({"ct": {"test": ["a"]}}))
    paths(raw / "ct", "z", "Ts")[0].write_text("hello")
    assert found(raw).faults == ()


class StrangeReader:
    """A third party's reader that lists a case twice, and fails at another."""

    name, summary, version = "strange", "", 1

    def check(self, files):
        if files.id == "bad":
            raise UserError(f"{files.image} is of no use; remove it")
        return CaseCheck((Fault(files.image, "is odd"),) if files.id == "odd" else (), files.image.name)


def test_what_a_readers_check_says_is_kept_and_whose_it_is(tmp_path):
    def case(name, file, split="train"):
        return CaseFiles(name, (tmp_path / file,), None, split)

    cases = (case("a", "1"), case("a", "2", "test"), case("bad", "3"), case("odd", "4"))
    folder = RawFolder(tmp_path, StrangeReader(), RawData((RawDomain("ct", (), cases),)))
    checked = verify(folder, NOTHING)
    assert [(fault.path.name, fault.case, fault.what) for fault in checked.faults] == [
        ("2", "a", f"is case a of ct, which is there in train and test ({tmp_path / '1'}); remove one of them"),
        ("3", "bad", "is of no use; remove it"),
        ("4", "odd", "is odd"),
    ]
    assert {fault.domain for fault in checked.faults} == {"ct"}
