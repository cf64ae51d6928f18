import numpy as np
import pytest
import torch

from seasa_da.evaluation.calibration import Calibration, summary
from seasa_da.evaluation.calibration_rows import calibration_row
from seasa_da.evaluation.reliability_audit import mask_figures
from seasa_da.reporting.calibration_text import calibration_markdown
from seasa_da.reporting.page.calibration import calibration_figures, calibration_table, mask_charts


@pytest.fixture
def content():
    """What the evaluation leaves of random predictions."""
    calibration = Calibration(["AA", "MYO"])
    logits = 3 * torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    calibration.add(logits, np.random.default_rng(0).integers(0, 3, (2, 8, 8)).astype(np.uint8))
    return calibration.content()


def row_of(name, runs, structures, oracle=False):
    return calibration_row(name, oracle, runs, structures)


def test_means_over_seeds_in_percent(content):
    one = summary(content)
    other = {**one, "ece": {**one["ece"], "all": one["ece"]["all"] + 0.1}}
    rows = [
        row_of("ours", {0: one, 1: other}, ["AA", "MYO"]),
        row_of("bound", {0: one}, ["AA", "MYO"], oracle=True),
        row_of("none", {0: None}, ["AA", "MYO"]),
    ]
    (table,) = calibration_table(rows, ["AA", "MYO"])
    ours, bound = table.rows
    titles = [column.header for column in table.columns]
    assert titles[1:5] == ["ECE, foreground", "ECE, AA", "ECE, MYO", "ECE, all voxels"]
    assert ours[4].sort == pytest.approx(100 * content["all"]["ece"] + 5)
    assert (bound[0].mark, ours[0].mark) == ("oracle", "")
    assert ours[2].sort == pytest.approx(100 * content["structures"]["AA"]["ece"])
    assert ours[-2].sort == pytest.approx(100 * content["confident_errors"]["of_errors"])
    assert len(table.columns) == len(ours)


def test_the_notes_are_those_of_the_files(content):
    (table,) = calibration_table([row_of("ours", {0: summary(content)}, ["AA"])], ["AA"])
    said = calibration_markdown([row_of("ours", {0: summary(content)}, ["AA"])], ["AA"], ("ct", "mri"))
    assert table.notes and all(note in said for note in table.notes)


def test_nothing_was_scored():
    assert calibration_table([row_of("ours", {0: None}, ["AA"])], ["AA"]) == []


def test_a_structure_that_the_reference_does_not_know(content):
    (table,) = calibration_table([row_of("ours", {0: summary(content)}, ["AA", "RV"])], ["AA", "RV"])
    assert table.rows[0][3].text == "–"


def test_one_diagram_a_region_with_its_error(content):
    charts = calibration_figures(content)
    assert [chart.title.split(",")[0] for chart in charts] == ["foreground", "all voxels", "AA", "MYO"]
    assert charts[1].title == f"all voxels, ECE {100 * content['all']['ece']:.1f} %"
    filled = [one for one in content["all"]["bins"] if one["count"]]
    assert len(charts[1].bars) == len(filled)
    assert charts[1].description.count("certain") == len(filled)


def test_masks_over_training():
    right, reliable = np.array([True, True, False, False]), np.array([True, False, True, False])
    figures = mask_figures(right, reliable)
    nothing = mask_figures(right[:0], reliable[:0])
    candidates = [{"name": "a", "updates": n, "all": figures, "foreground": nothing} for n in (4, 8)]
    charts = mask_charts({"mark": "m", "slices": 2, "candidates": candidates})
    assert len(charts) == 5
    assert "reliable, all: from 50 to 50 between updates 4 and 8" in charts[0].description
    assert "foreground" not in charts[0].description
