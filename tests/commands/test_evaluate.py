"""`seasa-da evaluate --pred … --label …`, and which options go together."""

import json

import nibabel
import numpy as np
import pytest

from seasa_da.cli import main


def run(*args):
    with pytest.raises(SystemExit) as done:
        main(["evaluate", *map(str, args)])
    return done.value.code


def write(path, *places):
    path.parent.mkdir(exist_ok=True)
    labels = np.zeros((6, 5, 4), dtype=np.uint8)
    for value, place in enumerate(places, start=1):
        labels[place] = value
    nibabel.save(nibabel.Nifti1Image(labels, np.diag([0.5, 2.0, 3.0, 1.0])), path)


@pytest.fixture
def folders(tmp_path):
    write(tmp_path / "label" / "p[1].nii.gz", (1, 1, 1), (4, 4, 2))
    write(tmp_path / "pred" / "p[1].nii.gz", (1, 1, 1), (4, 4, 3))
    return ("--pred", tmp_path / "pred", "--label", tmp_path / "label")


def test_the_table_and_its_notes(folders, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert run(*folders) == 0
    out, err = capsys.readouterr()
    assert "100.0" in out and "3.00" in out and "ASD [mm]" in out
    assert err == "structures by the values in the labels: 1 1, 2 2\n"


def test_json_is_all_that_python_gives(folders, capsys, tmp_path):
    assert run(*folders, "--json", "--units", "voxel", "--structure", "liver=2", "--out", tmp_path / "out") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["asd"] == {"liver": 1.0, "mean": 1.0} and content["units"] == "voxel"
    assert content["per_case"][0]["case"] == "p[1]"
    assert json.loads((tmp_path / "out" / "per_case.json").read_text()) == content.pop("per_case")
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == content


def test_labels_by_a_dataset_json(folders, capsys, tmp_path):
    content = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 2}, "file_ending": ".nii.gz"}
    (tmp_path / "own.json").write_text(json.dumps(content))
    assert run(*folders, "--labels", tmp_path / "own.json", "--json") == 0
    assert json.loads(capsys.readouterr().out)["structures"] == {"liver": 2}


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ([], "nothing to score: give a RUN, or --pred DIR and --label DIR"),
        (["--data", "store"], "nothing to score"),
        (["--pred", "p"], "--label DIR is missing"),
        (["--label", "p"], "--pred DIR is missing"),
        (["--structure", "a=1"], "--pred DIR is missing"),
        (["run", "--pred", "p", "--label", "l"], "leave out run, or --pred --label"),
        (["run", "--structure", "a=1"], "leave out run, or --structure"),
        (["--pred", "p", "--label", "l", "--split", "test"], "--split belongs to a RUN"),
        (["--pred", "p", "--label", "l", "--structure", "a=1", "--labels", "d.json"], "leave out one"),
        (["--pred", "p", "--label", "l", "--structure", "a"], "not of the form"),
        (["--pred", "/nowhere", "--label", "/nowhere"], "is not there"),
    ],
)
def test_wrong_combinations_are_one_line(args, line, capsys):
    assert run(*args) == 2
    err = capsys.readouterr().err
    assert line in err and err.count("\n") == 1


def test_an_out_folder_in_use_is_refused_before_anything_is_scored(folders, capsys, tmp_path):
    assert run(*folders, "--out", tmp_path / "pred") == 2
    assert "not empty" in capsys.readouterr().err


def test_the_further_metrics_on_request(folders, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert run(*folders) == 0
    assert "HD95" not in capsys.readouterr().out
    assert run(*folders, "--all-metrics", "--tolerance-mm", "3.5") == 0
    out = capsys.readouterr().out
    assert "HD95 [mm]" in out and "at 3.5 mm [%]" in out and "volume error [%]" in out
    assert run(*folders, "--tolerance-mm", "-1") == 2
    assert "tolerance of the surface Dice is -1 mm" in capsys.readouterr().err
