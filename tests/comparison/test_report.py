import csv
import json
from dataclasses import replace

from seasa_da.comparison.report import make_report, written_files


def report_of(comparison, reference=None):
    return make_report(comparison.folder, comparison.manifest, comparison.common, reference)


def test_every_kind_of_table_is_there(toy):
    comparison = toy("ours,adaoutput+se,source-only", seeds=(0, 1))
    for seed in (0, 1):
        comparison.finish("ours", seed, dice=70.0 + seed)
    comparison.finish("source-only", 0, dice=30.0)
    comparison.place("adaoutput+se", 1).note_failure("died")
    reports = report_of(comparison)
    files = written_files(comparison.folder, reports)
    assert [file.name for file in files] == [
        *(f"ct-to-mri{kind}" for kind in (".md", ".tex", ".csv", ".json", "-per-case.csv")),
        "comparison.png",
    ]
    assert all(file.stat().st_size for file in files)
    text = files[0].read_text()
    assert text.index("source-only") < text.index("ours") < text.index("adaoutput+se")
    assert "70.5** ± 0.7" in text and "seed 1: died" in text
    content = json.loads(files[3].read_text())
    assert content["failed"] == [{"row": "adaoutput+se", "seed": 1, "reason": "died"}]
    assert content["missing"] == [{"row": "source-only", "seed": 1}, {"row": "adaoutput+se", "seed": 0}]
    assert [row["name"] for row in content["rows"]] == ["source-only", "ours", "adaoutput+se"]
    rows = list(csv.DictReader(files[2].open()))
    assert {row["method"]: row["state"] for row in rows}["adaoutput+se"] == "failed"


def test_the_same_runs_give_the_same_tables(toy):
    comparison = toy()
    comparison.finish("ours")
    comparison.finish("source-only", dice=20.0)
    first = [file.read_bytes() for file in written_files(comparison.folder, report_of(comparison))]
    assert [file.read_bytes() for file in written_files(comparison.folder, report_of(comparison))] == first


def test_what_another_command_added_meanwhile_stays_in_the_tables(toy):
    comparison = toy("source-only,ours")
    toy("adaoutput", seeds=(1,)).finish("adaoutput", 1, dice=40.0)
    comparison.finish("ours")
    (report,) = report_of(comparison)  # of a command that knows nothing of adaoutput and seed 1
    assert [row.name for row in report.comparison.rows] == ["source-only", "adaoutput", "ours"]
    assert ("ours", 1) in report.found.missing
    assert "| adaoutput | 40.0 |" in (comparison.folder / "ct-to-mri.md").read_text()


def test_the_papers_figures_beside(toy):
    comparison = toy()
    comparison.finish("ours")
    report = report_of(comparison, "paper")[0]
    assert report.shown["published"]["ours"]["dice"]["mean"] == 69.9
    assert "another data set" in (comparison.folder / "ct-to-mri.md").read_text()
    comparison.common = replace(comparison.common, data="/data/of/the/user")
    (own,) = report_of(comparison, "paper")
    assert own.shown["published"] and not own.shown["other_data"]
