import csv

import pytest

from seasa_da.comparison.calibration_report import calibration_rows
from seasa_da.comparison.report import make_report, written_files


def said(foreground, structure=0.25, of_errors=0.5):
    return {
        "ece": {"all": 0.01, "foreground": foreground, "AA": structure},
        "confident_errors": {"of_errors": of_errors, "of_confident": 0.02},
        "entropy": {"right": 0.1, "wrong": 0.3},
    }


def tables(comparison):
    reports = make_report(comparison.folder, comparison.manifest, comparison.common, None)
    return reports[0], {file.name: file for file in written_files(comparison.folder, reports)}


def test_means_over_seeds_and_nothing_for_who_did_not_look(toy):
    comparison = toy("supervised,source-only,ours", seeds=(0, 1))
    comparison.finish("ours", 0, calibration=said(0.1))
    comparison.finish("ours", 1, calibration=said(0.2))
    comparison.finish("source-only", calibration=None)
    comparison.finish("supervised", calibration=said(0.05, of_errors=None))
    report, files = tables(comparison)
    supervised, source_only, ours = calibration_rows(report.found)
    assert ours.errors["foreground"].mean == pytest.approx(0.15)
    assert ours.errors["foreground"].std == pytest.approx(0.0707, abs=1e-4)
    assert source_only.seeds == [] and source_only.errors["all"].mean is None
    assert supervised.confident_of_errors.mean is None
    text = files["ct-to-mri-calibration.md"].read_text()
    assert "| supervised (oracle) | 5.0 | 25.0 | 1.0 | – | 2.0 |" in text
    assert "| source-only | – | – | – | – | – |" in text
    assert "| ours | 15.0 ± 7.1 | 25.0 ± 0.0 | 1.0 ± 0.0 | 50.0 ± 0.0 | 2.0 ± 0.0 |" in text
    rows = list(csv.DictReader(files["ct-to-mri-calibration.csv"].open()))
    found = {(row["method"], row["measure"], row["region"]): row["mean"] for row in rows}
    assert float(found["ours", "ece", "foreground"]) == pytest.approx(0.15)
    assert found["supervised", "confident_of_errors", "all"] == ""


def test_no_file_where_nothing_is_known(toy):
    comparison = toy()
    comparison.finish("ours")
    assert not any("calibration" in name for name in tables(comparison)[1])
