"""The oracle gap's two tables as cells of text, for the screen and for Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seasa_da.evaluation.oracle_gap import Agreement, GapRow
from seasa_da.reporting.comparison_lines import NOTHING

Table = tuple[list[str], list[list[str]]]
"""Header and rows; the first column is a name."""


def gap_table(rows: Sequence[GapRow], validators: Sequence[str]) -> Table:
    """A method a row: Dice [%] of the results, of what each validator would choose, of the oracle's choice."""
    header = ["Method", "result", "oracle", "gap", "last", *validators]
    lines = [
        [
            f"{row.name} (oracle)" if row.oracle else row.name,
            *(f"{value:.1f}" for value in (row.selected, row.best, row.gap)),
            *(_text(row.by.get(name)) for name in ("last", *validators)),
        ]
        for row in rows
    ]
    return header, lines


def agreement_table(found: Mapping[str, Agreement]) -> Table:
    """A validator a row: how well its choices agree with the truth."""
    header = ["Chosen by", "runs", "Dice [%]", "mean loss", "worst loss", "rank correlation"]
    lines = [
        [
            name,
            str(one.runs),
            *map(_text, (one.dice, one.regret, one.worst)),
            NOTHING if one.correlation is None else f"{one.correlation:.2f}",
        ]
        for name, one in found.items()
    ]
    return header, lines


def gap_title(direction: tuple[str, str]) -> str:
    """Over the table of methods."""
    return f"{direction[0]} → {direction[1]}: the oracle gap, mean Dice [%]"


def gap_notes(by: Sequence[str], rows: Sequence[GapRow]) -> list[str]:
    """Sentences under the tables: what is whose, and that the oracle's column is no result."""
    found = [
        f"result: the checkpoint chosen by {' or '.join(by)}, without target labels. oracle: the best one by the "
        "target's test labels, which nobody may choose by; no result.",
        "The other columns: what that validator would have chosen. Losses in percentage points of Dice; rank "
        "correlation: Spearman's, over the checkpoints of a run, mean over runs.",
    ]
    if any(row.oracle for row in rows):
        found.append("Methods that train on target labels do not count in the validators' means.")
    if any(len(row.seeds) > 1 for row in rows):
        found.append("Means over seeds.")
    return found


def _text(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1f}"
