"""A run scored again: on its own data, on others, and as files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from seasa_da.cli import main
from seasa_da.data.labels import open_labels
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError
from seasa_da.evaluation.files import evaluate_files
from seasa_da.evaluation.scores import read_scores
from seasa_da.evaluation.structures import Structures
from seasa_da.training.run import RunResult, evaluate_run

Smoke = Callable[..., RunResult]
CLASSES = Structures({"AA": 1, "LAC": 2, "LVC": 3, "MYO": 4}, (255,), "the test")


@pytest.fixture
def run(smoke: Smoke, store: Path) -> Path:
    return smoke("source-only", data=store, overrides=["train.iterations=30", "train.checkpoint_every=30"]).folder


def edit(store: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads((store / "manifest.json").read_text())
    change(content["domains"]["mri"])
    (store / "manifest.json").write_text(json.dumps(content))


def test_the_runs_own_predictions_as_files_have_its_own_scores(run: Path, store: Path, tmp_path: Path) -> None:
    """Independently of the volume in memory: through NIfTI, by voxel sizes of the affine."""
    opened = SliceStore.open(store)
    truths = open_labels(opened, "mri", "test")
    assert truths is not None
    (tmp_path / "truth").mkdir()
    for case in opened.domain("mri").split_cases("test"):
        image = nibabel.Nifti1Image(np.array(truths[case.start : case.stop]), np.array(case.affine))
        nibabel.save(image, tmp_path / "truth" / f"{case.id}.nii.gz")
    for units in ("mm", "voxel"):
        files = evaluate_files(run / "predictions", tmp_path / "truth", structures=CLASSES, units=units)  # type: ignore[arg-type]
        own = read_scores(run / "per_case.csv") if units == "mm" else evaluate_run(run, "voxel").scores
        assert [(s.case, s.structure, s.voxels_pred) for s in files.scores] == [
            (s.case, s.structure, s.voxels_pred) for s in own
        ]
        assert [s.dice for s in files.scores] == pytest.approx([s.dice for s in own], abs=1e-9)
        assert [s.asd is None for s in files.scores] == [s.asd is None for s in own]
        assert [s.asd or 0 for s in files.scores] == pytest.approx([s.asd or 0 for s in own], rel=1e-6)
    assert any(score.asd for score in own) and any(score.dice for score in own)


def test_a_run_on_its_own_and_on_a_copy_of_its_data(run: Path, store: Path, tmp_path: Path) -> None:
    own = evaluate_run(run)
    assert own.scores == read_scores(run / "per_case.csv")
    shutil.copytree(store, tmp_path / "copy")
    assert evaluate_run(run, data=tmp_path / "copy").scores == own.scores
    train = evaluate_run(run, split="train")
    assert {score.case for score in train.scores}.isdisjoint(score.case for score in own.scores)
    assert train.scores == evaluate_run(run, data=tmp_path / "copy", split="train").scores


def test_the_data_of_the_run_need_not_be_there(run: Path, phantom: Path, tmp_path: Path) -> None:
    """A raw folder is prepared as the run's data were."""
    own = read_scores(run / "per_case.csv")
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "data": str(tmp_path / "gone")}))
    with pytest.raises(UserError):
        evaluate_run(run)
    assert evaluate_run(run, data=phantom).scores == own


def test_ignored_voxels_and_missing_labels(run: Path, store: Path, tmp_path: Path) -> None:
    ignoring = Path(shutil.copytree(store, tmp_path / "ignoring"))
    labels = np.lib.format.open_memmap(ignoring / "mri" / "test_labels.npy", mode="r+")
    labels[:] = 255
    labels.flush()
    assert all(score.dice == 100 and score.voxels_pred == 0 for score in evaluate_run(run, data=ignoring).scores)
    (ignoring / "mri" / "test_labels.npy").unlink()
    blind = evaluate_run(run, data=ignoring)
    assert not blind.labelled and blind.scores == []
    assert blind.notes == (f"'mri' of {ignoring} has no test labels: nothing to score",)


def test_a_run_with_a_segmenter_of_its_own_is_loaded(smoke: Smoke, store: Path) -> None:
    native = ["sifa.network=native", "sifa.native_width=2"]
    run = smoke("sifa-v2", data=store, overrides=native, addons=["asa"]).folder
    own = read_scores(run / "per_case.csv")
    assert evaluate_run(run).scores == own == evaluate_run(run, data=store).scores


def test_a_run_of_a_method_that_is_not_installed_here_is_scored(run: Path, store: Path) -> None:
    """A third party's, on the common segmenter; its own data could not be trained on, but any can be predicted."""
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("method: source-only", "method: theirs") + "theirs:\n  a: 1\n")
    assert evaluate_run(run, data=store).scores == read_scores(run / "per_case.csv")
    config.write_text(config.read_text().replace("backbone: test_resnet", "backbone: 3"))
    with pytest.raises(UserError, match=r"config.yaml is damaged \(setting model.backbone=3"):
        evaluate_run(run, data=store)


def test_anonymised_runs_keep_their_cases_names(smoke: Smoke, store: Path, tmp_path: Path) -> None:
    run = smoke("source-only", data=store, anonymise=True).folder
    assert {score.case for score in evaluate_run(run).scores} == {"case-01", "case-02"}
    assert {score.case for score in evaluate_run(run, data=store).scores} == {"case-01", "case-02"}


def test_the_command_says_what_it_did(
    run: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    other = Path(shutil.copytree(store, tmp_path / "other"))
    edit(other, lambda domain: domain["channels"][0].update(lo=-9.0))
    edit(other, lambda domain: domain.update(label_names=["AA", "LAC", "LVC", "other"]))
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    with pytest.raises(SystemExit) as done:
        main(["evaluate", str(run), "--data", str(other), "--out", str(tmp_path / "out")])
    assert not done.value.code
    out, err = capsys.readouterr()
    assert f"run: mri, test volumes of {other}" in out
    assert "scaled by the run's range" in err and "'MYO' is no label of 'mri'" in err
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["notes"] == err.splitlines()
    assert before == {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    # the intensities are the run's, so the scores are
    own = [score for score in read_scores(run / "per_case.csv") if score.structure != "MYO"]
    assert read_scores(tmp_path / "out" / "per_case.csv") == own

    with pytest.raises(SystemExit) as done:
        main(["evaluate", str(run), "--data", str(tmp_path / "nowhere")])
    err = capsys.readouterr().err
    assert done.value.code == 2 and err.count("\n") == 1
