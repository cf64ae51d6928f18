"""nnU-Net folders: what is read, what is said, and every refusal with the file's name."""

import re
import shutil

import nibabel
import numpy as np
import pytest

from data.nnunet import LABELS, write_case, write_dataset_json, write_domain
from data.volumes import whole, write_volume
from seasa_da.config import DataSettings
from seasa_da.data.case import IGNORED
from seasa_da.data.labels import open_labels
from seasa_da.data.prepare import prepare
from seasa_da.data.readers import check_case, find_reader
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError

TINY = DataSettings(size=16, spacing_mm=2.0, depth_mm=20.0)


@pytest.fixture
def raw(tmp_path):
    """Domains ct and m.r-1, each with a, b, c for training and d for testing."""
    folder = tmp_path / "raw"
    write_domain(folder / "ct")
    write_domain(folder / "m.r-1", seed=1)
    return folder


def scan(raw):
    return find_reader(raw).scan(raw)


def read_all(raw):
    """All voxels of all cases."""
    reader = find_reader(raw)
    cases = [reader.load(files) for domain in reader.scan(raw).domains for files in domain.cases]
    return [(whole(case.image), None if case.label is None else whole(case.label)) for case in cases]


def check_all(raw):
    reader = find_reader(raw)
    cases = [files for domain in reader.scan(raw).domains for files in domain.cases]
    return [fault for files in cases for fault in check_case(reader, files).faults]


def splits(domain):
    return {files.id: (files.split, files.label is not None) for files in domain.cases}


def test_domains_cases_and_names(raw):
    (raw / ".hidden").mkdir()
    (raw / "results").mkdir()
    (raw / "ct" / "imagesTr" / "._a_0000.nii.gz").write_bytes(b"macOS")
    found = scan(raw)
    assert find_reader(raw).name == "nnunet"
    assert [domain.name for domain in found.domains] == ["ct", "m.r-1"]
    assert found.domains[0].label_names == ("heart", "liver")  # by value, not by place in the file
    expected = {"a": ("train", True), "b": ("train", True), "c": ("train", True), "d": ("test", True)}
    assert splits(found.domains[0]) == expected
    assert found.notes == ()
    assert found.files == (raw / "ct" / "dataset.json", raw / "m.r-1" / "dataset.json")


def test_values_in_the_file_become_1_to_k(raw):
    values = np.array([0, 1, 3] * 240, dtype=np.int16).reshape(10, 9, 8)
    write_volume(raw / "ct" / "labelsTr" / "a.nii.gz", values)
    image, label = read_all(raw)[0]
    assert label.reshape(-1)[:3].tolist() == [0, 1, 2]
    assert (label.dtype, image.dtype, image.shape) == (np.uint8, np.float32, (1, 10, 9, 8))
    domain = scan(raw).domains[0]
    assert (domain.label_names, domain.label_values) == (("heart", "liver"), (1, 3))
    assert find_reader(raw).load(domain.cases[0]).spacing_mm == (2.0, 2.0, 2.0)


def test_the_ignore_label_is_ignored(raw):
    write_dataset_json(raw / "ct", labels={"background": 0, "ignore": 7, "liver": 3, "heart": 1})
    values = np.array([0, 7, 3, 1] * 180, dtype=np.int16).reshape(10, 9, 8)
    write_volume(raw / "ct" / "labelsTr" / "a.nii.gz", values)
    domain = scan(raw).domains[0]
    assert (domain.label_names, domain.label_values) == (("heart", "liver"), (1, 3))
    assert read_all(raw)[0][1].reshape(-1)[:4].tolist() == [0, IGNORED, 2, 1]


def test_several_channels_come_in_order_of_their_numbers(raw):
    for part in ("Tr", "Ts"):
        shutil.rmtree(raw / "ct" / f"images{part}")
    write_dataset_json(raw / "ct", channel_names={"1": "T2", "0": "T1", "2": "FLAIR"})
    for case in "abc":
        write_case(raw / "ct", case, channels=3)
    domain = scan(raw).domains[0]
    assert domain.channels == ("T1", "T2", "FLAIR")
    assert [path.name for path in domain.cases[0].images] == [f"a_000{number}.nii.gz" for number in range(3)]
    case = find_reader(raw).load(domain.cases[0])
    assert case.image.shape == (3, 10, 9, 8)
    for number, path in enumerate(domain.cases[0].images):
        assert np.array_equal(whole(case.image)[number], np.asarray(nibabel.load(path).dataobj))
    assert check_all(raw) == []


def test_a_store_is_made_of_them(raw, tmp_path):
    prepare(raw, tmp_path / "store", TINY)
    store = SliceStore.open(tmp_path / "store")
    assert store.domains == ("ct", "m.r-1")
    assert store.domain("m.r-1").label_names == ("heart", "liver")
    assert set(np.unique(open_labels(store, "ct", "test"))) == {0, 1, 2}


def test_test_images_without_a_label_are_listed_and_left_out(raw):
    write_case(raw / "ct", "e", "Ts", label=False)
    found = scan(raw)
    assert splits(found.domains[0])["e"] == (None, False)
    assert found.notes == ("not used unless named: 1 cases in ct/imagesTs (e): no label in labelsTs",)
    assert {files.id: files.home for files in found.domains[0].cases} == {
        "a": "train",
        "b": "train",
        "c": "train",
        "d": "test",
        "e": "test",
    }
    assert found.domains[0].split_from == "imagesTs"


def test_what_does_not_fit_together_is_named(raw):
    write_volume(raw / "ct" / "labelsTr" / "stray.nii.gz", np.zeros((10, 9, 8), dtype=np.int16))
    write_dataset_json(raw / "m.r-1", numTraining=7)
    assert scan(raw).notes == (
        "not used: 1 labels in ct/labelsTr (stray): no image in imagesTr",
        f"{raw / 'm.r-1' / 'dataset.json'} says numTraining 7; imagesTr has 3 cases",
    )


@pytest.mark.parametrize("labels", [None, LABELS])
def test_a_target_without_any_label_keeps_its_cases_and_images(raw, tmp_path, labels):
    prepare(raw, tmp_path / "labelled", TINY)
    for part in ("Tr", "Ts"):
        shutil.rmtree(raw / "m.r-1" / f"labels{part}")
    write_dataset_json(raw / "m.r-1", labels=labels)
    found = scan(raw)
    assert splits(found.domains[1]) == {
        "a": ("train", False),
        "b": ("train", False),
        "c": ("train", False),
        "d": ("test", False),
    }
    assert found.notes == found.faults == ()
    prepare(raw, tmp_path / "blind", TINY)
    seeing, blind = SliceStore.open(tmp_path / "labelled"), SliceStore.open(tmp_path / "blind")
    assert open_labels(blind, "m.r-1", "train") is open_labels(blind, "m.r-1", "test") is None
    assert open_labels(blind, "ct", "train") is not None
    for split in ("train", "test"):
        assert np.array_equal(blind.images("m.r-1", split)[:], seeing.images("m.r-1", split)[:])


def test_version_1_and_the_decathlons_names(raw):
    version_1 = {"channel_names": None, "file_ending": None, "modality": {"0": "CT"}}
    write_dataset_json(raw / "ct", labels={"0": "background", "3": "liver", "1": "heart"}, **version_1)
    found = scan(raw).domains[0]
    assert found.label_names == ("heart", "liver")
    expected = [files.id for files in found.cases]
    for path in [*(raw / "ct").glob("imagesT*/*")]:
        path.rename(path.with_name(path.name.replace("_0000", "")))
    again = scan(raw).domains[0]
    assert [files.id for files in again.cases] == expected == ["a", "b", "c", "d"]
    assert all(files.label is not None for files in again.cases)


def test_numbers_at_the_end_of_version_1s_names_are_channels_only_where_all_are_0000(raw):
    write_dataset_json(raw / "ct", channel_names=None, file_ending=None, modality={"0": "CT"})
    names = {"a": "p_0000", "b": "p_0001", "c": "q", "d": "p_0002"}
    for case, name in names.items():
        for path in (raw / "ct").glob(f"*/{case}*.nii.gz"):
            path.rename(path.with_name(f"{name}.nii.gz"))
    expected = {"p_0000": ("train", True), "p_0001": ("train", True), "p_0002": ("test", True), "q": ("train", True)}
    assert splits(scan(raw).domains[0]) == expected
    # imagesTs goes by what imagesTr shows, even where its own names all look like channels
    (raw / "ct" / "imagesTs" / "p_0002.nii.gz").rename(raw / "ct" / "imagesTs" / "r_0000.nii.gz")
    (raw / "ct" / "labelsTs" / "p_0002.nii.gz").rename(raw / "ct" / "labelsTs" / "r_0000.nii.gz")
    assert splits(scan(raw).domains[0])["r_0000"] == ("test", True)


def decathlon(domain, modality):
    """A domain's images, one file a case with all channels, as the Decathlon has them."""
    version_1 = {"channel_names": None, "file_ending": None, "modality": dict(enumerate(modality))}
    write_dataset_json(domain, labels={"0": "background", "3": "liver", "1": "heart"}, **version_1)
    for path in sorted(domain.glob("imagesT*/*_0000.nii.gz")):
        voxels = np.asarray(nibabel.load(path).dataobj)
        path.unlink()
        channels = [voxels + number for number in range(len(modality))]
        write_volume(path.with_name(path.name.replace("_0000", "")), np.stack(channels, axis=-1))


@pytest.mark.parametrize("name", ["auto", "nnunet", "msd"])
def test_the_decathlons_files_hold_all_channels(raw, name):
    decathlon(raw / "ct", ["T1", "T2"])
    reader = find_reader(raw, name)
    assert reader.name == ("msd" if name == "msd" else "nnunet")
    if name == "msd":  # whose names never end in a channel
        decathlon(raw / "m.r-1", ["T1", "T2"])
    domain = reader.scan(raw).domains[0]
    assert domain.channels == ("T1", "T2")
    assert [[path.name for path in files.images] for files in domain.cases] == [
        ["a.nii.gz"],
        ["b.nii.gz"],
        ["c.nii.gz"],
        ["d.nii.gz"],
    ]
    assert reader.grid(domain.cases[0]).shape == (10, 9, 8)
    case = reader.load(domain.cases[0])
    assert case.image.shape == (2, 10, 9, 8)
    assert np.array_equal(whole(case.image)[1], whole(case.image)[0] + 1)
    assert check_case(reader, domain.cases[0]).faults == ()


def test_a_decathlons_file_without_all_channels_is_a_fault(raw):
    decathlon(raw / "ct", ["T1", "T2"])
    write_volume(raw / "ct" / "imagesTr" / "b.nii.gz", np.zeros((10, 9, 8, 3), dtype=np.int16))
    (fault,) = check_all(raw)
    assert "ct/imagesTr/b.nii.gz has shape (10, 9, 8, 3); it must be 4D with 2 channels" in str(fault)


def test_the_decathlons_names_may_end_in_numbers(raw):
    for domain in ("ct", "m.r-1"):
        write_dataset_json(raw / domain, channel_names=None, file_ending=None, modality={"0": "CT"})
        for path in (raw / domain).glob("labelsT*/*"):
            path.rename(path.with_name(path.name.replace(".nii", "_0000.nii")))
    assert [files.id for files in find_reader(raw, "msd").scan(raw).domains[0].cases] == [f"{c}_0000" for c in "abcd"]
    assert [files.id for files in find_reader(raw).scan(raw).domains[0].cases] == list("abcd")


def test_version_1_with_several_channels_in_files_of_their_own(raw):
    two = {"channel_names": None, "file_ending": None, "modality": {"0": "T1", "1": "T2"}}
    write_dataset_json(raw / "ct", **two)
    for case, part in (("a", "Tr"), ("b", "Tr"), ("c", "Tr"), ("d", "Ts")):
        write_case(raw / "ct", case, part, channels=2)
    found = scan(raw)
    assert [len(files.images) for files in found.domains[0].cases] == [2] * 4
    (raw / "ct" / "imagesTr" / "b_0001.nii.gz").unlink()
    assert ["b_0001.nii.gz is missing" in fault.what for fault in scan(raw).faults] == [True]


def test_folders_that_are_no_domain_are_named_and_stop_nothing(raw):
    write_dataset_json(raw / "old results", channel_names={"0": "T1", "1": "T2"})
    shutil.copytree(raw / "ct" / "imagesTr", raw / "pet" / "imagesTr")
    found = scan(raw)
    assert [domain.name for domain in found.domains] == ["ct", "m.r-1"]
    assert found.notes == (
        f"not used: {raw / 'old results'}: it has no imagesTr, so it is no domain",
        f"not used: {raw / 'pet'}: it has no dataset.json, so it is no domain",
    )


def test_files_of_another_ending_are_not_left_out_in_silence(raw):
    for name in ("labelsTr/a", "imagesTs/d_0000"):
        (raw / "ct" / f"{name}.nii.gz").rename(raw / "ct" / f"{name}.nii")
    (raw / "ct" / "imagesTr" / ".DS_Store").write_bytes(b"macOS")
    assert scan(raw).notes == (
        "not used: 1 files in ct/imagesTs (d_0000.nii): dataset.json's file_ending is .nii.gz",
        "not used: 1 files in ct/labelsTr (a.nii): dataset.json's file_ending is .nii.gz",
        "not used: 1 labels in ct/labelsTs (d): no image in imagesTs",
    )


def test_unzipped_files_are_read_where_the_json_says_so(raw):
    import gzip

    write_dataset_json(raw / "ct", file_ending=".nii")
    for path in [*(raw / "ct").glob("*T*/*.nii.gz")]:
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert len(read_all(raw)) == 8


JSON_FAULTS = {
    "no channel": ({"channel_names": None}, "must name its channels"),
    "channel numbers": ({"channel_names": {"1": "T1", "2": "T2"}}, r"numbers its channels 1, 2; they must be 0, 1"),
    "a channel's name": ({"channel_names": {"0": ["T1"]}}, r"calls a channel \['T1'\]; give it a name"),
    "regions": ({"labels": {"background": 0, "whole": [1, 2]}}, "'whole' is a region"),
    "ignored background": ({"labels": {"ignore": 0, "liver": 1}}, "label 'ignore' has the value 0"),
    "not a number": ({"labels": {"background": 0, "liver": "one"}}, "'liver': 'one' is not"),
    "a switch": ({"labels": {"background": 0, "liver": True}}, "'liver': True is not"),
    "a list": ({"labels": ["liver"]}, "labels must be of the form"),
    "names twice": ({"labels": {"0": "background", "1": "liver", "2": "liver"}}, "each name once"),
    "negative": ({"labels": {"background": 0, "liver": -1}}, "'liver' has the value -1"),
    "large": ({"labels": {"background": 0, "liver": 70000}}, "'liver' has the value 70000"),
    "one value": ({"labels": {"background": 0, "liver": 1, "heart": 1}}, "two labels one value"),
    "background": ({"labels": {"background": 1, "liver": 2}}, "'background' has the value 1; it must be 0"),
    "the mean": ({"labels": {"background": 0, "mean": 1}}, "a label cannot be called 'mean'.*; rename it"),
    "digits": ({"labels": {"0": "background", "1" * 5000: "liver"}}, "labels must be of the form"),
    "digits of a number": ({"labels": {"background": 0, "liver": 10**4000}}, "'liver' has the value 1000"),
    "many": ({"labels": {f"s{i}": i for i in range(300)}}, "300 labels; at most 254"),
    "ending": ({"file_ending": ".png"}, "file_ending '.png'; convert"),
}


@pytest.mark.parametrize("fault", JSON_FAULTS)
def test_a_dataset_json_that_cannot_be_followed_is_refused(raw, fault):
    changes, message = JSON_FAULTS[fault]
    write_dataset_json(raw / "ct", **changes)
    with pytest.raises(UserError, match=message) as caught:
        scan(raw)
    assert str(raw / "ct" / "dataset.json") in str(caught.value)
    assert str(caught.value).endswith("give a folder that holds those only (links will do)")
    assert "\n" not in str(caught.value)


def test_a_folder_of_links_to_the_two_domains_is_read(raw, tmp_path):
    write_dataset_json(raw / "other", file_ending=".png")
    write_case(raw / "other", "a")
    with pytest.raises(UserError, match=r"other.*file_ending '\.png'.*links will do"):
        scan(raw)
    (tmp_path / "two").mkdir()
    for domain in ("ct", "m.r-1"):
        (tmp_path / "two" / domain).symlink_to(raw / domain)
    assert len(read_all(tmp_path / "two")) == 8


def rename(path, name):
    path.rename(path.with_name(name))


def copy(path, name):
    shutil.copy(path, path.with_name(name))


def only_dicom(folder):
    for path in folder.iterdir():
        path.rename(path.with_name(path.name.split("_")[0] + ".dcm"))


IMAGE = "imagesTr/a_0000.nii.gz"
FOLDER_FAULTS = {
    "not json": (lambda d: (d / "dataset.json").write_text("{"), "not valid JSON"),
    "json of a list": (lambda d: (d / "dataset.json").write_text("[]"), "must hold channel_names"),
    "no images": (
        lambda d: [path.unlink() for path in d.glob("imagesTr/*")],
        "imagesTr has no image; they are called CASE_0000.nii.gz",
    ),
    "DICOM": (lambda d: only_dicom(d / "imagesTr"), r"has no image; .*; convert DICOM series to NIfTI first"),
    "a name": (lambda d: rename(d, "c t"), "c t cannot name a domain"),
}


@pytest.mark.parametrize("fault", FOLDER_FAULTS)
def test_a_folder_that_cannot_be_followed_is_refused(raw, fault):
    damage, message = FOLDER_FAULTS[fault]
    damage(raw / "ct")
    with pytest.raises(UserError, match=message) as caught:
        scan(raw)
    assert "\n" not in str(caught.value)


def folder_of(path):
    path.unlink()
    path.mkdir()


CASE_FAULTS = {
    "no channel number": (
        lambda d: rename(d / IMAGE, "a.nii.gz"),
        "imagesTr/a.nii.gz",
        "must be called CASE_0000.nii.gz: images end in the number of their channel",
        "bc",
    ),
    "a further channel": (
        lambda d: copy(d / IMAGE, "a_0001.nii.gz"),
        "imagesTr/a_0001.nii.gz",
        "is a further channel, but .*dataset.json names 1; remove the file",
        "abc",
    ),
    "no such channel": (
        lambda d: rename(d / IMAGE, "a_0003.nii.gz"),
        "imagesTr/a_0003.nii.gz",
        "is a further channel, but .*dataset.json names 1; remove the file",
        "bc",
    ),
    "in both": (
        lambda d: write_case(d, "a", "Ts"),
        "imagesTs/a_0000.nii.gz",
        "is of case a, which is in imagesTr too; a patient is in train or in test",
        "abc",
    ),
    "in both, without a label": (
        lambda d: write_case(d, "a", "Ts", label=False),
        "imagesTs/a_0000.nii.gz",
        "is of case a, which is in imagesTr too",
        "abc",
    ),
    "a folder": (lambda d: folder_of(d / IMAGE), IMAGE, "is a folder; a case's file must be here", "bc"),
}


@pytest.mark.parametrize("fault", CASE_FAULTS)
def test_what_is_wrong_with_a_case_stops_no_other(raw, fault):
    damage, path, message, training = CASE_FAULTS[fault]
    damage(raw / "ct")
    found = scan(raw)
    (only,) = found.faults
    assert (only.path, only.domain, only.case) == (raw / "ct" / path, "ct", "a")
    assert re.match(message, only.what)
    assert [files.id for files in found.domains[0].cases] == [*training, "d"]
    assert found.notes == ()
    assert len(read_all(raw)) == len(training) + 1 + 4


def test_a_missing_channel_is_a_fault(raw):
    write_dataset_json(raw / "ct", channel_names={"0": "T1", "1": "T2"})
    for case, part in (("a", "Tr"), ("b", "Tr"), ("d", "Ts")):
        write_case(raw / "ct", case, part, channels=2)
    (raw / "ct" / "imagesTr" / "b_0000.nii.gz").unlink()
    found = scan(raw)
    assert [(fault.path.name, fault.domain, fault.case) for fault in found.faults] == [
        ("b_0001.nii.gz", "ct", "b"),
        ("c_0000.nii.gz", "ct", "c"),
    ]
    assert found.faults[0].what == "has no channel T1 beside it: b_0000.nii.gz is missing; add it"
    assert found.faults[1].what == "has no channel T2 beside it: c_0001.nii.gz is missing; add it"
    assert [files.id for files in found.domains[0].cases] == ["a", "d"]


@pytest.mark.parametrize(("target", "message"), [("mr", "circle"), ("gone", "broken link"), (".", "lies in")])
def test_a_link_that_leads_nowhere_in_a_domains_place_is_a_fault(raw, target, message):
    (raw / "mr").symlink_to(target)
    found = scan(raw)
    assert [domain.name for domain in found.domains] == ["ct", "m.r-1"]
    (fault,) = found.faults
    assert (fault.path, fault.domain) == (raw / "mr", "mr")
    assert message in fault.what


SHIFTED = np.array([[2.0, 0, 0, 3], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])
LABEL_FAULTS = {
    "undeclared": (np.full((10, 9, 8), 2, dtype=np.int16), None, r"label value 2, which .*dataset\.json does not dec"),
    "beyond": (np.full((10, 9, 8), 9, dtype=np.int16), None, r"label value 9, .*\(it has 0, 1, 3\)"),
    "negative": (np.full((10, 9, 8), -1, dtype=np.int16), None, "label value -1,"),
    "fractions": (np.full((10, 9, 8), 0.5, dtype=np.float32), None, r"whole numbers \(0.5\)"),
    "shape": (np.zeros((10, 9, 7), dtype=np.int16), None, r"shape \(10, 9, 7\), its image a_0000"),
    "affine": (np.zeros((10, 9, 8), dtype=np.int16), SHIFTED, "lies elsewhere .*3 mm"),
}


@pytest.mark.parametrize("fault", LABEL_FAULTS)
def test_a_faulty_label_is_refused_by_name(raw, fault):
    voxels, affine, message = LABEL_FAULTS[fault]
    path = raw / "ct" / "labelsTr" / "a.nii.gz"
    write_volume(path, voxels, affine)
    with pytest.raises(UserError, match=message) as caught:
        read_all(raw)
    assert str(path) in str(caught.value)
    (found,) = check_all(raw)
    assert (found.path, found.case) == (path, "a")
    assert re.search(message, str(found))


def test_one_domain_alone_says_which_folder_to_give(raw):
    with pytest.raises(UserError, match="ct is one domain; put it into a folder"):
        scan(raw / "ct")
