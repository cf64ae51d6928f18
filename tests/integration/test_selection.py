"""The choice of a run's result among its checkpoints, from training to whoever loads the run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from seasa_da.cli import main
from seasa_da.data.recipe import Recipe
from seasa_da.errors import UserError
from seasa_da.training.candidates import list_candidates
from seasa_da.training.network import network_of_run
from seasa_da.training.oracle import score_candidates
from seasa_da.training.run import RunResult, evaluate_run, resume
from seasa_da.training.run_folder import RunFolder
from seasa_da.validators import VALIDATORS

Smoke = Callable[..., RunResult]
FOUR = ["selection.candidates=4", "selection.slices=4"]


def network(run: Path) -> dict[str, torch.Tensor]:
    """What predict, evaluate and export load."""
    folder, content, _ = RunFolder.open(run)
    return network_of_run(folder, content, Recipe.read(folder.inference), torch.device("cpu")).state_dict()


def test_candidates_are_scored_and_the_last_is_the_end_of_training(smoke: Smoke, store: Path) -> None:
    result = smoke("ours", data=store, overrides=FOUR)
    folder = RunFolder(result.folder)
    content = json.loads(folder.validation.read_text())
    assert [one["updates"] for one in content["candidates"]] == [2, 4, 6, 8]
    assert content["by"] == result.metrics["selection"] == "last" and content["source_split"] == "test"
    assert result.metrics["selected"]["name"] == content["selected"] == "000-adapt-00000008"
    for one in content["candidates"]:
        assert list(one["scores"]) == list(VALIDATORS)
        assert all(isinstance(score, float) for score in one["scores"].values())
    assert result.metrics["validators"] == content["candidates"][-1]["scores"]
    with np.load(folder.masks) as masks:
        assert masks["predicted"].shape == masks["reliable"].shape == (4, content["slices"], 32, 32)
        assert masks["names"].tolist() == [one["name"] for one in content["candidates"]]
        assert masks["updates"].tolist() == [2, 4, 6, 8] and len(masks["slices"]) == content["slices"] == 4


def test_a_validators_choice_is_what_is_scored_and_loaded(smoke: Smoke, store: Path, tmp_path: Path) -> None:
    last = smoke("adaoutput", data=store, overrides=FOUR, out=tmp_path / "last")
    scores = [one["scores"] for one in json.loads(RunFolder(last.folder).validation.read_text())["candidates"]]
    by = next(name for name in VALIDATORS if max(scores, key=lambda one: one[name]) is not scores[-1])
    chosen = smoke("adaoutput", data=store, overrides=[*FOUR, f"selection.by={by}"], out=tmp_path / by)
    best = max(range(4), key=lambda place: scores[place][by])
    assert chosen.metrics["selection"] == by and chosen.metrics["validators"] == scores[best]
    assert chosen.metrics["selected"]["updates"] == 2 * (best + 1)

    candidate = list_candidates(RunFolder(chosen.folder).candidates)[best]
    weights = candidate._tensors()
    loaded = network(chosen.folder)
    assert loaded.keys() == {
        key.replace("G.", "trunk.", 1).replace("C.", "head.", 1) for key in weights if not key.startswith("C_aux.")
    }
    assert all(torch.equal(loaded[key.replace("G.", "trunk.", 1)], weights[key]) for key in weights if key[:2] == "G.")
    assert any(not torch.equal(loaded[key], value) for key, value in network(last.folder).items())
    assert evaluate_run(chosen.folder).summary["dice"] == pytest.approx(chosen.metrics["dice"])


def test_the_choice_needs_no_target_label(smoke: Smoke, store: Path, tmp_path: Path) -> None:
    blind = tmp_path / "blind"
    shutil.copytree(store, blind)
    for split in ("train", "test"):
        (blind / "mri" / f"{split}_labels.npy").unlink()
    overrides = [*FOUR, "selection.by=consistency"]
    seeing = smoke("ours", data=store, out=tmp_path / "seeing", overrides=overrides)
    without = smoke("ours", data=blind, out=tmp_path / "without", overrides=overrides)
    for name in ("validation.json", "masks.npz"):
        assert (seeing.folder / name).read_bytes() == (without.folder / name).read_bytes()
    assert seeing.metrics["selected"] == without.metrics["selected"]
    assert set(without.metrics["dice"].values()) == {None}
    with pytest.raises(UserError, match="no test labels: there is no oracle"):
        score_candidates(without.folder)
    assert not RunFolder(without.folder).oracle.exists()


def test_without_labelled_source_volumes_for_testing_the_training_ones_are_asked(
    smoke: Smoke, store: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(store, bare)
    (bare / "ct" / "test_labels.npy").unlink()
    result = smoke("source-only", data=bare)
    assert json.loads(RunFolder(result.folder).validation.read_text())["source_split"] == "train"


def test_what_was_stopped_while_it_chose_chooses_the_same(
    smoke: Smoke, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = [*FOUR, "selection.by=im"]

    def stop(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    whole = smoke("adaoutput", data=store, overrides=overrides, out=tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr("seasa_da.validators.scores", stop)
        with pytest.raises(KeyboardInterrupt):
            smoke("adaoutput", data=store, overrides=overrides, out=tmp_path / "stopped")
    stopped = RunFolder(tmp_path / "stopped")
    assert not stopped.finished and not stopped.validation.exists()
    assert resume(stopped.path).metrics["validators"] == whole.metrics["validators"]
    assert stopped.validation.read_bytes() == RunFolder(whole.folder).validation.read_bytes()


def test_the_oracle_is_the_truth_about_every_candidate(smoke: Smoke, store: Path) -> None:
    result = smoke("adaoutput", data=store, overrides=FOUR)
    before = {path: path.read_bytes() for path in result.folder.rglob("*") if path.is_file()}
    score_candidates(result.folder)
    content = json.loads(RunFolder(result.folder).oracle.read_text())
    assert [one["updates"] for one in content["candidates"]] == [2, 4, 6, 8]
    assert content["candidates"][-1]["dice"] == pytest.approx(result.metrics["dice"])
    best = max(content["candidates"], key=lambda one: (one["dice"]["mean"], one["updates"]))
    assert content["best"] == best["name"] and "oracle" in content["mark"]
    # it is shown, and changes nothing
    assert {path: path.read_bytes() for path in before} == before


def test_the_command_line(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "table"
    command = ["compare", "--methods", "source-only,adaoutput", "--data", str(store), "--preset", "smoke"]
    command += ["--select", "entropy", "--oracle", "--out", str(out), "--tracking-uri", "none"]
    with pytest.raises(SystemExit) as end:
        main(command)
    shown = capsys.readouterr().out
    assert end.value.code == 0, shown
    assert "the oracle gap" in shown and "rank correlation" in shown
    run = out / "runs" / "ct-to-mri" / "seed0" / "adaoutput"
    assert json.loads((run / "metrics.json").read_text())["selection"] == "entropy"
    content = json.loads((out / "ct-to-mri-oracle.json").read_text())
    assert [row["name"] for row in content["rows"]] == ["source-only", "adaoutput"]
    for row in content["rows"]:
        assert row["gap"] == pytest.approx(row["best"] - row["selected"]) and row["gap"] >= 0
        assert row["selected"] == row["by"]["entropy"]
    with pytest.raises(SystemExit) as end:
        main([*command[:7], "--select", "entropi"])
    assert end.value.code == 2 and "selection.by" in capsys.readouterr().err


def test_a_finished_run_is_only_read(smoke: Smoke, store: Path) -> None:
    result = smoke("source-only", data=store, overrides=FOUR)
    assert resume(result.folder).metrics == result.metrics
