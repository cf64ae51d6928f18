"""nnU-Net folders: what is read, what is said, and every refusal with the file's name."""

import json
import shutil

import numpy as np
import pytest

from data.nnunet import LABELS, write_case, write_dataset_json, write_domain
from data.volumes import write_volume
from seasa_da.config import DataSettings
from seasa_da.data.labels import open_labels
from seasa_da.data.prepare import prepare
from seasa_da.data.readers import find_reader
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
    reader = find_reader(raw)
    return [reader.load(files) for domain in reader.scan(raw).domains for files in domain.cases]


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
    case = read_all(raw)[0]
    assert case.label.reshape(-1)[:3].tolist() == [0, 1, 2]
    assert case.label.dtype == np.uint8 and case.image.dtype == np.float32
    assert case.spacing_mm == (2.0, 2.0, 2.0)


def test_a_store_is_made_of_them(raw, tmp_path):
    prepare(raw, tmp_path / "store", TINY)
    store = SliceStore.open(tmp_path / "store")
    assert store.domains == ("ct", "m.r-1")
    assert store.domain("m.r-1").label_names == ("heart", "liver")
    assert set(np.unique(open_labels(store, "ct", "test"))) == {0, 1, 2}


def test_test_images_without_a_label_are_named_as_unused(raw):
    write_case(raw / "ct", "e", "Ts", label=False)
    found = scan(raw)
    assert "e" not in splits(found.domains[0])
    assert found.notes == ("not used: 1 cases in ct/imagesTs (e): no label in labelsTs",)


def test_what_does_not_fit_together_is_named(raw):
    write_volume(raw / "ct" / "labelsTr" / "stray.nii.gz", np.zeros((10, 9, 8), dtype=np.int16))
    write_dataset_json(raw / "m.r-1", numTraining=7)
    assert scan(raw).notes == (
        "not used: 1 labels in ct/labelsTr (stray): no image in imagesTr",
        f"{raw / 'm.r-1' / 'dataset.json'} says numTraining 7; imagesTr has 3 cases",
    )


def test_without_test_cases_splits_json_names_them(raw):
    shutil.rmtree(raw / "ct" / "imagesTs")
    shutil.rmtree(raw / "ct" / "labelsTs")
    with pytest.raises(
        UserError, match=r"domain ct of .* without a test case; name its test cases .*in .*splits\.json"
    ):
        scan(raw)
    (raw / "splits.json").write_text(json.dumps({"ct": {"test": ["b"]}}))
    found = scan(raw)
    assert splits(found.domains[0]) == {"a": ("train", True), "b": ("test", True), "c": ("train", True)}
    assert found.files[-1] == raw / "splits.json"


def test_splits_json_comes_before_imagests(raw):
    (raw / "splits.json").write_text(json.dumps({"ct": {"test": ["b"]}}))
    found = scan(raw)
    assert splits(found.domains[0]) == {"a": ("train", True), "b": ("test", True), "c": ("train", True)}
    assert found.notes == ("not used: 1 cases in ct/imagesTs (d): splits.json names the test cases",)
    assert splits(found.domains[1])["d"] == ("test", True)


def test_splits_json_chooses_of_both_folders_whatever_the_labels(raw):
    write_case(raw / "ct", "e", "Ts", label=False)
    write_case(raw / "ct", "f", "Ts")
    (raw / "splits.json").write_text(json.dumps({"ct": {"test": ["e", "b"], "train": ["d"]}}))
    found = scan(raw)
    chosen = {"a": "train", "b": "test", "c": "train", "d": "train", "e": "test"}
    assert {case: split for case, (split, _) in splits(found.domains[0]).items()} == chosen
    assert [files.image.parent.name[-2:] for files in found.domains[0].cases] == ["Tr", "Tr", "Tr", "Ts", "Ts"]
    assert [files.label is not None for files in found.domains[0].cases] == [True, True, True, True, False]
    assert found.notes == ("not used: 1 cases in ct/imagesTs (f): splits.json names the test cases",)
    for part in ("Tr", "Ts"):
        shutil.rmtree(raw / "ct" / f"labels{part}")
    blind = scan(raw)
    assert splits(blind.domains[0]) == {case: (split, False) for case, split in chosen.items()}
    assert blind.notes == found.notes


def test_a_case_of_both_folders_is_refused_where_splits_json_names_it(raw):
    write_case(raw / "ct", "a", "Ts")
    (raw / "splits.json").write_text(json.dumps({"ct": {"test": ["b"]}}))
    assert splits(scan(raw).domains[0]).keys() == {"a", "b", "c"}
    (raw / "splits.json").write_text(json.dumps({"ct": {"test": ["a"]}}))
    with pytest.raises(UserError, match="case a is in imagesTr too"):
        scan(raw)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"pet": {"test": ["b"]}}, "domain 'pet'; the domains here are ct and m.r-1"),
        (
            {"ct": {"test": ["x"]}},
            r"case x into ct's test split, but it has no image there; .*\(its cases are a, b, c, …\)",
        ),
        ({"ct": {"test": ["a", "b", "c"]}}, "leaves domain ct of .* without a train case"),
    ],
)
def test_a_wrong_splits_json_is_refused(raw, content, message):
    (raw / "splits.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=message) as caught:
        scan(raw)
    assert "splits.json" in str(caught.value)


@pytest.mark.parametrize("labels", [None, LABELS])
def test_a_target_without_any_label_keeps_its_cases_and_images(raw, tmp_path, labels):
    prepare(raw, tmp_path / "labelled", TINY)
    for part in ("Tr", "Ts"):
        shutil.rmtree(raw / "m.r-1" / f"labels{part}")
    write_dataset_json(raw / "m.r-1", labels=labels)
    found = scan(raw)
    assert set(splits(found.domains[1]).values()) == {("train", False), ("test", False)}
    assert found.notes == ()
    prepare(raw, tmp_path / "blind", TINY)
    seeing, blind = SliceStore.open(tmp_path / "labelled"), SliceStore.open(tmp_path / "blind")
    assert open_labels(blind, "m.r-1", "train") is open_labels(blind, "m.r-1", "test") is None
    assert open_labels(blind, "ct", "train") is not None
    for split in ("train", "test"):
        assert np.array_equal(blind.images("m.r-1", split), seeing.images("m.r-1", split))


def test_a_missing_label_in_a_labelled_split_is_refused(raw, tmp_path):
    (raw / "ct" / "labelsTr" / "b.nii.gz").unlink()
    with pytest.raises(UserError, match="case b of domain ct has no label"):
        prepare(raw, tmp_path / "store", TINY)


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


def test_folders_that_are_no_domain_are_named_and_stop_nothing(raw):
    write_dataset_json(raw / "old results", channel_names={"0": "T1", "1": "T2"})
    shutil.copytree(raw / "ct" / "imagesTr", raw / "pet" / "imagesTr")
    found = scan(raw)
    assert [domain.name for domain in found.domains] == ["ct", "m.r-1"]
    assert found.notes == (
        f"not used: {raw / 'old results'}: it has no imagesTr, so it is no domain",
        f"not used: {raw / 'pet'}: it has no dataset.json, so it is no domain",
    )


def test_unzipped_files_are_read_where_the_json_says_so(raw):
    import gzip

    write_dataset_json(raw / "ct", file_ending=".nii")
    for path in [*(raw / "ct").glob("*T*/*.nii.gz")]:
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert len(read_all(raw)) == 8


JSON_FAULTS = {
    "channels": ({"channel_names": {"0": "T1", "1": "T2"}}, r"2 channels \(T1, T2\), of which only one"),
    "no channel": ({"channel_names": None}, "must name its channel"),
    "regions": ({"labels": {"background": 0, "whole": [1, 2]}}, "'whole' is a region"),
    "ignore": ({"labels": {"background": 0, "liver": 1, "ignore": 2}}, "'ignore' label"),
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
    write_dataset_json(raw / "other", channel_names={"0": "T1", "1": "T2"})
    write_case(raw / "other", "a")
    with pytest.raises(UserError, match=r"other.*2 channels .*links will do"):
        scan(raw)
    (tmp_path / "two").mkdir()
    for domain in ("ct", "m.r-1"):
        (tmp_path / "two" / domain).symlink_to(raw / domain)
    assert len(read_all(tmp_path / "two")) == 8


def rename(path, name):
    path.rename(path.with_name(name))


def copy(path, name):
    shutil.copy(path, path.with_name(name))


IMAGE = "imagesTr/a_0000.nii.gz"
FOLDER_FAULTS = {
    "not json": (lambda d: (d / "dataset.json").write_text("{"), "not valid JSON"),
    "json of a list": (lambda d: (d / "dataset.json").write_text("[]"), "must hold channel_names"),
    "no images": (
        lambda d: [path.unlink() for path in d.glob("imagesTr/*")],
        "imagesTr has no image; they are called CASE_0000.nii.gz",
    ),
    "no channel number": (lambda d: rename(d / IMAGE, "a.nii.gz"), r"a\.nii\.gz must be called CASE_0000\.nii\.gz"),
    "a second channel": (lambda d: copy(d / IMAGE, "a_0001.nii.gz"), r"a_0001\.nii\.gz is a further channel"),
    "in both": (lambda d: write_case(d, "a", "Ts"), "case a is in imagesTr too"),
    "a name": (lambda d: rename(d, "c t"), "c t cannot name a domain"),
}


@pytest.mark.parametrize("fault", FOLDER_FAULTS)
def test_a_folder_that_cannot_be_followed_is_refused(raw, fault):
    damage, message = FOLDER_FAULTS[fault]
    damage(raw / "ct")
    with pytest.raises(UserError, match=message) as caught:
        scan(raw)
    assert "\n" not in str(caught.value)


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


def test_one_domain_alone_says_which_folder_to_give(raw):
    with pytest.raises(UserError, match="ct is one domain; put it into a folder"):
        scan(raw / "ct")
