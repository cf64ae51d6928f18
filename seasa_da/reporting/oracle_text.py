"""The oracle gap as Markdown, CSV and on the screen."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from seasa_da.evaluation.oracle_gap import Agreement, GapRow
from seasa_da.reporting.comparison_text import markdown_escaped, markdown_table
from seasa_da.reporting.oracle_lines import agreement_table, gap_notes, gap_table, gap_title

if TYPE_CHECKING:
    from rich.table import Table


def oracle_markdown(
    rows: Sequence[GapRow],
    found: Mapping[str, Agreement],
    validators: Sequence[str],
    by: Sequence[str],
    direction: tuple[str, str],
) -> str:
    """A heading, the methods' table, the validators' table, and the notes under them."""
    tables = []
    for header, lines in (gap_table(rows, validators), agreement_table(found)):
        tables.append(markdown_table(header, [[markdown_escaped(cell) for cell in line] for line in lines]))
    notes = "\n".join(f"- {markdown_escaped(note)}" for note in gap_notes(by, rows))
    return "\n\n".join([f"### {markdown_escaped(gap_title(direction))}", *tables, notes]) + "\n"


def oracle_csv(rows: Sequence[GapRow], validators: Sequence[str], direction: tuple[str, str]) -> str:
    """A line a method and choice ("result", "oracle", "last", validators) with its Dice, to the last digit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["source", "target", "method", "oracle", "seeds", "choice", "dice"])
    for row in rows:
        values = {"result": row.selected, "oracle": row.best, **{name: row.by[name] for name in ("last", *validators)}}
        for choice, dice in values.items():
            seeds = " ".join(map(str, row.seeds))
            writer.writerow([*direction, row.name, row.oracle, seeds, choice, "" if dice is None else repr(dice)])
    return text.getvalue()


def oracle_screen(
    rows: Sequence[GapRow],
    found: Mapping[str, Agreement],
    validators: Sequence[str],
    by: Sequence[str],
    direction: tuple[str, str],
) -> list[Table]:
    """Both tables for the terminal."""
    from rich.table import Table
    from rich.text import Text

    shown = []
    for title, (header, lines) in (
        (gap_title(direction), gap_table(rows, validators)),
        ("", agreement_table(found)),
    ):
        table = Table(title=Text(title) if title else None, title_justify="left", caption_justify="left")
        for place, name in enumerate(header):
            table.add_column(Text(name), justify="right" if place else "left", overflow="fold")
        for line in lines:
            table.add_row(*map(Text, line))
        shown.append(table)
    shown[-1].caption = Text("\n".join(gap_notes(by, rows)))
    return shown
