"""An ablation table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from seasa_da.evaluation.comparison import Comparison
from seasa_da.reporting.ablation_lines import (
    CHECK,
    AblationLine,
    ablation_header,
    ablation_lines,
    ablation_notes,
    ablation_title,
)
from seasa_da.reporting.comparison_table import screen_cell
from seasa_da.reporting.published_ablations import AblationTable, Mark


def ablation_table(
    table: AblationTable,
    comparison: Comparison,
    direction: tuple[str, str],
    *,
    failures: Mapping[str, str] | None = None,
    reference: bool = False,
    other_data: bool = False,
    units: str = "mm",
    width: int = 120,
) -> Table:
    """A line a row: what it has, its mean Dice with interval and p, its mean ASD, and the paper's Dice.

    Args:
        table: which of the paper's.
        comparison: of the table's rows, in their order.
        direction: (source, target).
        failures: why a row has no result, by its name.
        reference: show the paper's figures, of the directions that it has.
        other_data: ours are known to be of another data set than the paper's, as the phantom's are.
        units: of the ASD, "mm" or "voxel".
        width: columns of the terminal; where a value does not fit on one line, its parts are set below one another.

    What cannot be said shows as "–"; nothing is cut off, whatever the width.
    """
    failures, published = failures or {}, table.published.get(direction) if reference else None
    header = ablation_header(table, published, units)
    lines = ablation_lines(table, comparison, failures=failures, published=published)
    below = ablation_notes(comparison, failures=failures, published=published, other_data=other_data)
    shown = Table()
    for joint, lean in ((" ", False), ("\n", False), ("\n", True)):
        # Text, not markup: "[mm]" would be taken for a style.
        title = Text(ablation_title(table, direction))
        shown = Table(title=title, title_justify="left", caption_justify="left")
        if lean:
            shown.box, shown.pad_edge = box.SIMPLE, False
        shown.caption = Text("\n".join(below)) if below else None
        for place, name in enumerate(header):
            left = place <= len(table.columns)
            shown.add_column(Text(name.replace(" ", joint)), justify="left" if left else "right", overflow="fold")
        for line in lines:
            shown.add_row(*_cells(line, joint)[: len(header)])
        wide = Console(width=10_000)
        if Measurement.get(wide, wide.options, shown).maximum <= width:
            break
    return shown


def _cells(line: AblationLine, joint: str) -> list[Text]:
    name = Text(line.name)
    if line.remark:
        name.append(f"{joint}({line.remark})", style="yellow" if line.remark == "failed" else "")
    return [
        name,
        *(Text(_mark(mark).replace(" ", joint)) for mark in line.marks),
        screen_cell(line.dice, joint),
        Text(line.interval.replace(", ", f",{joint}")),
        Text(line.p),
        screen_cell(line.asd, joint),
        Text(line.published, style="dim"),
    ]


def _mark(mark: Mark) -> str:
    if isinstance(mark, str):
        return mark
    return CHECK if mark else ""
