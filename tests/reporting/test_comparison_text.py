import csv
import io
import re
from dataclasses import replace

from seasa_da.evaluation.scores import StructureScore
from seasa_da.evaluation.statistics import MethodRuns, compare_methods
from seasa_da.reporting.comparison_text import CSV_COLUMNS, comparison_csv, comparison_markdown, per_case_csv
from seasa_da.reporting.published import PUBLISHED

from .comparisons import FAILURES, NAMES, comparison, runs

DIRECTION = ("ct", "mri")


def tables(text):
    """Tables of a Markdown text as rows of cells; a bar after a backslash is a letter."""
    found = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        elif found[-1]:
            found.append([])
    return [table for table in found if table]


def test_markdown():
    text = comparison_markdown(comparison(), NAMES, DIRECTION, failures=FAILURES, published=PUBLISHED[DIRECTION])
    dice, asd = tables(text)
    assert dice[0] == asd[0] == ["Method", "AA", "LAC", "LVC", "MYO", "mean", "95 %", "p"]
    assert all(len(row) == 8 for row in dice + asd) and len(dice) == len(asd) == 2 + 12
    assert dice[1] == ["---", *["---:"] * 7]
    rows = {row[0]: row for row in dice}
    assert rows["ours"][1] == "**73.5** ± 2.0" and rows["supervised (oracle)"][1] == "88.5 ± 2.0"
    assert "crst (failed)" in rows and "ebm (not yet run)" in rows
    assert dice[-1] == ["*paper*", "68.3", "74.6", "81.0", "55.9", "69.9", "", ""]
    assert any("(6 und.)" in cell for row in asd for cell in row)
    assert text.startswith("### ct → mri\n\n**Dice [%], higher is better**\n\n| Method |")
    assert "\n- crst failed: the accelerator ran out of memory.\n" in text
    assert "\n- paper: published on MM-WHS; its ASD is in voxels, not mm.\n" in text
    assert text.endswith(".\n")


def test_markdown_of_other_rows_and_names():
    rows = [MethodRuns("a|b_c*", False, runs(50.0))]
    text = comparison_markdown(compare_methods(rows, NAMES), NAMES, ("x_1", "y"), failures={"q": "no\nfile|"})
    dice, _ = tables(text)
    assert all(len(row) == 7 for row in dice)  # no p: nobody to test against
    assert dice[2][0] == r"a\|b\_c\*" and r"### x\_1 → y" in text and r"- q failed: no file\|." in text
    assert comparison_markdown(compare_methods([], NAMES), NAMES, DIRECTION).endswith("|\n")


def test_small_p_is_no_tag():
    rows = [MethodRuns("a", False, runs(50.0, cases=20)), MethodRuns("ours", False, runs(60.0, cases=20))]
    assert "&lt;0.001 |" in comparison_markdown(compare_methods(rows, NAMES), NAMES, DIRECTION)


def test_csv():
    done = comparison()
    text = comparison_csv(done, NAMES, DIRECTION, failures=FAILURES)
    lines = list(csv.DictReader(io.StringIO(text)))
    assert tuple(lines[0]) == CSV_COLUMNS and len(lines) == 6 * (2 + 3) * 5
    assert all(None not in line and None not in line.values() for line in lines)
    found = {(line["method"], line["metric"], line["structure"]): line for line in lines}

    ours = found["ours", "dice", "mean"]
    assert (ours["source"], ours["target"], ours["state"], ours["oracle"]) == ("ct", "mri", "done", "False")
    assert (float(ours["mean"]), float(ours["std"]), ours["seeds"], ours["cases"]) == (75.0, 2.0, "0 1 2", "4")
    low, high = done.rows[-1].dice.interval
    assert (float(ours["ci_low"]), float(ours["ci_high"])) == (low, high)
    assert ours["p"] == ours["undefined"] == ""

    other = found["adaoutput", "asd", "mean"]
    assert (other["p"], other["p_holm"], other["undefined"], other["undefined_of"]) == ("0.125", "0.375", "0", "48")
    assert found["adaoutput", "asd", "AA"]["p"] == ""
    assert found["source-only", "asd", "AA"]["undefined"] == "6"
    assert found["crst", "dice", "mean"]["state"] == "failed" and found["ebm", "asd", "AA"]["state"] == "not yet run"
    assert found["crst", "dice", "mean"]["mean"] == found["crst", "asd", "AA"]["undefined"] == ""
    assert "nan" not in text.lower()


def test_csv_of_two_directions():
    both = comparison_csv(comparison(), NAMES, DIRECTION) + comparison_csv(
        comparison(), NAMES, ("mri", "ct"), header=False
    )
    assert [line["source"] for line in csv.DictReader(io.StringIO(both))] == ["ct"] * 150 + ["mri"] * 150


def test_every_case_of_every_run_has_its_line():
    scores = [
        StructureScore("a", "AA", 50.0, 2.5, 10, 12, 4.5, 80.0, 20.0),
        StructureScore("a", "MYO", 0.0, None, 10, 0, None, 0.0, -100.0),
    ]
    text = per_case_csv(
        [MethodRuns("ours", False, {1: scores[:1], 0: scores}), MethodRuns("crst", False, {})], ("ct", "mri")
    )
    assert text.splitlines() == [
        "source,target,method,seed,case,structure,dice,asd,voxels_truth,voxels_pred,hd95,surface_dice,volume_error",
        "ct,mri,ours,0,a,AA,50.0,2.5,10,12,4.5,80.0,20.0",
        "ct,mri,ours,0,a,MYO,0.0,,10,0,,0.0,-100.0",
        "ct,mri,ours,1,a,AA,50.0,2.5,10,12,4.5,80.0,20.0",
    ]


def test_further_metrics_in_markdown_and_csv():
    score = StructureScore("a", "AA", 50.0, 2.5, 10, 12, 4.5, 80.0, -20.0)
    rows = [MethodRuns("ours", False, {0: [score], 1: [replace(score, hd95=5.5)]})]
    old = MethodRuns("crst", False, {0: [StructureScore("a", "AA", 50.0, 2.5, 10, 12)]})
    done = compare_methods([*rows, old], ["AA"])
    text = comparison_markdown(done, ["AA"], DIRECTION)
    assert "| Method | HD95 \\[mm\\] | surface Dice at 2 mm \\[%\\] | volume error \\[%\\] |" in text
    assert "| ours | 5.0 ± 0.7 | 80.0 ± 0.0 | 20.0 ± 0.0 |" in text and "| crst | – | – | – |" in text
    lines = csv.DictReader(io.StringIO(comparison_csv(done, ["AA"], DIRECTION)))
    found = {(line["method"], line["metric"], line["structure"]): line["mean"] for line in lines}
    assert (found["ours", "hd95", "AA"], found["crst", "hd95", "AA"]) == ("5.0", "")
    missed = StructureScore("b", "AA", 0.0, None, 10, 0, None, 0.0, -100.0)
    done = compare_methods([MethodRuns("ours", False, {0: [score, missed]})], ["AA"])
    assert "| ours | 4.5 (1 und.) | 40.0 | 60.0 |" in comparison_markdown(done, ["AA"], DIRECTION)
    lines = csv.DictReader(io.StringIO(comparison_csv(done, ["AA"], DIRECTION)))
    (line,) = (line for line in lines if (line["metric"], line["structure"]) == ("hd95", "mean"))
    assert (line["undefined"], line["undefined_of"]) == ("1", "2")
    assert "Further" not in comparison_markdown(compare_methods([old], ["AA"]), ["AA"], DIRECTION)
