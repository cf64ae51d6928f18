"""The report page of real runs: pictures of the data, truth, entropy and unreliable pixels. Runs are only read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from seasa_da import compare
from seasa_da.data.datasets import shared_class_names
from seasa_da.data.store import SliceStore
from seasa_da.evaluation.truth import case_truth
from seasa_da.inspection.page import report_page
from seasa_da.reporting.colours import structure_colours
from seasa_da.reporting.page.sheets import chosen_slices, grey_sheet, label_sheet
from seasa_da.training.run import RunResult

SHORT = ["train.iterations=2", "train.batch_size=2"]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_run_with_its_data(smoke: Callable[..., RunResult], store: Path, tmp_path: Path) -> None:
    run = smoke("ours", data=store, overrides=SHORT).folder
    before = contents(run)
    page = report_page(run, tmp_path / "page.html", cases=1, slices=3)
    assert contents(run) == before
    text = page.read_text(encoding="utf-8")
    opened = SliceStore.open(store)
    case = opened.domain("mri").split_cases("test")[0]
    names, _ = shared_class_names(opened, "ct", "mri")
    slices = chosen_slices(case.stop - case.start, 3)
    truth = case_truth(opened, "mri", case, names)
    assert truth is not None
    assert label_sheet(truth[slices], list(structure_colours(names).values())) in text
    assert grey_sheet(opened.images("mri", "test")[case.start : case.stop][slices, 0]) in text
    for what in (
        "Entropy of ours",
        "Unreliable pixels of ours",
        "Checkpoint chosen by",
        "Reliability diagrams of ours",
    ):
        assert what in text
    assert "Predictions alone" not in text
    report_page(run, tmp_path / "again.html", cases=1, slices=3)
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_a_target_without_labels_has_pictures_and_no_truth(
    smoke: Callable[..., RunResult], store: Path, tmp_path: Path
) -> None:
    unlabelled = tmp_path / "store"
    shutil.copytree(store, unlabelled)
    for split in ("train", "test"):
        (unlabelled / "mri" / f"{split}_labels.npy").unlink()
    run = smoke("ours", data=unlabelled, overrides=SHORT).folder
    text = report_page(run, cases=1).read_text(encoding="utf-8")
    assert "The target has no test labels" in text
    assert "Entropy of ours" in text
    assert "Truth" not in text.partition("<script>")[0].partition("</style>")[2]


@pytest.mark.parametrize("anonymise", [False, True])
def test_a_comparison(store: Path, tmp_path: Path, anonymise: bool) -> None:
    out = tmp_path / "comparison"
    methods = ["supervised", "ours"]
    options = {"data": store, "preset": "smoke", "overrides": SHORT, "tracking_uri": "none", "anonymise": anonymise}
    assert not compare(methods, out=out, **options).failed
    text = report_page(out, methods=["ours"], cases=1).read_text(encoding="utf-8")
    assert ("data:image/png" in text) is not anonymise
    ids = [case.id for case in SliceStore.open(store).domain("mri").split_cases("test")]
    assert any(f"Scores of {name}," in text for name in ids) is not anonymise
    assert (str(store) in text) is not anonymise
    assert "Calibration [%]" in text
    assert "Prediction of supervised" not in text
    assert text.count('<span class="mark">oracle</span>') >= 3
