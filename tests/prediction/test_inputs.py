import pytest

from seasa_da.errors import UserError
from seasa_da.prediction.inputs import InputCase, channels_as_cases, find_inputs, refuse_overwriting_inputs


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Makes empty files by name in a folder that is the current one."""
    monkeypatch.chdir(tmp_path)

    def make(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    return make


def found(volumes, channels=1):
    return {case.name: [str(path) for path in case.files] for case in find_inputs(volumes, channels)}


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("a.nii.gz", "a"),
        ("a.b.nii", "a.b"),
        ("mr_train_1001_image.nii.gz", "mr_train_1001"),
        ("a_0000.nii.gz", "a"),
        ("a_0001.nii.gz", "a_0001"),
        ("weird.dcm", "weird"),
    ],
)
def test_a_file_is_a_case(folder, name, case):
    folder(name)
    assert found([name]) == {case: [name]}


def test_folders_files_and_patterns_together_and_each_file_once(folder):
    folder("b/2.nii", "b/1.nii.gz", "b/.1.nii.gz", "b/notes.txt", "b/deep/9.nii", "c/x1.nii.gz", "c/x2.nii.gz", "d.nii")
    names = {"1": ["b/1.nii.gz"], "2": ["b/2.nii"], "d": ["d.nii"], "x1": ["c/x1.nii.gz"], "x2": ["c/x2.nii.gz"]}
    assert found(["b", "c/x?.nii.gz", "d.nii", "./d.nii"]) == names
    assert found(["b/**/*.nii"]) == {"2": ["b/2.nii"], "9": ["b/deep/9.nii"]}
    assert list(found(["d.nii", "b"])) == ["1", "2", "d"]


def test_links_of_two_names_to_one_file_are_two_cases(folder, tmp_path):
    folder("store/1.nii", "in/c.nii")
    for name in ("a.nii", "b.nii", "d_0000.nii", "d_0001.nii"):
        (tmp_path / "in" / name).symlink_to(tmp_path / "store" / "1.nii")
    assert found(["in/a.nii", "in/b.nii"]) == {"a": ["in/a.nii"], "b": ["in/b.nii"]}
    assert found(["in/d_0000.nii", "in/d_0001.nii"], 2) == {"d": ["in/d_0000.nii", "in/d_0001.nii"]}
    (tmp_path / "again").symlink_to(tmp_path / "in")
    assert found(["in/a.nii", "again/a.nii"]) == {"a": ["in/a.nii"]}


def test_a_name_with_brackets_is_a_name_first(folder):
    folder("a[1].nii", "a1.nii")
    assert found(["a[1].nii"]) == {"a[1]": ["a[1].nii"]}
    assert found(["a[1-9].nii"]) == {"a1": ["a1.nii"]}


def test_labels_beside_mm_whs_images_are_no_images(folder):
    folder("m/a_image.nii.gz", "m/a_label.nii.gz", "n/b_label.nii.gz")
    assert found(["m"]) == {"a": ["m/a_image.nii.gz"]}
    assert found(["n"]) == {"b_label": ["n/b_label.nii.gz"]}


def test_numbers_that_go_on_are_the_cases_own(folder):
    folder("v1/p_0000.nii.gz", "v1/p_0001.nii.gz", "v1/q_0000.nii.gz")
    assert found(["v1"]) == {
        "p_0000": ["v1/p_0000.nii.gz"],
        "p_0001": ["v1/p_0001.nii.gz"],
        "q": ["v1/q_0000.nii.gz"],
    }


def test_several_channels_are_grouped(folder):
    folder("a_0001.nii.gz", "a_0000.nii.gz", "b_0000.nii.gz", "b_0001.nii.gz", "whole.nii")
    assert found(["."], 2) == {
        "a": ["a_0000.nii.gz", "a_0001.nii.gz"],
        "b": ["b_0000.nii.gz", "b_0001.nii.gz"],
        "whole": ["whole.nii"],
    }


def test_a_channel_too_few_or_too_many_is_that_cases_fault(folder):
    folder("a_0001.nii.gz", "b_0000.nii.gz", "b_0001.nii.gz", "b_0002.nii.gz", "c_0000.nii.gz", "c_0001.nii.gz")
    faults = {case.name: case.fault for case in find_inputs(["."], 2)}
    assert faults == {
        "a": "a_0001.nii.gz: case a lacks channel 0000 (the run has 2 channels)",
        "b": "b_0002.nii.gz is a further channel of case b, but the run has 2",
        "c": "",
    }


@pytest.mark.parametrize(
    ("names", "volumes", "message"),
    [
        ([], ["a.nii"], r"a\.nii does not exist"),
        ([], ["*.nii"], r"nothing fits the pattern '\*\.nii'"),
        (["d/notes.txt"], ["d"], r"d has no \.nii or \.nii\.gz file"),
        (["a/1.nii", "b/1.nii.gz"], ["a", "b"], r"a/1\.nii and b/1\.nii\.gz would both become 1\.nii\.gz"),
        (["1.nii", "1_0000.nii"], ["1.nii", "1_0000.nii"], "would both become"),
    ],
)
def test_wrong_usage_is_one_line(folder, names, volumes, message):
    folder(*names)
    with pytest.raises(UserError, match=message):
        find_inputs(volumes, 1)


def test_an_input_is_never_overwritten(folder, tmp_path):
    folder("a.nii.gz")
    case = InputCase("a", (tmp_path / "a.nii.gz",))
    refuse_overwriting_inputs([case], [tmp_path / "out" / "a.nii.gz"])
    with pytest.raises(UserError, match="is one of the volumes to be segmented"):
        refuse_overwriting_inputs([case], [tmp_path / "out" / ".." / "a.nii.gz"])


def test_cases_that_look_like_channels_of_one_are_said_to_be_cases(folder):
    folder("a_0000.nii.gz", "a_0001.nii.gz", "b_0001.nii.gz", "b_0000.nii.gz", "c_0000.nii.gz", "d_0001.nii.gz")
    line = channels_as_cases(find_inputs(["."], 1))
    assert line.startswith(
        "a_0000 and a_0001 are segmented as two cases, as the run has one channel (so are 1 more); if"
    )
    assert channels_as_cases(find_inputs(["a_0000.nii.gz", "c_0000.nii.gz", "d_0001.nii.gz"], 1)) == ""
