from dataclasses import asdict

from reporting.ablations import DIRECTION, ablation
from reporting.comparisons import NAMES
from seasa_da.reporting.page.ablation import ablation_tables


def content():
    tables = {}
    for number in (2, 3):
        tables[str(number)] = asdict(ablation(number)[1])
    return {"class_names": NAMES, "units": "mm", "against": "ours", "rows": [], "tables": tables}


def test_one_table_a_table_of_the_papers_with_its_marks():
    two, three = ablation_tables(content(), DIRECTION)
    assert two.caption == "Table 2 of the paper, key components: ct to mri"
    assert [column.header for column in two.columns][:4] == ["Row", "Adversary", "SE", "ASA"]
    assert [cell.text for cell in two.rows[1]][:5] == ["adaoutput+se", "✓", "✓", "–", "70.0"]
    assert three.rows[1][1].text == "reliable"


def test_the_mean_dice_is_sorted_as_a_number_and_a_missing_row_has_none():
    two, _ = ablation_tables(content(), DIRECTION)
    place = [column.header for column in two.columns].index("Dice [%]")
    values = {row[0].text: row[place].sort for row in two.rows}
    assert values["adaoutput"] == 65.0
    assert values["adaoutput+asa"] is None
    assert [row[0].text for row in two.rows if row[place].best] == ["ours"]


def test_a_comparison_has_none():
    assert ablation_tables({"class_names": NAMES, "rows": []}, DIRECTION) == []
