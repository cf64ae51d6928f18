import csv
import json

import pytest

from seasa_da.comparison.oracle_report import oracle_gap
from seasa_da.comparison.report import make_report, written_files
from seasa_da.errors import UserError


def judged(comparison, row, seed=0, *, dice=(50.0, 60.0, 40.0), im=(1.0, 3.0, 2.0), by="im"):
    """A finished run whose three checkpoints a validator and the truth have scored."""
    path = comparison.finish(row, seed, dice=dice[1])
    names = [f"000-adapt-0000000{number}" for number in range(3)]
    scores = [{"im": value, "source-dice": None} for value in im]
    found = [{"name": name, "updates": 1, "scores": one} for name, one in zip(names, scores, strict=True)]
    (path / "validation.json").write_text(json.dumps({"by": by, "selected": names[1], "candidates": found}))
    truth = [{"name": name, "updates": 1, "dice": {"mean": value}} for name, value in zip(names, dice, strict=True)]
    (path / "oracle.json").write_text(json.dumps({"mark": "oracle", "candidates": truth, "best": names[1]}))
    return path


def test_nothing_without_an_oracle(toy):
    comparison = toy()
    comparison.finish("ours")
    assert oracle_gap(comparison.folder, comparison.plan, comparison.plan.directions[0]) is None
    (report,) = make_report(comparison.folder, comparison.manifest, comparison.common, None)
    assert report.oracle is None and not any("oracle" in end for end in report.files)


def test_rows_and_agreement(toy):
    comparison = toy("supervised,source-only,ours", seeds=(0, 1))
    judged(comparison, "ours", 0, im=(3.0, 1.0, 2.0))
    judged(comparison, "ours", 1)
    judged(comparison, "supervised", dice=(90.0, 80.0, 70.0))
    comparison.finish("source-only")
    gap = oracle_gap(comparison.folder, comparison.plan, comparison.plan.directions[0])
    assert gap.validators == ("im", "source-dice") and gap.by == ("im",)
    assert [(row.name, row.oracle, row.seeds) for row in gap.rows] == [
        ("supervised", True, [0]),
        ("ours", False, [0, 1]),
    ]
    ours = gap.rows[1]
    assert ours.by == {"last": 40.0, "im": 55.0, "source-dice": None}
    assert (ours.selected, ours.best, ours.gap) == (55.0, 60.0, 5.0)
    # the upper bound, which saw target labels, does not count
    assert gap.agreement["im"].runs == 2 and gap.agreement["im"].dice == 55.0 and gap.agreement["last"].worst == 20.0


def test_its_files_join_the_tables(toy):
    comparison = toy()
    judged(comparison, "ours")
    reports = make_report(comparison.folder, comparison.manifest, comparison.common, None)
    files = {file.name: file for file in written_files(comparison.folder, reports)}
    text = files["ct-to-mri-oracle.md"].read_text()
    assert "| ours | 60.0 | 60.0 | 0.0 | 40.0 | 60.0 | – |" in text
    assert "nobody may choose by" in text
    rows = {row["choice"]: row["dice"] for row in csv.DictReader(files["ct-to-mri-oracle.csv"].open())}
    assert rows == {"result": "60.0", "oracle": "60.0", "last": "40.0", "im": "60.0", "source-dice": ""}
    content = json.loads(files["ct-to-mri-oracle.json"].read_text())
    assert content["by"] == "im" and content["rows"][0]["gap"] == 0.0
    assert reports[0].oracle.screen()[0].row_count == 1


def test_damage_is_named(toy):
    comparison = toy()
    path = judged(comparison, "ours")
    (path / "oracle.json").write_text(json.dumps({"candidates": []}))
    with pytest.raises(UserError, match=r"oracle\.json does not fit"):
        oracle_gap(comparison.folder, comparison.plan, comparison.plan.directions[0])
