"""A run predicts volumes of its own and of others, and says what it said when it was evaluated."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
import yaml

from seasa_da import Segmenter
from seasa_da.data.arrays import ScaledImages
from seasa_da.data.intensity import parse_rule
from seasa_da.data.preprocess import prepare_case
from seasa_da.data.resample import resample_label
from seasa_da.data.slice_grid import slice_grid
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError
from seasa_da.evaluation.inference import predict_volumes
from seasa_da.hooks import ReliabilityHook
from seasa_da.prediction.blending import Blender, as_half, class_probs
from seasa_da.prediction.case_slices import CaseSlices
from seasa_da.prediction.files import Maps, predict_files
from seasa_da.prediction.nibabel_case import case_of_files, case_of_image
from seasa_da.prediction.windows import Windows
from seasa_da.training.run import train

VALUES = (0, 820, 420, 500, 205)


@pytest.fixture(scope="module")
def run(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the paper's method, long enough to see something."""
    out = tmp_path_factory.mktemp("run") / "run"
    overrides = ["train.iterations=40", "train.checkpoint_every=40"]
    train("ours", preset="smoke", data=store, out=out, tracking_uri="none", reference=False, overrides=overrides)
    return out


@pytest.fixture(scope="module")
def test_volumes(phantom: Path, store: Path) -> dict[str, Path]:
    """The target's test volumes by case."""
    cases = SliceStore.open(store).domain("mri").split_cases("test")
    return {case.id: phantom / "mr_train" / f"mr_train_{case.id}_image.nii.gz" for case in cases}


def on_slices(segmenter: Segmenter, image: nibabel.Nifti1Image, voxels: np.ndarray) -> np.ndarray:
    """Labels on the image's grid, seen on the slices of its training crop."""
    grid = slice_grid(image.shape, image.affine, segmenter.recipe.data, segmenter.recipe.axis)
    return resample_label(voxels.astype(np.uint8), image.affine, grid)


def windows_of(slices: CaseSlices) -> Windows:
    return Windows.over(*slices.grid.shape[1:], 32, slices.crop)


def labels_of(segmenter: Segmenter, slices: CaseSlices) -> np.ndarray:
    """Of all slices, before they are mapped back."""
    blender = Blender(lambda images, places: class_probs(segmenter._network(images)), len(VALUES), torch.device("cpu"))
    ((first, slab),) = slices.slabs(len(VALUES))
    assert first == 0
    return as_half(blender(slab, 0, windows_of(slices))).float().max(dim=1).indices.numpy()


def test_a_volume_within_the_window_is_predicted_exactly_as_in_evaluation(
    run: Path, store: Path, test_volumes: dict[str, Path]
) -> None:
    segmenter = Segmenter.load(run, "cpu")
    recipe, channels = segmenter.recipe, segmenter.recipe.domain().channels
    for path in test_volumes.values():
        image = nibabel.load(path).slicer[4:-4, 4:-4, 4:-4]
        volume = case_of_image(image, 1)
        slices = CaseSlices(volume, recipe.data, recipe.axis, channels)
        assert windows_of(slices).places == [(0, 0)]
        grid = slice_grid(image.shape, volume.affine, recipe.data, recipe.axis)
        prepared = prepare_case(volume, grid, [parse_rule(channels[0].rule)])
        images = ScaledImages(prepared.images.swapaxes(0, 1), [channels[0].lo], [channels[0].hi])
        record = replace(SliceStore.open(store).domain("mri").cases[0], start=0, stop=len(images))
        ((_, expected, _),) = predict_volumes(segmenter._network, images[:], [record])
        np.testing.assert_array_equal(labels_of(segmenter, slices), expected)
        assert (expected > 0).sum() > 50


def test_in_the_training_crop_slices_and_labels_are_those_of_the_evaluation(
    run: Path, store: Path, test_volumes: dict[str, Path]
) -> None:
    segmenter = Segmenter.load(run, "cpu")
    recipe, opened = segmenter.recipe, SliceStore.open(store)
    images = opened.images("mri", "test")
    for case in opened.domain("mri").split_cases("test"):
        volume = case_of_files(case.id, (test_volumes[case.id],), 1)
        slices = CaseSlices(volume, recipe.data, recipe.axis, recipe.domain().channels)
        assert len(windows_of(slices).places) > 1  # the phantom is larger than the crop
        rows, columns = (slice(first, first + 32) for first in slices.crop)
        ((_, slab),) = slices.slabs(len(VALUES))
        np.testing.assert_allclose(slab[:, :, rows, columns], images[case.start : case.stop], atol=1e-4)
        np.testing.assert_allclose(slices.grid.part((slice(0, 1), rows, columns)).affine, case.affine, atol=1e-9)
        assert slices.intensities == case.intensities
        expected = np.asarray(nibabel.load(run / "predictions" / f"{case.id}.nii.gz").dataobj)
        assert (labels_of(segmenter, slices)[:, rows, columns] == expected).mean() > 0.99
        assert (expected > 0).sum() > 50


def test_its_own_test_volumes_come_back_in_their_own_grid(
    run: Path, test_volumes: dict[str, Path], tmp_path: Path
) -> None:
    segmenter = Segmenter.load(run, "cpu")
    found = predict_files(segmenter, list(test_volumes.values()), tmp_path)
    assert found.failed == {} and len(found.done) == len(test_volumes) == 2
    for case, path in test_volumes.items():
        image, labels = nibabel.load(path), nibabel.load(tmp_path / f"mr_train_{case}.nii.gz")
        assert labels.shape == image.shape and set(np.unique(labels.dataobj)) <= set(VALUES)
        np.testing.assert_array_equal(labels.affine, image.affine)
        assert (labels.header["sform_code"], labels.header["qform_code"]) == (
            image.header["sform_code"],
            image.header["qform_code"],
        )
        # seen again on the slice grid, the labels are what the run said there, but for the borders of structures
        again = on_slices(segmenter, image, sum((np.asarray(labels.dataobj) == v) * k for k, v in enumerate(VALUES)))
        own = np.asarray(nibabel.load(run / "predictions" / f"{case}.nii.gz").dataobj)
        assert (again == own).mean() > 0.95
        # and from Python, in memory, the same
        np.testing.assert_array_equal(np.asarray(segmenter.predict(image).dataobj), np.asarray(labels.dataobj))


def test_a_run_predicts_where_its_data_are_not(run: Path, test_volumes: dict[str, Path], tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(run, moved)
    record = json.loads((moved / "run.json").read_text())
    (moved / "run.json").write_text(json.dumps({**record, "data": str(tmp_path / "gone")}))
    config = yaml.safe_load((moved / "config.yaml").read_text())
    (moved / "config.yaml").write_text(yaml.safe_dump({**config, "weights": None, "method": "of_a_plugin"}))
    segmenter = Segmenter.load(moved, "cpu")
    path = next(iter(test_volumes.values()))
    assert predict_files(segmenter, [path], tmp_path / "out").failed == {}
    with pytest.raises(UserError, match=r"reliability maps want source slices, but the data of .*moved are not at"):
        predict_files(segmenter, [path], tmp_path / "out", maps=Maps(reliability=True))


def test_reliability_is_the_vote_of_the_runs_own_views(
    run: Path,
    store: Path,
    phantom: Path,
    test_volumes: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blind = tmp_path / "blind"  # no label may be needed for it
    shutil.copytree(store, blind)
    for file in blind.glob("*/*_labels.npy"):
        file.unlink()
    own = tmp_path / "run"
    shutil.copytree(run, own)
    record = json.loads((own / "run.json").read_text())
    (own / "run.json").write_text(json.dumps({**record, "data": str(blind)}))

    votes = []
    call = ReliabilityHook.call

    def recorded(self, inputs, losses):
        outputs, losses = call(self, inputs, losses)
        votes.append((inputs["target_seeds"], inputs["fourier_imgs"], outputs["target_reliable"]))
        return outputs, losses

    monkeypatch.setattr(ReliabilityHook, "call", recorded)
    path = next(iter(test_volumes.values()))
    maps = []
    for name in ("one", "two"):
        predict_files(Segmenter.load(own, "cpu"), [path], tmp_path / name, maps=Maps(reliability=True))
        maps.append((tmp_path / name / "reliability" / path.name.replace("_image", "")).read_bytes())
    assert maps[0] == maps[1]  # draws are functions of the run's seed and the slices' places
    reliable = np.asarray(nibabel.load(tmp_path / "one" / "reliability" / path.name.replace("_image", "")).dataobj)
    assert reliable.dtype == np.uint8 and set(np.unique(reliable)) == {0, 1}
    half = len(votes) // 2
    seeds = torch.cat([seeds for seeds, _, _ in votes[:half]])
    assert len(set(seeds.tolist())) == len(seeds)  # every window of every slice has views of its own
    sources = SliceStore.open(store).images("ct", "train")[:]
    drawn = torch.cat([images for _, images, _ in votes[:half]]).flatten(0, 1).numpy()
    assert all((image == sources).all(axis=(1, 2, 3)).any() for image in drawn[:6])

    segmenter, image = Segmenter.load(own, "cpu"), nibabel.load(path)
    channels = segmenter.recipe.domain().channels
    slices = CaseSlices(case_of_image(image, 1), segmenter.recipe.data, segmenter.recipe.axis, channels)
    windows = windows_of(slices)
    number = windows.places.index((windows.rows.index(slices.crop[0]), windows.columns.index(slices.crop[1])))
    agreed = torch.cat([agreed for _, _, agreed in votes[:half]]).numpy()[number :: len(windows.places)]
    assert 0.02 < agreed.mean() < 0.999
    inside = on_slices(segmenter, image, np.ones(image.shape)) == 1
    assert (on_slices(segmenter, image, reliable) == agreed)[inside].mean() > 0.9

    other = tmp_path / "other"
    shutil.copytree(blind, other)
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["domains"]["ct"]["files"]["train_images.npy"]["sha256"] = "0" * 64
    (other / "manifest.json").write_text(json.dumps(manifest))
    (own / "run.json").write_text(json.dumps({**record, "data": str(other)}))
    with pytest.raises(UserError, match=r"holds others than .*run was trained on"):
        Segmenter.load(own, "cpu").want_votes()


def test_ct_given_as_mri_is_warned_of(run: Path, phantom: Path, tmp_path: Path) -> None:
    said: list[str] = []
    volume = phantom / "ct_train" / "ct_train_1001_image.nii.gz"
    found = predict_files(Segmenter.load(run, "cpu"), [volume], tmp_path / "as-mri", say=said.append)
    assert found.done == ("ct_train_1001",)
    assert len(said) == 1 and "is it another modality" in said[0] and str(volume) in said[0]
    said.clear()
    predict_files(Segmenter.load(run, "cpu", domain="ct"), [volume], tmp_path / "as-ct", say=said.append)
    assert said == []


def test_what_is_no_run_is_one_line(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a run's folder"):
        Segmenter.load(tmp_path)
    older = tmp_path / "older"
    shutil.copytree(run, older)
    (older / "inference.json").unlink()
    with pytest.raises(UserError, match=r"inference\.json does not exist: the run was made by an older release"):
        Segmenter.load(older)
    unfinished = tmp_path / "unfinished"
    shutil.copytree(run, unfinished)
    shutil.rmtree(unfinished / "checkpoint")
    (unfinished / "validation.json").unlink()
    with pytest.raises(UserError, match="has no checkpoint yet"):
        Segmenter.load(unfinished)
