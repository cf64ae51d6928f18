from dataclasses import asdict

import pytest

from reporting.comparisons import NAMES, comparison
from seasa_da.reporting.page.results import (
    comparison_case_table,
    comparison_tables,
    run_case_table,
    run_table,
)


def content(**more):
    return {
        "class_names": NAMES,
        "units": "mm",
        **asdict(comparison()),
        "failed": [{"row": "crst", "seed": 0, "reason": "out of memory"}],
        "missing": [{"row": "ebm", "seed": 0}],
        **more,
    }


def column(table, header):
    place = [column.header for column in table.columns].index(header)
    return {row[0].text: row[place] for row in table.rows}


def test_values_with_their_spread_and_sorting_keys():
    dice, asd = comparison_tables(content())
    mean = column(dice, "AA")
    assert mean["ours"].text == "73.5"
    assert mean["ours"].note == "± 2.0"
    assert mean["ours"].sort == pytest.approx(73.5)
    assert mean["crst"].sort is None
    assert mean["crst"].text == "–"
    assert asd.caption == "ASD [mm], lower is better"
    assert column(asd, "AA")["source-only"].note.endswith("(6 und.)")


def test_the_best_is_no_oracle_and_leaves_nothing_out():
    dice, asd = comparison_tables(content())
    best = {name for name, cell in column(dice, "mean").items() if cell.best}
    assert best == {"ours"}
    assert not column(asd, "mean")["source-only"].best


def test_marks_of_rows():
    names = {row[0].text: row[0].mark for row in comparison_tables(content())[0].rows}
    assert names["supervised"] == "oracle"
    assert names["crst"] == "failed"
    assert names["ebm"] == "not yet run"


def test_intervals_sort_by_their_lower_end_and_p_values_by_number():
    dice, _ = comparison_tables(content())
    cell = column(dice, "95 %")["ours"]
    assert cell.sort == pytest.approx(float(cell.text.split(" to ")[0]), abs=0.051)
    assert column(dice, "p")["ours"].sort is None
    assert isinstance(column(dice, "p")["adaoutput"].sort, float)


def test_notes_say_what_failed_and_what_is_missing():
    notes = comparison_tables(content())[-1].notes
    assert "crst, seed 0, failed: out of memory" in notes
    assert "Not yet run: ebm (seed 0)." in notes


def test_further_metrics_get_tables_of_their_own():
    made = content()
    for row in made["rows"]:
        row["further"] = {"hd95": row["asd"]["structures"], "surface_dice": row["dice"]["structures"]}
    tables = comparison_tables(made)
    assert [table.caption for table in tables[2:]] == [
        "HD95 [mm], lower is better",
        "Surface Dice at 2 mm [%], higher is better",
    ]
    assert all(any(cell.best for row in table.rows for cell in row) for table in tables)


def test_a_distance_that_leaves_something_out_is_not_best():
    made = content()
    for place, row in enumerate(made["rows"]):
        row["further"] = {"hd95": {key: {"mean": 1.0 + place, "std": None} for key in ("AA", "mean")}}
        row["hd95_undefined"] = {"AA": 1, "mean": 1}
    hd95 = comparison_tables(made)[2]
    assert not any(cell.best for row in hd95.rows for cell in row)
    assert column(hd95, "AA")["ours"].note == "(1 und.)"


def test_what_nobody_looked_at_has_no_table():
    made = content()
    for row in made["rows"]:
        row["further"] = {"hd95": {"AA": {"mean": None, "std": None}}}
    assert len(comparison_tables(made)) == 2


def test_a_target_without_labels():
    metrics = {"dice": {"AA": None, "mean": None}, "asd": {"AA": None, "mean": None}, "asd_undefined": {"AA": None}}
    table = run_table({"ours": metrics}, ["AA"], "mm", oracle=False)
    assert [[cell.text for cell in row] for row in table.rows] == [["AA", "–", "–"], ["mean", "–", "–"]]
    assert run_case_table("c1", []) is None
    assert comparison_case_table("c1", {"ours": []}, ["AA"], []) is None


def test_a_run_beside_its_reference():
    one = {"dice": {"AA": 50.0, "mean": 50.0}, "asd": {"AA": 2.0, "mean": 2.0}, "asd_undefined": {"AA": 1}}
    table = run_table({"ours": one, "without": one}, ["AA"], "voxel", oracle=True)
    assert [column.header for column in table.columns][1:3] == ["ours: Dice [%]", "ours: ASD [voxel]"]
    assert "oracle" in table.caption
    assert table.rows[1][2].note == "(1 und.)"


def test_cases_are_means_over_seeds_of_what_is_defined():
    lines = [
        {"case": "c1", "structure": "AA", "dice": 40.0, "asd": None},
        {"case": "c1", "structure": "AA", "dice": 60.0, "asd": 3.0},
        {"case": "c1", "structure": "MYO", "dice": 80.0, "asd": 1.0},
        {"case": "c2", "structure": "AA", "dice": 0.0, "asd": None},
    ]
    table = comparison_case_table("c1", {"ours": lines, "other": lines[3:]}, ["AA", "MYO"], ["ours"])
    (row,) = table.rows
    assert [cell.sort for cell in row[1:]] == [50.0, 80.0, 65.0, 2.0]
    assert (row[0].mark, row[-1].note) == ("oracle", "(1 und.)")
