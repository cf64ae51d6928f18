import csv
import json

import pytest

from seasa_da.comparison.ablations import ablation_rows
from seasa_da.comparison.kinds import ABLATION
from seasa_da.comparison.manifest import extend_manifest
from seasa_da.comparison.plan import make_plan
from seasa_da.comparison.report import make_report, written_files
from seasa_da.evaluation.scores import COLUMNS

from .conftest import COMMON, DATA, Toy

MACHINE = (".csv", ".json", "-per-case.csv")


@pytest.fixture
def ablation(tmp_path):
    def make(tables=None):
        plan = make_plan(ablation_rows(tables), "ct", "mri", [0], kind=ABLATION)
        folder = tmp_path / "ablation"
        return Toy(folder, plan, extend_manifest(folder, COMMON, plan, {"ct to mri": DATA}))

    return make


def report_of(toy, reference=None):
    return make_report(toy.folder, toy.manifest, toy.common, reference)


def score(toy, row, dice):
    """A finished run of six cases, each with another Dice around this one."""
    path = toy.finish(row)
    lines = [f"{case},AA,{dice + case},1.5,10,10,2.5,90.0,0.0" for case in range(6)]
    (path / "per_case.csv").write_text("\n".join([",".join(COLUMNS), *lines, ""]))


def test_a_table_of_its_own_for_each_of_the_papers(ablation):
    toy = ablation()
    for place, row in enumerate(("adaoutput", "adaoutput+se", "se-all", "se-reliable", "asa-all", "ours")):
        score(toy, row, 40.0 + 5 * place)
    toy.place("adaoutput+asa").note_failure("died")
    (report,) = reports = report_of(toy)
    files = {path.name: path.read_text() for path in written_files(toy.folder, reports)[:-1]}
    assert list(files) == [
        *(f"ct-to-mri{end}" for end in MACHINE),
        *(f"ct-to-mri-table-{number}.{end}" for number in (2, 3, 4) for end in ("md", "tex", "csv")),
    ]
    assert (toy.folder / "comparison.png").stat().st_size
    assert "| se-all | all pixels | none | 52.5 |" in files["ct-to-mri-table-3.md"]
    assert "died" in files["ct-to-mri-table-2.md"] and "died" not in files["ct-to-mri-table-3.md"]

    content = json.loads(files["ct-to-mri.json"])
    assert [row["name"] for row in content["rows"]] == [row.name for row in toy.plan.rows]
    # Wilcoxon on six cases that all differ alike gives 2 / 2^6, times the rows that are tested in the same table.
    adjusted = {
        number: {row["name"]: row["dice"]["p_holm"] for row in table["rows"]}
        for number, table in content["tables"].items()
    }
    smallest = 2 / 2**6
    assert adjusted == {
        "2": {"adaoutput": 2 * smallest, "adaoutput+se": 2 * smallest, "adaoutput+asa": None, "ours": None},
        "3": {"se-all": 2 * smallest, "se-reliable": 2 * smallest, "ours": None},
        "4": {"asa-all": smallest, "ours": None},
    }
    rows = {row["row"]: row for row in csv.DictReader(files["ct-to-mri-table-4.csv"].splitlines())}
    assert float(rows["asa-all"]["dice_p_holm"]) == smallest
    assert len(report.screen(80)) == 3


def test_tables_that_were_not_asked_for_are_not_made(ablation):
    toy = ablation([4])
    toy.finish("ours")
    reports = report_of(toy)
    names = [path.name for path in written_files(toy.folder, reports)]
    assert names[3:] == [*(f"ct-to-mri-table-4.{end}" for end in ("md", "tex", "csv")), "comparison.png"]
    assert not list(toy.folder.glob("*table-[23]*")) and len(reports[0].screen(80)) == 1
    # A later command, which asks for another, leaves the first one's in the tables.
    reports = report_of(ablation([3]))
    assert [table.number for table, _ in reports[0].tables] == [3, 4]
    assert reports[0].found.missing == [("se-all", 0), ("se-reliable", 0), ("asa-all", 0)]


def test_the_papers_figures_beside(ablation):
    toy = ablation([4])
    toy.finish("ours")
    report_of(toy, "paper")
    text = (toy.folder / "ct-to-mri-table-4.md").read_text()
    assert "| asa-all (not yet run) | not removed | – | – | – | – | 66.5 |" in text
    assert "published on MM-WHS, another data set" in text
    report_of(toy)
    assert "66.5" not in (toy.folder / "ct-to-mri-table-4.md").read_text()
