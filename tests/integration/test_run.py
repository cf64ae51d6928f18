"""A run from phantom to metrics: what it leaves, and that it is a function of its settings and data."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from seasa_da.errors import NonFiniteLoss, UserError
from seasa_da.registry import METHODS
from seasa_da.training import checkpoint
from seasa_da.training.run import RunResult, evaluate_run, resume, train
from seasa_da.training.run_folder import RunFolder

from .weights import assert_bit_identical, final_tensors

Smoke = Callable[..., RunResult]
STRUCTURES = ["AA", "LAC", "LVC", "MYO"]


def test_a_run_leaves_what_others_build_on(smoke: Smoke, store: Path) -> None:
    result = smoke("ours", data=store)
    folder = result.folder
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics == result.metrics
    assert metrics["method"] == "ours" and metrics["recipe"] == "paper" and metrics["addons"] == []
    assert (metrics["src"], metrics["tgt"], metrics["seed"], metrics["preset"]) == ("ct", "mri", 0, "smoke")
    assert metrics["iterations"] == metrics["updates"] == 8
    assert metrics["init_weights"] == "random" and metrics["selection"] == "last" and metrics["oracle"] is False
    assert metrics["units"] == "mm" and metrics["schema_version"] == 1
    assert list(metrics["dice"]) == list(metrics["asd"]) == [*STRUCTURES, "mean"]
    assert list(metrics["asd_undefined"]) == STRUCTURES
    assert 0 <= metrics["dice"]["mean"] <= 100
    assert metrics["train_seconds"] > 0 and len(metrics["data_fingerprint"]) == 64
    assert {"torch", "pytorch-adapt", "timm", "seasa-da"} <= set(metrics["versions"])

    rows = list(csv.DictReader((folder / "per_case.csv").open()))
    further = ["hd95", "surface_dice", "volume_error"]
    assert list(rows[0]) == ["case", "structure", "dice", "asd", "voxels_truth", "voxels_pred", *further]
    assert all(list(metrics[name]) == [*STRUCTURES, "mean"] for name in further)
    assert metrics["hd95_undefined"] == metrics["asd_undefined"] and metrics["tolerance_mm"] == 2.0
    assert len(rows) == 2 * len(STRUCTURES)
    for name in STRUCTURES:
        own = [float(row["dice"]) for row in rows if row["structure"] == name]
        assert metrics["dice"][name] == pytest.approx(sum(own) / len(own))

    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["iteration"] for line in log] == [2, 4, 6, 8]
    assert {"seg_ce_loss", "adversarial_loss", "discriminator_loss", "selective_entropy_loss"} <= set(log[0]["losses"])
    assert (folder / "figures" / "overlay.png").read_bytes().startswith(b"\x89PNG")
    assert yaml.safe_load((folder / "config.yaml").read_text())["train"]["iterations"] == 8
    assert len(checkpoint.list_checkpoints(folder / "checkpoint")) == 2


def test_evaluate_gives_the_runs_own_scores_and_voxels_on_request(smoke: Smoke, store: Path) -> None:
    result = smoke("source-only", data=store, overrides=["train.iterations=30", "train.checkpoint_every=30"])
    again = evaluate_run(result.folder)
    assert again.summary["dice"] == pytest.approx(result.metrics["dice"])
    assert again.summary["asd"] == pytest.approx(result.metrics["asd"])
    mm, voxel = again.summary["asd"], evaluate_run(result.folder, "voxel").summary["asd"]
    found = [name for name in mm if mm[name] is not None]
    assert found and found == [name for name in voxel if voxel[name] is not None]
    assert [voxel[name] for name in found] == pytest.approx([mm[name] / 6.0 for name in found])  # isotropic 6 mm voxels


def test_two_runs_of_one_seed_are_bit_identical_and_another_seed_is_not(
    smoke: Smoke, store: Path, tmp_path: Path
) -> None:
    one = smoke("ours", data=store, out=tmp_path / "one")
    two = smoke("ours", data=store, out=tmp_path / "two")
    other = smoke("ours", data=store, out=tmp_path / "other", seed=1)
    assert_bit_identical(one.folder, two.folder)
    assert one.metrics["dice"] == two.metrics["dice"]
    with pytest.raises(AssertionError):
        assert_bit_identical(one.folder, other.folder)


@pytest.mark.parametrize("method", [name for name, spec in METHODS.items() if not spec.oracle])
def test_training_cannot_see_target_labels(
    smoke: Smoke, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    blind = tmp_path / "blind"
    shutil.copytree(store, blind)
    (blind / "mri" / "train_labels.npy").unlink()
    with_labels = smoke(method, data=store, out=tmp_path / "with")
    # Nor may it be given a stage that was trained where the labels were at hand.
    monkeypatch.setenv("SEASA_DA_CACHE", str(tmp_path / "cache"))
    without = smoke(method, data=blind, out=tmp_path / "without")
    assert_bit_identical(with_labels.folder, without.folder)
    assert with_labels.metrics["dice"] == without.metrics["dice"]


def test_a_target_prepared_without_any_label_trains_the_same_and_is_not_scored(
    smoke: Smoke, phantom: Path, store: Path, tmp_path: Path
) -> None:
    unlabelled = tmp_path / "raw"
    shutil.copytree(phantom, unlabelled)
    for file in (unlabelled / "mr_train").glob("*_label.nii.gz"):
        file.unlink()
    blind = smoke("ours", data=unlabelled, out=tmp_path / "blind")
    seeing = smoke("ours", data=store, out=tmp_path / "seeing")
    assert_bit_identical(blind.folder, seeing.folder)
    assert set(blind.metrics["dice"].values()) == set(blind.metrics["asd"].values()) == {None}
    assert (blind.folder / "figures" / "overlay.png").is_file()


def test_the_upper_bound_is_marked_and_needs_the_labels(smoke: Smoke, store: Path, tmp_path: Path) -> None:
    result = smoke("supervised", data=store)
    assert result.metrics["oracle"] is True
    blind = tmp_path / "blind"
    shutil.copytree(store, blind)
    (blind / "mri" / "train_labels.npy").unlink()
    with pytest.raises(UserError, match="no training labels"):
        smoke("supervised", data=blind, out=tmp_path / "second")


def test_both_recipes_and_add_ons_train(smoke: Smoke, store: Path, tmp_path: Path) -> None:
    released = smoke("ours", data=store, out=tmp_path / "released", overrides=["recipe=released-code"])
    assert released.metrics["recipe"] == "released-code"
    stages = {line.split("-")[1] for line in (p.name for p in (tmp_path / "released" / "checkpoint").iterdir())}
    assert stages <= {"warm", "adapt"} and "adapt" in stages
    added = smoke("adaoutput", data=store, out=tmp_path / "added", addons=["se", "asa"])
    ours = smoke("ours", data=store, out=tmp_path / "ours")
    a, b = final_tensors(added.folder), final_tensors(ours.folder)
    assert all((a[key] == b[key]).all() for key in a)
    with pytest.raises(UserError, match="source-only"):
        smoke("source-only", data=store, out=tmp_path / "refused", addons=["se"])
    assert not (tmp_path / "refused").exists()


@pytest.mark.parametrize("method", [name for name, spec in METHODS.items() if not spec.refuses_addons])
def test_add_ons_join_every_method_that_trains_on_target_images_at_the_end(
    smoke: Smoke, store: Path, method: str
) -> None:
    result = smoke(method, data=store, addons=["se", "asa"], overrides=["train.log_every=1"])
    log = [json.loads(line) for line in (result.folder / "log.jsonl").read_text().splitlines()]
    added = {"selective_entropy_loss", "semantic_alignment_loss"}
    last = log[-1]["stage"]
    assert all((added <= line["losses"].keys()) == (line["stage"] == last) for line in log)
    assert any(log[-1]["losses"][name] != 0 for name in added)


def test_every_stages_batch_has_to_split(smoke: Smoke, store: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"stage 'translate': .* 1, does not split evenly into 1 process x 2 micro"):
        smoke("cyclegan", data=store, overrides=["train.accumulate=2"])
    assert not (tmp_path / "run").exists()
    smoke("cyclegan", data=store, overrides=["train.accumulate=2", "translation.batch_size=2"])


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU has half precision")
def test_half_precision_is_not_quietly_full(smoke: Smoke, store: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fp16 wants a GPU"):
        smoke("source-only", data=store, overrides=["train.precision=fp16"])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("method", ["crst", "cycada"])
def test_mixed_precision_runs(smoke: Smoke, store: Path, method: str) -> None:
    overrides = ["train.precision=bf16", "train.batch_size=2", "train.accumulate=2", "translation.batch_size=2"]
    run = smoke(method, data=store, overrides=overrides[: 4 if method == "cycada" else 3])
    losses = [value for line in RunFolder(run.folder).read_log() for value in line["losses"].values()]
    assert losses and all(math.isfinite(value) for value in losses)
    assert 0 <= run.metrics["dice"]["mean"] <= 100
    assert yaml.safe_load((run.folder / "config.yaml").read_text())["train"]["precision"] == "bf16"


def test_translators_leave_a_picture_of_what_they_do(smoke: Smoke, store: Path) -> None:
    assert (smoke("cyclegan", data=store).folder / "figures" / "translations.png").read_bytes().startswith(b"\x89PNG")


def test_the_run_without_adaptation_is_shown_beside_and_made_once(store: Path, tmp_path: Path) -> None:
    options = {"data": store, "preset": "smoke", "tracking_uri": "none"}
    first = train("adaoutput", out=tmp_path / "first", **options)
    assert first.without_adaptation is not None
    assert first.without_adaptation["method"] == "source-only"
    own = train("source-only", out=tmp_path / "own", **options)
    assert own.without_adaptation is None
    assert_bit_identical(tmp_path / "first" / "without-adaptation", own.folder)
    second = train("ours", out=tmp_path / "second", **options)
    assert second.without_adaptation == first.without_adaptation  # the seconds too: it was copied, not trained again


def test_a_finished_run_is_not_trained_again(smoke: Smoke, store: Path) -> None:
    result = smoke("source-only", data=store)
    before = (result.folder / "metrics.json").stat().st_mtime_ns
    assert resume(result.folder).metrics == result.metrics
    assert (result.folder / "metrics.json").stat().st_mtime_ns == before


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_good_checkpoint(smoke: Smoke, store: Path) -> None:
    with pytest.raises(NonFiniteLoss, match=r"loss 'seg_.*' became nan by iteration"):
        smoke("source-only", data=store, overrides=["train.lr=1e25", "train.log_every=1", "train.checkpoint_every=1"])


def test_a_run_whose_data_changed_is_not_resumed(smoke: Smoke, store: Path, tmp_path: Path) -> None:
    own = tmp_path / "store"
    shutil.copytree(store, own)
    result = smoke("source-only", data=own)
    (result.folder / "metrics.json").unlink()
    manifest = json.loads((own / "manifest.json").read_text())
    manifest["settings"]["histogram_cut_percent"] = 1.0
    (own / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="changed since it was started"):
        resume(result.folder)


def test_an_output_folder_in_use_or_unwritable_is_refused(smoke: Smoke, store: Path, tmp_path: Path) -> None:
    used = tmp_path / "used"
    used.mkdir()
    (used / "precious.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        smoke("source-only", data=store, out=used)
    assert [p.name for p in used.iterdir()] == ["precious.txt"]
    with pytest.raises(UserError, match=r"cannot write .*precious.txt"):
        smoke("source-only", data=store, out=used / "precious.txt" / "run")


def test_a_batch_that_does_not_split_is_refused(smoke: Smoke, store: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not split evenly"):
        smoke("source-only", data=store, overrides=["train.accumulate=3"])
    assert not (tmp_path / "run").exists()


def test_a_runs_own_config_repeats_it(smoke: Smoke, store: Path, tmp_path: Path) -> None:
    first = smoke("adaoutput", data=store, out=tmp_path / "first", seed=3, addons=["asa"], overrides=["asa.weight=0.2"])
    second = smoke("adaoutput", data=store, out=tmp_path / "second", preset=None, config=first.folder / "config.yaml")
    assert second.metrics["seed"] == 3 and second.metrics["addons"] == ["asa"]
    assert second.metrics["preset"] == "smoke"
    assert_bit_identical(first.folder, second.folder)


def test_anonymise_keeps_ids_out_of_every_file(smoke: Smoke, store: Path) -> None:
    result = smoke("source-only", data=store, anonymise=True)
    rows = list(csv.DictReader((result.folder / "per_case.csv").open()))
    assert {row["case"] for row in rows} == {"case-01", "case-02"}
    assert {entry["case"] for entry in json.loads((result.folder / "per_case.json").read_text())} == {
        "case-01",
        "case-02",
    }
    ids = json.loads((store / "manifest.json").read_text())["domains"]["mri"]["cases"]
    names = [path.name for path in result.folder.rglob("*")]
    assert not [name for name in names for case in ids if case["id"] in name]


def test_predictions_are_volumes_in_the_patients_frame(smoke: Smoke, store: Path) -> None:
    import nibabel
    import numpy as np

    result = smoke("source-only", data=store, overrides=["train.iterations=30", "train.checkpoint_every=30"])
    cases = json.loads((store / "manifest.json").read_text())["domains"]["mri"]["cases"]
    test = [case for case in cases if case["split"] == "test"]
    files = sorted((result.folder / "predictions").iterdir())
    assert [file.name for file in files] == [f"{case['id']}.nii.gz" for case in test]
    rows = list(csv.DictReader((result.folder / "per_case.csv").open()))
    for file, case in zip(files, test, strict=True):
        image = nibabel.load(file)
        assert np.allclose(image.affine, case["affine"])
        labels = np.asarray(image.dataobj)
        assert labels.shape == (case["stop"] - case["start"], 32, 32)
        for value, name in enumerate(STRUCTURES, start=1):
            own = next(row for row in rows if row["case"] == case["id"] and row["structure"] == name)
            assert int(own["voxels_pred"]) == (labels == value).sum()
    assert result.metrics["label_free"]["entropy"] > 0


def test_a_precision_of_its_own_for_each_run_of_a_process(smoke: Smoke, store: Path, tmp_path: Path) -> None:
    short = ["train.iterations=2", "train.batch_size=2"]
    half = smoke("source-only", data=store, out=tmp_path / "half", overrides=[*short, "train.precision=bf16"])
    full = smoke("source-only", data=store, out=tmp_path / "full", overrides=short)
    with pytest.raises(AssertionError):
        assert_bit_identical(half.folder, full.folder)
    with pytest.raises(UserError, match="bf16"):
        smoke("source-only", data=store, overrides=["train.precision=fp16", "train.accumulate=2"])
