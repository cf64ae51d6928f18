"""Dividing cases: by a file, by a share, by the reader; every file that does not fit is named with the remedy."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from seasa_da.config import RawSettings
from seasa_da.data.case import CaseFiles
from seasa_da.data.readers.raw import Fault, RawData, RawDomain
from seasa_da.data.splits import divide
from seasa_da.errors import WrongSetting


def case(name, home="train", split="train"):
    return CaseFiles(name, (Path(f"{name}.nii.gz"),), None, split, home)


def domain(name="ct", train="abcde", test="xy", test_split="test"):
    cases = [case(each) for each in train] + [case(each, "test", test_split) for each in test]
    return RawDomain(name, ("liver",), tuple(cases), split_from="imagesTs")


def divided(raw, *domains, settings=None, excluded=(), **splits):
    """The folder's cases, divided with a `splits.json` of these domains if any are given."""
    if splits:
        (raw / "splits.json").write_text(json.dumps(splits))
    return divide(raw, RawData(domains or (domain(),)), settings or RawSettings(), excluded)


def splits_of(data, index=0):
    return {files.id: files.split for files in data.domains[index].cases}


def whats(data):
    return [str(fault) for fault in data.faults]


def test_the_readers_split_holds_unless_the_user_says(tmp_path):
    data = divided(tmp_path)
    assert data == RawData((domain(),))
    assert data.domains[0].split_from == "imagesTs"


def test_a_file_names_test_cases(tmp_path):
    data = divided(tmp_path, domain(), domain("mri"), ct={"test": ["b", "x"]})
    assert splits_of(data) == {
        "a": "train",
        "b": "test",
        "c": "train",
        "d": "train",
        "e": "train",
        "x": "test",
        "y": None,
    }
    assert data.domains[0].split_from == "splits.json"
    assert data.notes == ("not used: 1 of ct's cases (y), by splits.json",)
    assert data.files == (tmp_path / "splits.json",)
    assert data.domains[1] == domain("mri")
    assert data.faults == ()


def test_a_file_may_name_training_cases_of_the_test_folder(tmp_path):
    data = divided(tmp_path, ct={"test": ["b"], "train": ["x"]})
    assert splits_of(data)["x"] == "train"
    assert splits_of(data)["y"] is None


def test_another_file_comes_before_the_folders_own(tmp_path):
    other = tmp_path / "mine.json"
    other.write_text(json.dumps({"ct": {"test": ["c"]}}))
    data = divided(tmp_path, settings=RawSettings(splits=str(other)), ct={"test": ["b"]})
    assert [name for name, split in splits_of(data).items() if split == "test"] == ["c"]
    assert data.domains[0].split_from == "mine.json"
    assert data.files == (other,)
    with pytest.raises(WrongSetting, match=r"--splits .*nowhere\.json .*does not exist"):
        divided(tmp_path, settings=RawSettings(splits=str(tmp_path / "nowhere.json")))


def test_ids_may_be_numbers(tmp_path):
    cases = tuple(case(name) for name in ("1001", "1002"))
    assert splits_of(divided(tmp_path, RawDomain("ct", (), cases), ct={"test": [1002]})) == {
        "1001": "train",
        "1002": "test",
    }


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (
            {"ct": {"test": ["k"]}},
            r"puts case k into ct's test split, but it has no image .*\(its cases are a, b, c, …\)",
        ),
        ({"ct": {"train": ["k"], "test": ["a"]}}, "puts case k into ct's train split, but it has no image there"),
        ({"ct": {"train": ["a"], "test": ["a"]}}, "puts case a of ct into both train and test; a patient is in one"),
        ({"pet": {"test": ["a"]}}, "names a domain 'pet'; the domains here are ct$"),
        ({"ct": ["a"]}, "must have 'ct' of the form"),
        ({"ct": {"validation": ["a"]}}, "must have 'ct' of the form"),
        ({"ct": {"test": [True]}}, "must have 'ct' of the form"),
        ([1], "must be of the form"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_fault(tmp_path, splits, message):
    path = tmp_path / "splits.json"
    path.write_text(json.dumps(splits))
    (fault,) = divided(tmp_path).faults
    assert fault.path == path
    assert str(fault).startswith(f"{path} ")
    assert "\n" not in str(fault)
    assert re.search(message, fault.what)


def test_all_faults_of_a_file_are_found_and_the_rest_of_it_counts(tmp_path):
    data = divided(tmp_path, ct={"test": ["k", "a", "l"], "train": ["a"]}, pet={})
    assert [fault.what.split(";")[0] for fault in data.faults] == [
        "puts case k into ct's test split, but it has no image there",
        "puts case l into ct's test split, but it has no image there",
        "puts case a of ct into both train and test",
        "names a domain 'pet'",
    ]
    assert splits_of(data)["a"] == "test"
    assert splits_of(data)["b"] == "train"


@pytest.mark.parametrize("content", ["{", "\udcff"])
def test_a_file_that_is_no_json_is_a_fault(tmp_path, content):
    path = tmp_path / "splits.json"
    path.write_bytes(content.encode(errors="surrogateescape"))
    (fault,) = divided(tmp_path).faults
    assert str(fault).startswith(f"{path} is not valid JSON")


def test_a_folder_in_place_of_the_file_is_a_fault(tmp_path):
    (tmp_path / "splits.json").mkdir()
    (fault,) = divided(tmp_path).faults
    assert str(fault) == f"{tmp_path / 'splits.json'} cannot be read: Is a directory"


def test_excluded_and_faulty_cases_may_be_named(tmp_path):
    (tmp_path / "splits.json").write_text(json.dumps({"ct": {"test": ["a", "out", "bad"], "train": ["out"]}}))
    bad = Fault(Path("bad.nii.gz"), "is a folder", "ct", "bad")
    data = divide(tmp_path, RawData((domain(),), faults=(bad,)), RawSettings(), {("ct", "out")})
    assert data.faults == (bad,)
    assert splits_of(data)["a"] == "test"


def test_a_domain_without_a_split_is_a_fault_with_the_line_that_mends_it(tmp_path):
    data = divided(tmp_path, domain(test=""), domain("mri"))
    assert whats(data) == [
        f"{tmp_path} has no test case in domain ct by imagesTs; name its test cases (of a, b, c, …) in "
        f'{tmp_path / "splits.json"}: {{"ct": {{"test": ["ID", …]}}}}, or give the share of them that is for testing '
        "(--test-fraction, raw.test_fraction)"
    ]
    (fault,) = divided(tmp_path, ct={"test": ["a", "b", "c", "d", "e"]}).faults
    assert fault.what.startswith("has no train case in domain ct by splits.json; name its test cases")
    assert (fault.path, fault.domain) == (tmp_path, "ct")


def test_a_share_is_taken_of_the_training_cases(tmp_path):
    many = domain(train=[f"p{number:03}" for number in range(100)])
    data = divided(tmp_path, many, settings=RawSettings(test_fraction=0.2))
    chosen = splits_of(data)
    assert list(chosen.values()).count("test") == 20
    assert list(chosen.values()).count("train") == 80
    assert chosen["x"] is chosen["y"] is None
    assert data.notes == ("not used: 2 of ct's cases (x, y), by test_fraction 0.2",)
    assert data.domains[0].split_from == "test_fraction 0.2"
    # not by the order of names, and not the same in every domain
    assert {name for name, split in chosen.items() if split == "test"} != {f"p{number:03}" for number in range(20)}
    other = divided(tmp_path, replace(many, name="mri"), settings=RawSettings(test_fraction=0.2))
    assert splits_of(other) != chosen


def test_a_further_case_moves_one_case_at_most(tmp_path):
    settings = RawSettings(test_fraction=0.25)
    before = splits_of(
        divided(tmp_path, domain(train=[f"p{number}" for number in range(12)], test=""), settings=settings)
    )
    for number in range(12, 16):
        names = [f"p{number}" for number in range(number + 1)]
        after = splits_of(divided(tmp_path, domain(train=names, test=""), settings=settings))
        assert sum(after[name] != before[name] for name in before) <= 1
        before = after


@pytest.mark.parametrize(
    ("fraction", "train", "tests"), [(0.01, "ab", 1), (0.99, "ab", 1), (0.99, "abc", 2), (0.3, "abc", 1)]
)
def test_a_share_leaves_a_case_on_both_sides(tmp_path, fraction, train, tests):
    data = divided(tmp_path, domain(train=train, test=""), settings=RawSettings(test_fraction=fraction))
    assert list(splits_of(data).values()).count("test") == tests
    assert data.faults == ()


def test_a_single_case_cannot_be_shared(tmp_path):
    (fault,) = divided(tmp_path, domain(train="a", test=""), settings=RawSettings(test_fraction=0.5)).faults
    assert fault.what.startswith("has no test case in domain ct by test_fraction 0.5; name its test cases")
    assert "--test-fraction" not in fault.what


def test_a_file_comes_before_a_share_and_that_is_said(tmp_path):
    settings = RawSettings(test_fraction=0.4)
    data = divided(tmp_path, domain(), domain("mri"), settings=settings, ct={"test": ["b"]})
    assert [name for name, split in splits_of(data).items() if split == "test"] == ["b"]
    assert list(splits_of(data, 1).values()).count("test") == 2
    assert f"test_fraction does not divide ct: {tmp_path / 'splits.json'} names the test cases" in data.notes


@pytest.mark.parametrize("by", ["splits.json", "test_fraction 0.2"])
def test_a_division_of_slices_of_nobody_knows_whom_says_so(tmp_path, by):
    slices = replace(domain(), patients_known=False)
    splits = {"ct": {"test": ["a"]}} if by == "splits.json" else {}
    data = divided(tmp_path, slices, settings=RawSettings(test_fraction=None if splits else 0.2), **splits)
    assert data.domains[0].split_from == f"{by}, which cannot be checked, as training slices name no patient"
