"""`seasa-da data …`, through click, without the root group that prints errors."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from seasa_da.commands.data import data
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError


def invoke(*args):
    return CliRunner().invoke(data, [str(arg) for arg in args], catch_exceptions=True)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("commands") / "raw"
    done = invoke("phantom", "--out", folder, "--train-cases", 1, "--test-cases", 1, "--voxel-mm", 10, "--seed", 5)
    assert done.exception is None
    assert "4 volumes" in done.output
    return folder


@pytest.fixture(scope="module")
def store(raw, tmp_path_factory):
    folder = tmp_path_factory.mktemp("commands") / "store"
    done = invoke("prepare", raw, "--out", folder, "--preset", "smoke", "--size", 20, "--spacing-mm", 10)
    assert done.exception is None
    assert "4 volumes" in done.output
    return folder


def test_the_phantom_keeps_its_settings(raw):
    settings = json.loads((raw / "phantom.json").read_text())["settings"]
    assert settings == {"train_cases": 1, "test_cases": 1, "voxel_mm": 10.0, "seed": 5, "development": False}


def test_options_are_laid_over_the_preset(store):
    settings = SliceStore.open(store).settings
    assert (settings.size, settings.spacing_mm, settings.depth_mm) == (20, 10.0, 60.0)


def test_preparing_says_what_was_chosen_and_what_is_kept(raw, tmp_path):
    options = ("--preset", "smoke", "--size", 20, "--spacing-mm", 10, "--out", tmp_path / "store")
    done = invoke("prepare", raw, *options, "--axis", "axial", "--intensity", "ct=window:-100,300", "--slice-mm", 20)
    assert done.exception is None
    assert "slices: axial" in done.output
    assert "ct: 1 train and 1 test cases by splits.json; intensities: CT window:-100,300" in done.output
    assert "mri: 1 train and 1 test cases by splits.json; intensities: MRI zscore:2" in done.output
    again = invoke("prepare", raw, *options, "--axis", "axial", "--intensity", "mri=percentiles", "--slice-mm", 20)
    assert again.exception is None
    assert f"4 volumes in {tmp_path / 'store'}" in again.output
    store = SliceStore.open(tmp_path / "store")
    assert (store.axis, store.settings.slice_mm) == ("axial", 20.0)
    assert [channel.rule for channel in store.domain("mri").channels] == ["percentiles:0.5,99.5"]


def test_options_of_the_raw_folder_reach_prepare(raw, tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps({"ct": {"test": ["1001"]}}))
    options = ("--preset", "smoke", "--size", 20, "--spacing-mm", 10, "--out", tmp_path / "store")
    done = invoke(
        "prepare", raw, *options, "--format", "mmwhs", "--splits", tmp_path / "mine.json", "--test-fraction", 0.5
    )
    assert done.exception is None
    domain = SliceStore.open(tmp_path / "store").domain("ct")
    assert {case.id: case.split for case in domain.cases} == {"1001": "test", "1002": "train"}
    assert domain.split_from == "mine.json"
    refused = invoke("prepare", raw, *options, "--exclude", "ct/1002")
    assert isinstance(refused.exception, UserError)
    assert "has no test case in domain ct" in str(refused.exception)


def test_the_phantom_in_nnunets_folders(tmp_path):
    options = ("--train-cases", 1, "--test-cases", 1, "--voxel-mm", 10, "--seed", 5)
    assert invoke("phantom", "--out", tmp_path / "raw", "--layout", "nnunet", *options).exception is None
    assert sorted(path.name for path in (tmp_path / "raw" / "ct").iterdir() if path.is_dir()) == [
        "imagesTr",
        "imagesTs",
        "labelsTr",
        "labelsTs",
    ]


def test_info_shows_a_table_and_json(store):
    table = invoke("info", store)
    assert table.exception is None
    assert all(word in table.output for word in ("ct", "mri", "train", "test", "yes"))
    lines = " ".join(table.output.split())
    assert "slices: coronal, 20 x 20 pixels of 10 mm, 10 mm apart" in lines
    assert "mri: split by splits.json; channels: MRI zscore:2 (" in lines
    summary = json.loads(invoke("info", store, "--json").output)
    assert summary["domains"]["mri"]["splits"]["test"]["labels"] is True
    assert summary["domains"]["mri"]["splits"]["test"]["cases"] == 1
    assert summary["domains"]["ct"]["label_names"] == ["AA", "LAC", "LVC", "MYO"]
    assert summary["domains"]["ct"]["split_from"] == "splits.json"
    assert summary["domains"]["ct"]["channels"][0]["rule"] == "zscore:2"
    assert summary["axis"] == "coronal"
    assert summary["settings"]["size"] == 20


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["info", "nowhere"], "nowhere does not exist"),
        (["prepare", "nowhere", "--out", "x"], "nowhere does not exist"),
        (["prepare", "nowhere", "--out", "x", "--preset", "papper"], "did you mean 'paper'"),
        (["prepare", "nowhere", "--out", "x", "--size", "3"], "--size 3"),
        (["prepare", "nowhere", "--out", "x", "--axis", "coronl"], "--axis coronl"),
        (["prepare", "nowhere", "--out", "x", "--slice-mm", "0"], "--slice-mm 0"),
        (["prepare", "nowhere", "--out", "x", "--test-fraction", "1"], "--test-fraction 1"),
        (
            ["prepare", "nowhere", "--out", "x", "--intensity", "ct=windw"],
            "--intensity ct=windw: intensity rule 'windw'",
        ),
        (["prepare", "nowhere", "--out", "x", "--intensity", "ct=zscore", "--intensity", "ct=auto"], "ct already"),
        (["prepare", "nowhere", "--out", "x", "--intensity", "zscore", "--intensity", "ct=auto"], "for all domains"),
        (["prepare", "nowhere", "--out", "x", "--format", "nnnet"], "did you mean 'nnunet'"),
        (["verify", "nowhere", "--format", "nnnet"], "did you mean 'nnunet'"),
        (["verify", "nowhere", "--test-fraction", "0"], "--test-fraction 0"),
        (["phantom", "--out", "x", "--train-cases", "0"], "--train-cases 0"),
        (["phantom", "--out", "x", "--voxel-mm", "-1"], "--voxel-mm -1"),
    ],
)
def test_mistakes_are_user_errors(args, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoke(*args)
    assert isinstance(done.exception, UserError)
    assert message in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_is_terminated_leaves_nothing(raw, tmp_path):
    script = """
import os, signal, sys
import seasa_da.data.prepare
from seasa_da.cli import main
def terminated(*args):
    os.kill(os.getpid(), signal.SIGTERM)  # by several threads, so more than once: some while it cleans up
seasa_da.data.prepare.prepare_case = terminated
sys.argv[1:1] = ["data", "prepare"]
main()
"""
    command = [sys.executable, "-c", script, str(raw), "--out", str(tmp_path / "store"), "--preset", "smoke"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
