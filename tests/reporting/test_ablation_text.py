import csv
import io

import pytest

from seasa_da.reporting.ablation_text import ablation_csv, ablation_markdown

from .ablations import DIRECTION, FAILURES, ablation
from .test_comparison_text import tables


def test_markdown_with_check_marks():
    text = ablation_markdown(*ablation(2), DIRECTION, failures=FAILURES, reference=True, other_data=True)
    (table,) = tables(text)
    assert table[0] == ["Row", "Adversary", "SE", "ASA", r"Dice \[%\]", "95 %", "p", r"ASD \[mm\]", "paper"]
    assert table[1] == [*["---"] * 4, *["---:"] * 5]
    rows = {row[0]: row[1:] for row in table[2:]}
    assert {name: row[:3] for name, row in rows.items()} == {
        "adaoutput": ["✓", "", ""],
        "adaoutput+se": ["✓", "✓", ""],
        "adaoutput+asa (failed)": ["✓", "", "✓"],
        "ours": ["✓", "✓", "✓"],
    }
    assert rows["ours"][3] == "**75.0** ± 2.0" and rows["ours"][5:] == ["–", "**2.5** ± 0.2", "69.9"]
    assert rows["adaoutput+asa (failed)"][3:] == ["–", "–", "–", "–", "64.5"]
    assert text.startswith("### Table 2, key components: ct → mri\n\n| Row |")
    assert text.endswith("\n- paper: mean Dice published on MM-WHS, another data set.\n")


def test_markdown_of_the_other_tables():
    (table,) = tables(ablation_markdown(*ablation(3), DIRECTION))
    assert [row[:3] for row in table[2:]] == [
        ["se-all", "all pixels", "none"],
        ["se-reliable", "reliable", "none"],
        ["ours", "reliable", "unreliable"],
    ]
    (table,) = tables(ablation_markdown(*ablation(4), DIRECTION))
    assert [row[:3] for row in table[2:]] == [
        ["asa-all", "not removed", "71.0 ± 2.0"],
        ["ours", "removed", "**75.0** ± 2.0"],
    ]


def test_the_paper_has_one_direction():
    text = ablation_markdown(*ablation(4), ("mri", "ct"), reference=True)
    assert "paper" not in text
    assert "paper" not in ablation_markdown(*ablation(4), DIRECTION)


def test_small_p_is_no_tag():
    assert "| &lt;0.001 |" in ablation_markdown(*ablation(4, cases=20), DIRECTION)


def read(text):
    return {row["row"]: row for row in csv.DictReader(io.StringIO(text))}


def test_csv():
    table, done = ablation(2)
    rows = read(ablation_csv(table, done, DIRECTION, failures=FAILURES, reference=True, other_data=True))
    assert list(rows) == list(table.rows)
    se = rows["adaoutput+se"]
    assert (se["source"], se["target"], se["state"]) == ("ct", "mri", "done")
    assert (se["adversary"], se["se"], se["asa"]) == ("True", "True", "False")
    assert (float(se["dice_mean"]), float(se["dice_std"]), float(se["asd_mean"])) == (70.0, 2.0, 3.0)
    assert float(se["asd_std"]) == pytest.approx(0.2)
    assert (float(se["dice_ci_low"]), float(se["dice_ci_high"])) == done.rows[1].dice.interval
    assert (se["dice_p"], se["dice_p_holm"], se["seeds"], se["cases"]) == ("0.125", "0.25", "0 1 2", "4")
    assert (se["asd_undefined"], se["asd_undefined_of"]) == ("0", "48")
    assert (se["published_dice"], se["other_data"]) == ("65.1", "True")
    failed = rows["adaoutput+asa"]
    assert failed["state"] == "failed" and failed["dice_mean"] == failed["dice_p"] == failed["asd_undefined"] == ""
    assert rows["ours"]["dice_p"] == ""


def test_csv_of_the_other_tables_and_without_the_papers_figures():
    rows = read(ablation_csv(*ablation(3), DIRECTION))
    assert [(row["entmin"], row["entmax"]) for row in rows.values()] == [
        ("all pixels", "none"),
        ("reliable", "none"),
        ("reliable", "unreliable"),
    ]
    rows = read(ablation_csv(*ablation(4), ("mri", "ct"), reference=True, other_data=True))
    assert [row["unreliable_pixels"] for row in rows.values()] == ["not removed", "removed"]
    assert {row["published_dice"] + row["other_data"] for row in rows.values()} == {""}
