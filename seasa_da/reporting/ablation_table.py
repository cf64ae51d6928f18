"""An ablation table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

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

DICE_ALONE = "Dice alone: intervals, p and ASD need a wider terminal, or the files."
_LEFT_OUT = 3  # columns after Dice


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
        width: columns of the terminal; where a value does not fit on one line, its parts are set below one another,
            and where that does not fit either, the Dice stands alone.

    What cannot be said shows as "–"; nothing is cut off, whatever the width.
    """
    failures, published = failures or {}, table.published.get(direction) if reference else None
    header = ablation_header(table, published, units)
    lines = ablation_lines(table, comparison, failures=failures, published=published)
    below = ablation_notes(comparison, failures=failures, published=published, other_data=other_data)
    shown = Table()
    after_dice = len(table.columns) + 2
    for joint, lean, alone in ((" ", False, False), ("\n", False, False), ("\n", True, False), ("\n", True, True)):
        # Text, not markup: "[mm]" would be taken for a style.
        title = Text(ablation_title(table, direction))
        shown = Table(title=title, title_justify="left", caption_justify="left")
        if lean:
            shown.box, shown.pad_edge = box.SIMPLE, False
        said = [*([DICE_ALONE] if alone else []), *below]
        shown.caption = Text("\n".join(said)) if said else None
        places = [
            place for place in range(len(header)) if not alone or not after_dice <= place < after_dice + _LEFT_OUT
        ]
        for place in places:
            name = header[place] if header[place] == "95 %" else header[place].replace(" ", joint)
            justify: Literal["left", "right"] = "left" if place <= len(table.columns) else "right"
            shown.add_column(Text(name), justify=justify, overflow="fold")
        for line in lines:
            cells = _cells(line, joint)
            shown.add_row(*(cells[place] for place in places))
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
