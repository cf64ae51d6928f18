"""A raw folder as the settings say: reader, exclusions, splits."""

import json

import pytest

from seasa_da.config import RawSettings, compose
from seasa_da.data.raw_folder import open_raw
from seasa_da.errors import WrongSetting


def splits_of(folder, index=0):
    return {files.id: files.split for files in folder.data.domains[index].cases}


def test_the_folders_own_file_divides_the_cases(raw):
    folder = open_raw(raw, RawSettings())
    assert (folder.path, folder.reader.name) == (raw, "mmwhs")
    assert splits_of(folder) == {"1001": "train", "1002": "train", "1003": "test"}
    assert folder.data.domains[0].split_from == "splits.json"
    assert folder.data.files == (raw / "splits.json",)
    (raw / "splits.json").unlink()
    published = open_raw(raw, RawSettings())
    assert splits_of(published) == splits_of(folder)  # 1003 is a published test case
    assert published.data.domains[0].split_from == "the published test cases"


def test_a_format_is_chosen_by_name(raw):
    assert open_raw(raw, RawSettings(format="mmwhs")).reader.name == "mmwhs"


@pytest.mark.parametrize("name", ["1002", "ct/1002"])
def test_cases_are_left_out_by_name(raw, name):
    folder = open_raw(raw, RawSettings(exclude=(name,)))
    assert splits_of(folder) == {"1001": "train", "1003": "test"}
    assert folder.data.faults == ()


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("102", "did you mean '1002'"),
        ("ct/102", "did you mean 'ct/1002'"),
        ("mri/1002", "did you mean 'ct/1002'"),
        ("ct", "its cases are 1001, 1002, 1003$"),
    ],
)
def test_an_unknown_case_is_refused_with_the_nearest(raw, name, near):
    with pytest.raises(WrongSetting, match=f"--exclude {name} .*names no case of this folder; {near}"):
        open_raw(raw, RawSettings(exclude=(name,)))


def test_faults_of_cases_that_are_left_out_are_dropped(raw):
    path = raw / "ct_train" / "ct_train_1002_image.nii.gz"
    path.unlink()
    path.mkdir()
    (fault,) = open_raw(raw, RawSettings()).data.faults
    assert (fault.path, fault.case) == (path, "1002")
    assert open_raw(raw, RawSettings(exclude=("1002",))).data.faults == ()


def test_leaving_out_all_test_cases_is_a_fault(raw):
    (fault,) = open_raw(raw, RawSettings(exclude=("1003",))).data.faults
    assert fault.what.startswith("has no test case in domain ct by splits.json; name its test cases (of 1001, 1002)")


def test_a_share_counts_what_is_left(raw):
    (raw / "splits.json").unlink()
    folder = open_raw(raw, RawSettings(exclude=("1003",), test_fraction=0.5))
    assert sorted(splits_of(folder).values()) == ["test", "train"]


def test_settings_reach_it_as_text(raw):
    """Cases that are numbers to YAML, one case without a list."""
    for text in ("raw.exclude=[1002]", "raw.exclude=1002", "raw.exclude=ct/1002", "raw.exclude=['1002']"):
        settings = compose({"method": "ours"}, {}, overrides=[text]).raw
        assert splits_of(open_raw(raw, settings)) == {"1001": "train", "1003": "test"}


def test_a_file_elsewhere_divides_the_cases(raw, tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps({"ct": {"test": [1001]}}))
    folder = open_raw(raw, RawSettings(splits=str(tmp_path / "mine.json")))
    assert splits_of(folder) == {"1001": "test", "1002": "train", "1003": "train"}
    with pytest.raises(WrongSetting, match="does not exist"):
        open_raw(raw, RawSettings(splits=str(tmp_path / "yours.json")))
