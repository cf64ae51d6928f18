import io
import re

import pytest
from rich.console import Console

from seasa_da.evaluation.statistics import MethodRuns, compare_methods
from seasa_da.reporting.comparison_table import comparison_table
from seasa_da.reporting.published import PAPER_ORDER, PUBLISHED

from .comparisons import FAILURES, NAMES, comparison, runs

DIRECTION = ("ct", "mri")


def printed(done, width, print_width=None, styles=False, **more):
    console = Console(file=io.StringIO(), width=print_width or width, force_terminal=styles)
    console.print(comparison_table(done, NAMES, DIRECTION, failures=FAILURES, width=width, **more))
    return console.file.getvalue()


def rows(text):
    return [[cell.strip() for cell in line[1:-1].split("│")] for line in text.splitlines() if line.startswith("│")]


def joined(text):
    """Rows with values; where one takes several lines, they are put together again."""
    whole = []
    for row in rows(text):
        if row[0].startswith("(") or not row[0]:
            whole[-1] = [f"{one} {more}".strip() for one, more in zip(whole[-1], row, strict=True)]
        elif any(row[1:]):
            whole.append(row)
    return [[re.sub(r"\(?(\d+ und\.)\)?", r"\1", cell) for cell in row] for row in whole]


def test_a_wide_screen():
    text = printed(comparison(), 120)
    assert "ct → mri" in text and max(map(len, text.splitlines())) <= 120
    table = {row[0]: row for row in rows(text)[:7]}
    assert table["ours"][1:6] == ["73.5 ± 2.0", "74.5 ± 2.0", "75.5 ± 2.0", "76.5 ± 2.0", "75.0 ± 2.0"]
    assert table["adaoutput"][-1] == "0.375" and table["ours"][-1] == "–"
    assert {"Dice [%], higher is better", "supervised (oracle)", "crst (failed)", "ebm (not yet run)"} <= table.keys()
    assert table["crst (failed)"][1:] == ["–"] * 7
    assert text.count("(6 und.)") == 2
    assert "crst failed: the accelerator ran out of memory." in text


def test_a_narrow_screen_says_the_same():
    text = printed(comparison(), 80)
    assert max(map(len, text.splitlines())) <= 80 and "…" not in text
    assert joined(text) == joined(printed(comparison(), 120))
    assert len(joined(text)) == 2 * 6


@pytest.mark.parametrize("width", [120, 100, 80, 40])
def test_nothing_is_cut_off(width):
    named = [MethodRuns(name, name == "supervised", runs(50.0, undefined=4)) for name in PAPER_ORDER]
    named.append(MethodRuns("a method [of] an uncommonly long name", False, {}))
    text = printed(compare_methods(named, NAMES), width, published=PUBLISHED[DIRECTION])
    assert max(map(len, text.splitlines())) <= width and "…" not in text
    together = "".join(cell for row in rows(text) for cell in row[:1]).replace(" ", "")
    for part in ("amethod[of]anuncommonlylongname", "pnp-adanet", "source-only", "paper"):
        assert part in together, part


@pytest.mark.parametrize("width", [70, 60, 50])
def test_the_mean_alone_rather_than_words_in_pieces(width):
    text = printed(comparison(), width, published=PUBLISHED[DIRECTION])
    table = joined(text)
    assert max(map(len, text.splitlines())) <= width and "The means alone" in text
    assert len(table) == 2 * 12
    found = {row[0]: row[1:] for row in table[:12]}
    assert found["ours"] == ["75.0 ± 2.0", "[74.0, 76.0]", "–"]
    assert {"supervised (oracle)", "crst (failed)", "ebm (not yet run)", "paper"} <= found.keys()


def test_a_long_name_is_folded_before_structures_are_left_out():
    named = [MethodRuns("a method of an uncommonly long name", False, runs(50.0))]
    assert "The means alone" not in printed(compare_methods(named, NAMES), 80)


def test_a_screen_narrower_than_told_is_folded():
    text = printed(comparison(), 120, print_width=80)
    assert max(map(len, text.splitlines())) <= 80 and "…" not in text


def test_best_is_bold():
    text = printed(comparison(), 120, styles=True)
    assert "\x1b[1m73.5\x1b[0m ± 2.0" in text
    assert "\x1b[1m88.5" not in text  # the oracle's


def test_one_seed_and_nobody_to_test_against():
    done = compare_methods([MethodRuns("a", False, runs(60.0, seeds=1, cases=1))], NAMES)
    text = printed(done, 120, units="voxel")
    assert rows(text)[1] == ["a", "60.0", "61.0", "62.0", "63.0", "61.5", "–"]
    assert "ASD [voxel]" in text and "±" not in text and "p" not in text.splitlines()[2].split("┃")[-2]
    printed(compare_methods([], NAMES), 120)


def test_the_papers_figures():
    text = printed(comparison(), 120, published=PUBLISHED[DIRECTION], other_data=True)
    table = rows(text)
    ours = [row[0] for row in table].index("ours")
    assert table[ours + 1] == ["paper", "68.3", "74.6", "81.0", "55.9", "69.9", "", ""]
    assert "paper: published on MM-WHS, another data set; its ASD is in voxels, not mm." in text
