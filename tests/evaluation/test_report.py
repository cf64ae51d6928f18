import json

import pytest

from seasa_da.errors import UserError
from seasa_da.evaluation.case_names import case_names
from seasa_da.evaluation.evaluate import Evaluation
from seasa_da.evaluation.files import FileEvaluation
from seasa_da.evaluation.report import full_content, write_report
from seasa_da.evaluation.scores import StructureScore, read_scores, summarise
from seasa_da.evaluation.structures import Structures

SCORES = [StructureScore("p1", "AA", 80.0, 1.0, 10, 10), StructureScore("p2", "AA", 0.0, None, 10, 0)]
FILES = FileEvaluation("mm", Structures({"AA": 820}, (255,), "x"), SCORES, summarise(SCORES, ["AA"]), ("a note",))


def test_a_report_holds_summary_and_cases(tmp_path):
    write_report(tmp_path / "out", FILES)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["out", "per_case.csv", "per_case.json", "summary.json"]
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == {
        "structures": {"AA": 820},
        "ignored_values": [255],
        "units": "mm",
        "tolerance_mm": 2.0,
        "cases": 2,
        "dice": {"AA": 40.0, "mean": 40.0},
        "asd": {"AA": 1.0, "mean": 1.0},
        "asd_undefined": {"AA": 1},
        **{metric: {"AA": None, "mean": None} for metric in ("hd95", "surface_dice", "volume_error")},
        "hd95_undefined": {"AA": None},
        "notes": ["a note"],
    }
    assert read_scores(tmp_path / "out" / "per_case.csv") == SCORES
    assert json.loads((tmp_path / "out" / "per_case.json").read_text()) == full_content(FILES)["per_case"]


def test_without_labels_it_is_all_null(tmp_path):
    nothing = Evaluation("mri", "test", "voxel", False, [], summarise([], ["AA"]))
    write_report(tmp_path / "out", nothing)
    content = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert content["domain"] == "mri" and content["labelled"] is False and content["cases"] == 0
    assert content["dice"] == {"AA": None, "mean": None}


def test_nothing_is_half_written(tmp_path, monkeypatch):
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        write_report(tmp_path / "used", FILES)

    def full_disk(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("seasa_da.evaluation.report.write_json_atomic", full_disk)
    with pytest.raises(UserError, match=r"out: No space left"):
        write_report(tmp_path / "out", FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["used"]


def test_case_names():
    assert case_names(["b", "a"], anonymise=False) == {"b": "b", "a": "a"}
    assert case_names(["b", "a"], anonymise=True) == {"b": "case-01", "a": "case-02"}
