"""Two domains of 2D images in nnU-Net's layout: from files of several sizes to scores, predictions in their place."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from data.nnunet import write_dataset_json
from data.volumes import write_volume

from seasa_da.data.labels import open_labels
from seasa_da.training.run import RunResult, evaluate_run

from .weights import assert_bit_identical

Smoke = Callable[..., RunResult]
SIZES = {"dark": [(36, 30), (24, 28), (30, 30)], "light": [(26, 31), (32, 32), (28, 24)]}
VOXEL_MM = (5.0, 6.0, 1.0)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bright discs on dark ground, and dark discs on light ground; two images for training, one for testing."""
    folder = tmp_path_factory.mktemp("images")
    for seed, (domain, sizes) in enumerate(SIZES.items()):
        rng = np.random.default_rng(seed)
        write_dataset_json(folder / domain, labels={"background": 0, "nucleus": 1}, numTraining=2)
        for case, (size, part) in enumerate(zip(sizes, ("Tr", "Tr", "Ts"), strict=True)):
            x, y = np.indices(size)
            label = np.zeros((*size, 1), dtype=np.uint8)
            for _ in range(4):
                u, v = rng.uniform(0, size)
                label[(x - u) ** 2 + (y - v) ** 2 < 16] = 1
            grey = 60 + 120 * label if domain == "dark" else 200 - 120 * label
            image = (grey + rng.normal(0, 8, label.shape)).clip(0, 255).astype(np.uint8)
            for kind, voxels, end in (("images", image, "_0000"), ("labels", label, "")):
                place = folder / domain / f"{kind}{part}"
                place.mkdir(exist_ok=True)
                affine = np.diag([*VOXEL_MM, 1.0])
                affine[:3, 3] = [10 * case, -20, 7]
                write_volume(place / f"{domain}_{case}{end}.nii.gz", voxels, affine)
    return folder


def test_images_are_trained_on_scored_and_put_back(smoke: Smoke, raw: Path) -> None:
    result = smoke("ours", data=raw, src="dark", tgt="light")
    assert list(result.metrics["dice"]) == ["nucleus", "mean"]
    assert 0 <= result.metrics["dice"]["nucleus"] <= 100
    assert (result.folder / "figures" / "overlay.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((result.folder / "per_case.csv").open()))
    assert [row["case"] for row in rows] == ["light_2"]

    prediction = nibabel.load(result.folder / "predictions" / "light_2.nii.gz")
    assert prediction.shape == (1, 32, 32)
    assert prediction.header.get_zooms() == (1.0, 6.0, 6.0)
    scan = nibabel.load(raw / "light" / "imagesTs" / "light_2_0000.nii.gz")
    middle = scan.affine @ [*(np.array(scan.shape) - 1) / 2, 1]
    assert np.allclose(prediction.affine @ [0, 15.5, 15.5, 1], middle)


def test_images_and_labels_of_the_store_fit_each_other_and_the_files(raw: Path) -> None:
    from seasa_da.config import DataSettings, PhantomSettings, load_preset
    from seasa_da.data.locate import locate_store

    # grey values, whatever their dataset.json calls them
    settings = DataSettings.model_validate({**load_preset("smoke")["data"], "intensity": "zscore"})
    store = locate_store(raw, settings, PhantomSettings(), say=str)
    for domain, sign in (("dark", 1), ("light", -1)):
        for split in ("train", "test"):
            images, labels = store.images(domain, split)[:, 0], open_labels(store, domain, split)
            assert labels is not None
            for image, label, case in zip(images, labels, store.domain(domain).split_cases(split), strict=True):
                truth = nibabel.load(next((raw / domain).glob(f"labelsT*/{case.id}.nii.gz")))
                voxels = np.asarray(truth.dataobj)
                area = voxels.sum() * VOXEL_MM[0] * VOXEL_MM[1]
                assert label.sum() * 36.0 == pytest.approx(area, rel=0.25)
                centre = np.array(case.affine)[:3] @ [0, *np.argwhere(label).mean(axis=0), 1]
                assert np.abs(centre - truth.affine[:3] @ [*np.argwhere(voxels).mean(axis=0), 1]).max() < 3.0
                inside = sign * image[label == 1].mean()
                away = np.abs(np.arange(32) - 15.5) * 6.0  # from the middle, mm
                seen = (away[:, None] < 3.0 * voxels.shape[1]) & (away < 2.5 * voxels.shape[0])
                assert inside > sign * image[(label == 0) & seen].mean() + 0.5


def test_distances_are_in_millimetres_of_the_plane(smoke: Smoke, raw: Path) -> None:
    overrides = ["train.iterations=30", "train.checkpoint_every=30"]
    result = smoke("supervised", data=raw, src="dark", tgt="light", overrides=overrides)
    mm, voxel = (evaluate_run(result.folder, units).summary["asd"]["nucleus"] for units in ("mm", "voxel"))
    assert mm is not None and mm > 0
    assert mm == pytest.approx(6.0 * voxel)


def test_a_target_of_images_without_labels_trains_the_same(smoke: Smoke, raw: Path, tmp_path: Path) -> None:
    blind = tmp_path / "blind"
    shutil.copytree(raw, blind)
    for folder in (blind / "light").glob("labelsT*"):
        shutil.rmtree(folder)
    with_labels = smoke("source-only", data=raw, src="dark", tgt="light", out=tmp_path / "with")
    without = smoke("source-only", data=blind, src="dark", tgt="light", out=tmp_path / "without")
    assert_bit_identical(with_labels.folder, without.folder)
    assert without.metrics["dice"]["mean"] is None
    assert json.loads((without.folder / "metrics.json").read_text())["label_free"]["entropy"] > 0
