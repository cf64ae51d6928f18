"""`seasa-da data …`, through click, without the root group that prints errors."""

import json

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


def test_info_shows_a_table_and_json(store):
    table = invoke("info", store)
    assert table.exception is None
    assert all(word in table.output for word in ("ct", "mri", "train", "test", "yes", "20 x 20"))
    summary = json.loads(invoke("info", store, "--json").output)
    assert summary["domains"]["mri"]["splits"]["test"]["labels"] is True
    assert summary["domains"]["mri"]["splits"]["test"]["cases"] == 1
    assert summary["domains"]["ct"]["label_names"] == ["AA", "LAC", "LVC", "MYO"]
    assert summary["settings"]["size"] == 20


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["info", "nowhere"], "nowhere does not exist"),
        (["prepare", "nowhere", "--out", "x"], "nowhere does not exist"),
        (["prepare", "nowhere", "--out", "x", "--preset", "papper"], "did you mean 'paper'"),
        (["prepare", "nowhere", "--out", "x", "--size", "3"], "--size 3"),
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
