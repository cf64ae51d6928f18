"""Figures of real runs: every one of them, with and without labels."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.text import Text

from seasa_da.data.datasets import shared_class_names
from seasa_da.data.store import SliceStore
from seasa_da.evaluation.truth import case_truth
from seasa_da.inspection.figures import features
from seasa_da.inspection.figures.make import FIGURES, make_figures
from seasa_da.inspection.figures.material import Material, Options
from seasa_da.inspection.figures.runs import shown_runs
from seasa_da.prediction.blending import Place
from seasa_da.reporting.figures.sheet import Sheet
from seasa_da.reporting.overlays import grey_picture
from seasa_da.training.run import RunResult

Smoke = Callable[..., RunResult]
SHORT = ["train.iterations=4", "train.batch_size=2", "selection.slices=2"]


@pytest.fixture(autouse=True)
def few_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """t-SNE of all of them would take most of the time."""
    monkeypatch.setattr(features, "PIXELS", 12)
    monkeypatch.setattr(features, "SLICES", 8)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Sheet]:
    """The sheets by name as they were saved."""
    kept: dict[str, Sheet] = {}
    save = Sheet.save

    def keep(self: Sheet, folder: Path, name: str) -> list[Path]:
        kept[name] = self
        return save(self, folder, name)

    monkeypatch.setattr(Sheet, "save", keep)
    return kept


def texts(sheet: Sheet) -> list[str]:
    return [text.get_text() for text in sheet.figure.findobj(Text)]


def test_all_figures_of_a_run_with_its_data(smoke: Smoke, store: Path, tmp_path: Path, drawn: dict[str, Sheet]) -> None:
    run = smoke("ours", data=store, overrides=SHORT, reference=True).folder
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    made = make_figures([run], tmp_path / "out")
    assert [file.name for file in made.files] == [f"{name}.{kind}" for name in FIGURES for kind in ("png", "pdf")]
    assert made.notes == ()
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before

    opened = SliceStore.open(store)
    case = opened.domain("mri").split_cases("test")[0]
    names, _ = shared_class_names(opened, "ct", "mri")
    material = Material(shown_runs([run]), Options())
    first = material.slices[0]
    truth = case_truth(opened, "mri", case, names)
    assert truth is not None and first.truth is not None and first.image is not None
    np.testing.assert_array_equal(first.truth, truth[first.index])
    np.testing.assert_array_equal(first.image, opened.images("mri", "test")[case.start + first.index])
    for name in ("uncertainty", "methods", "reliability"):
        shown = next(axes.images[0] for axes in drawn[name].figure.axes if axes.images).get_array()
        np.testing.assert_allclose(shown, grey_picture(first.image), atol=1e-6)
        assert f"{case.id}\nslice {first.index}" in texts(drawn[name])
    assert {"before: without adaptation", "after: ours", "truth", "around wrong pixels"} <= set(
        texts(drawn["uncertainty"])
    )
    assert {"t-SNE of the same pixels in each network; classes by reference labels"} <= set(texts(drawn["embedding"]))

    make_figures([run], tmp_path / "again", only=["embedding", "reliability"])
    for name in ("embedding.png", "reliability.pdf"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()

    # the views that are shown are those that vote, and the stored prediction is what they are compared with
    windows, places = torch.from_numpy(first.image)[None], [Place(first.index, 0, 0)]
    voter = material.voter("ours")
    votes = voter.explain(windows, places)
    np.testing.assert_array_equal(votes.labels[0].numpy(), first.predictions["ours"])
    agree = votes.agrees_random & votes.agrees_fourier
    torch.testing.assert_close(voter(windows, places)[:, 0], agree.float())
    majority = (votes.random_labels == votes.labels).sum(0) > len(votes.random) / 2
    torch.testing.assert_close(majority, votes.agrees_random)

    # the features of a pixel are those of its cell
    images = np.stack([first.image] * 9)
    pixels = np.array([[8, 31, 0], [0, 5, 17], [3, 0, 31]])
    network = material.network("ours")
    with torch.inference_mode():
        levels = network.trunk(windows)[0].numpy()
    cells = [levels[:, y * levels.shape[1] // 32, x * levels.shape[2] // 32] for _, y, x in pixels]
    np.testing.assert_allclose(
        features._features(network, images, pixels, material), np.stack(cells), rtol=1e-4, atol=1e-5
    )

    # the data are gone
    other = shutil.copytree(run, tmp_path / "moved")
    record = (other / "run.json").read_text()
    (other / "run.json").write_text(record.replace(f'"{store}"', f'"{tmp_path / "gone"}"'))
    made = make_figures([other], tmp_path / "moved-out")
    kept = ["methods", "curves", "structures", "calibration"]
    assert [file.name for file in made.files if file.suffix == ".png"] == [f"{name}.png" for name in kept]


def test_an_anonymised_run_whose_target_has_no_labels(
    smoke: Smoke, store: Path, tmp_path: Path, drawn: dict[str, Sheet]
) -> None:
    unlabelled = shutil.copytree(store, tmp_path / "store")
    for split in ("train", "test"):
        (unlabelled / "mri" / f"{split}_labels.npy").unlink()
    run = smoke("ours", data=unlabelled, overrides=SHORT, anonymise=True).folder
    made = make_figures([run], tmp_path / "out")
    names = ["uncertainty", "methods", "reliability", "curves", "embedding"]
    assert [file.name for file in made.files if file.suffix == ".png"] == [f"{name}.png" for name in names]
    ids = [case.id for case in SliceStore.open(unlabelled).domain("mri").cases]
    said = [text for sheet in drawn.values() for text in texts(sheet)]
    assert not {"truth", "errors", "around wrong pixels"} & set(said)
    assert not any(case in text for case in ids for text in (*said, *made.notes))
    assert any(text.startswith("case-01\nslice") for text in said)
    assert any("as predicted by ours" in text for text in said)
