import io

import pytest
from rich.console import Console

from seasa_da.reporting.ablation_table import DICE_ALONE, ablation_table

from .ablations import DIRECTION, FAILURES, ablation
from .test_comparison_table import rows


def printed(number, width, direction=DIRECTION, **more):
    console = Console(file=io.StringIO(), width=width)
    console.print(ablation_table(*ablation(number), direction, failures=FAILURES, width=width, **more))
    return console.file.getvalue()


def test_a_wide_screen():
    text = printed(2, 120, reference=True, other_data=True)
    assert "Table 2, key components: ct → mri" in text
    found = {row[0]: row[1:] for row in rows(text)}
    assert found["adaoutput"] == ["✓", "", "", "65.0 ± 2.0", "[64.0, 66.0]", "0.250", "3.5 ± 0.2", "61.9"]
    assert found["adaoutput+asa (failed)"] == ["✓", "", "✓", "–", "–", "–", "–", "64.5"]
    assert found["ours"][:3] == ["✓"] * 3 and found["ours"][5] == "–"
    assert "adaoutput+asa failed: seed 0: the accelerator ran out of memory." in text
    assert "paper: mean Dice published on MM-WHS, another data set." in text


def test_words():
    assert [row[1:3] for row in rows(printed(3, 120))] == [
        ["all pixels", "none"],
        ["reliable", "none"],
        ["reliable", "unreliable"],
    ]
    assert [row[1] for row in rows(printed(4, 120))] == ["not removed", "removed"]


def test_the_papers_figures_where_it_has_some():
    assert "66.5" in printed(4, 120, reference=True)
    assert all("paper" not in text for text in (printed(4, 120), printed(4, 120, ("mri", "ct"), reference=True)))


@pytest.mark.parametrize("number", [2, 3, 4])
@pytest.mark.parametrize("width", [120, 100, 80, 60])
def test_nothing_is_cut_off_or_in_pieces(number, width):
    text = printed(number, width, reference=True)
    assert max(map(len, text.splitlines())) <= width and "…" not in text
    words = text.split()
    table, _ = ablation(number)
    assert all(name in words for name in table.rows) and all(column.split()[-1] in text for column in table.columns)
    assert {"75.0", "69.9"} <= set(words)


def test_the_dice_alone_rather_than_words_in_pieces():
    text = printed(2, 60, reference=True)
    assert DICE_ALONE[:20] in text and "3.5" not in text and "95 %:" in text
    assert DICE_ALONE[:20] not in printed(2, 80, reference=True)
