"""`seasa-da data verify`: lines, JSON and exit codes, through the whole command line."""

import json
import os

import numpy as np
import pytest
from data.nnunet import write_domain
from data.volumes import write_volume

from seasa_da import cli


@pytest.fixture
def raw(tmp_path):
    for seed, name in enumerate(("ct", "mri")):
        write_domain(tmp_path / "raw" / name, seed=seed)
    return tmp_path / "raw"


@pytest.fixture
def verify(capsys, raw):
    """Runs the command on `raw`; exit code, lines on stdout, stderr."""

    def run(*options):
        with pytest.raises(SystemExit) as caught:
            cli.main(["data", "verify", str(raw), "--assume-mm", *map(str, options)])
        out, err = capsys.readouterr()
        return caught.value.code, out, err

    return run


def damage(raw):
    """A file that is no NIfTI, and NaN in another domain; their paths."""
    first, second = raw / "ct" / "labelsTr" / "b.nii.gz", raw / "mri" / "imagesTs" / "d_0000.nii.gz"
    first.write_text("hello")
    write_volume(second, np.full((10, 9, 8), np.nan, dtype=np.float32))
    return first, second


def test_a_clean_folder_ends_with_0(verify, raw):
    assert verify() == (0, f"{raw}: nothing wrong in 8 cases of ct, mri (nnunet)\n", "")


def test_a_line_for_each_fault_and_a_count(verify, raw):
    first, second = damage(raw)
    code, out, err = verify()
    lines = out.splitlines()
    assert code == 1
    assert len(lines) == 3
    assert lines[0].startswith(f"{first} is not a NIfTI file")
    assert lines[1].startswith(f"{second} has 720 NaN or infinite voxels")
    assert lines[2] == f"{raw}: 2 faults in 8 cases of ct, mri (nnunet)"
    assert err == ""


def test_json_has_faults_and_what_was_read(verify, raw):
    first, second = damage(raw)
    code, out, _ = verify("--json")
    found = json.loads(out)
    assert code == 1
    assert [(fault["path"], fault["domain"], fault["case"]) for fault in found["faults"]] == [
        (str(first), "ct", "b"),
        (str(second), "mri", "d"),
    ]
    assert found["faults"][1]["what"].startswith("has 720 NaN or infinite voxels")
    assert found["format"] == "nnunet"
    assert found["domains"]["ct"]["splits"] == {"train": ["a", "b", "c"], "test": ["d"]}
    assert found["domains"]["ct"]["split_from"] == "imagesTs"
    assert found["domains"]["ct"]["label_names"] == ["heart", "liver"]


def test_json_of_a_clean_folder(verify):
    code, out, _ = verify("--json")
    assert (code, json.loads(out)["faults"]) == (0, [])


def test_faults_of_excluded_cases_do_not_count(verify, raw):
    damage(raw)
    assert verify("--exclude", "ct/b", "--exclude", "mri/d", "--test-fraction", 0.4)[0] == 0
    assert verify("--exclude", "ct/b")[0] == 1


def test_notes_go_to_stderr(verify, raw):
    (raw / "splits.json").write_text(json.dumps({"ct": {"test": ["a"]}}))
    code, out, err = verify()
    assert code == 0
    assert len(out.splitlines()) == 1
    assert "not used: 1 of ct's cases (d), by splits.json" in err


def test_a_folder_that_cannot_be_listed_is_one_fault(capsys, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    for name in ("empty", "loop", "nowhere"):
        for options in ((), ("--json",)):
            with pytest.raises(SystemExit) as caught:
                cli.main(["data", "verify", str(tmp_path / name), *options])
            out, err = capsys.readouterr()
            assert (caught.value.code, err) == (1, "")
            if options:
                (fault,) = json.loads(out)["faults"]
                assert fault["path"] == str(tmp_path / name)
            else:
                assert out.startswith(f"{tmp_path / name} ")
                assert out.splitlines()[1:] == [f"{tmp_path / name}: 1 fault"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--exclude", "ct/e"), "--exclude ct/e"),
        (("--splits", "nowhere.json"), "--splits nowhere.json"),
        (("--format", "nnnet"), "--format nnnet"),
        (("--test-fraction", "1.5"), "--test-fraction 1.5"),
        (("--test-fraction", "x"), "--test-fraction"),
        (("--colour", "x"), "--colour"),
    ],
)
def test_wrong_usage_is_one_line_and_2(verify, options, message):
    code, out, err = verify(*options)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="file names are text there")
def test_names_that_are_no_text_are_written_as_they_are(raw, capfdbinary):
    name = os.fsdecode(b"\xff")
    write_volume(raw / "ct" / "imagesTr" / f"{name}_0000.nii.gz", np.zeros((10, 9, 8), dtype=np.int16))
    with pytest.raises(SystemExit) as caught:
        cli.main(["data", "verify", str(raw), "--assume-mm"])
    out = capfdbinary.readouterr().out
    assert caught.value.code == 1
    assert out.startswith(os.fsencode(raw) + b"/ct/imagesTr/\xff_0000.nii.gz has no label")
