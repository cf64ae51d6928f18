"""Pages of folders made by hand; those of real runs are in tests/integration."""

import json
import re

import pytest

from inspection.runs import write_run
from seasa_da.errors import UserError
from seasa_da.inspection.page import report_page


def shown(folder, **options):
    return report_page(folder, **options).read_text(encoding="utf-8")


def test_a_run_whose_data_are_gone_shows_its_predictions_and_says_what_is_missing(tmp_path):
    run = write_run(tmp_path / "run")
    text = shown(run)
    assert (
        text.count("Predictions alone, without images, truth, entropy and unreliable pixels: the data are not at") == 1
    )
    assert text.count("Prediction of ours") >= 2
    assert 'value="errors"' not in text
    assert "80.0" in text
    assert f"seasa-da report {run}" in text
    assert (run / "report.html").is_file()
    assert not [path for path in run.iterdir() if "partial" in path.name]


def test_what_is_asked_for_bounds_the_pictures(tmp_path):
    run = write_run(tmp_path / "run")
    text = shown(run, out=tmp_path / "page.html", cases=1, slices=2)
    assert re.findall(r'data-slices="([^"]*)"', text) == ["0 5"]
    assert "data-viewer" not in shown(run, cases=0).partition("<script>")[0]


def test_an_anonymised_run_shows_neither_ids_nor_pictures_nor_paths(tmp_path):
    record = {"anonymise": True, "data": str(tmp_path / "Smith^John")}
    run = write_run(tmp_path / "run", cases=("case-01", "case-02"), record=record)
    text = shown(run)
    assert "Anonymised" in text
    assert "case-01" in text
    assert "data:image/png" not in text
    assert "Smith" not in text
    assert str(tmp_path) not in text
    assert "--data DATA" in text
    assert "--anonymise" in text


def test_a_target_without_labels(tmp_path):
    text = shown(write_run(tmp_path / "run", labelled=False))
    assert "The target has no test labels" in text
    assert "Prediction of ours" in text


def test_an_oracle_is_marked(tmp_path):
    text = shown(write_run(tmp_path / "run", method="supervised"))
    assert "oracle: trained on target labels" in text
    assert '<span class="mark">oracle</span>' in text


def test_hostile_names_are_text(tmp_path):
    run = write_run(tmp_path / "run")
    scores = json.loads((run / "per_case.json").read_text())
    scores[0]["case"] = "<script>alert(1)</script>"
    (run / "per_case.json").write_text(json.dumps(scores))
    text = shown(run)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_validators_and_the_chosen_checkpoint(tmp_path):
    chosen = {"name": "000-adapt-00000004", "stage_name": "adapt", "iteration": 4, "updates": 4}
    run = write_run(tmp_path / "run", selection="entropy", selected=chosen)
    candidates = [{**chosen, "scores": {"entropy": -0.1}}]
    validation = {"by": "entropy", "selected": chosen["name"], "candidates": candidates}
    (run / "validation.json").write_text(json.dumps(validation))
    text = shown(run)
    assert "entropy, update 4" in text
    assert "entropy (chose the result)" in text


def test_what_is_no_result_is_one_line(tmp_path):
    with pytest.raises(UserError, match="neither a run's folder"):
        report_page(tmp_path)
    with pytest.raises(UserError, match="neither a run's folder"):
        report_page(tmp_path / "nowhere")
    run = write_run(tmp_path / "run")
    with pytest.raises(UserError, match="is a folder"):
        report_page(run, tmp_path)
    with pytest.raises(UserError, match="1 or more slices"):
        report_page(run, slices=0)
    with pytest.raises(UserError, match="'fda' is no finished row here"):
        report_page(run, methods=["fda"])
    (run / "predictions" / "1001.nii.gz").write_bytes(b"no volume")
    with pytest.raises(UserError, match=r"1001\.nii\.gz is damaged"):
        report_page(run)
    (run / "metrics.json").unlink()
    with pytest.raises(UserError, match="--resume"):
        report_page(run)


def test_an_older_page_is_replaced_only_by_a_whole_one(tmp_path):
    run = write_run(tmp_path / "run")
    page = report_page(run)
    before = page.read_bytes()
    (run / "per_case.json").write_text("[")
    with pytest.raises(UserError):
        report_page(run)
    assert page.read_bytes() == before
