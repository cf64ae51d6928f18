"""A comparison as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from seasa_da.evaluation.comparison import Comparison
from seasa_da.reporting.comparison_lines import METRICS, Cell, Line, metric_lines, metric_title, notes
from seasa_da.reporting.published import MethodFigures

NAME_WIDTH = 18
"""Letters; a longer name of a method may be folded before structures are left out."""
MEANS_ALONE = "The means alone: the structures need a wider terminal, or the files."


def comparison_table(
    comparison: Comparison,
    class_names: Sequence[str],
    direction: tuple[str, str],
    *,
    failures: Mapping[str, str] | None = None,
    published: Mapping[str, MethodFigures] | None = None,
    other_data: bool = False,
    units: str = "mm",
    width: int = 120,
) -> Table:
    """Dice over ASD, a row a method, the structures and their mean, the interval and the p of the mean.

    Args:
        direction: (source, target).
        failures: why a method has no result, by its name.
        published: the paper's figures of this direction, shown under each row.
        other_data: ours are known to be of another data set than the paper's, as the phantom's are.
        units: of the ASD, "mm" or "voxel".
        width: columns of the terminal; where a value does not fit on one line, its parts are set below one another,
            and where that does not fit either, the mean stands without the structures.

    What cannot be said shows as "–"; nothing is cut off, whatever the width.
    """
    failures = failures or {}
    sections = {
        metric: metric_lines(comparison, class_names, metric, failures=failures, published=published)
        for metric in METRICS
    }
    below = notes(comparison, failures=failures, published=published, other_data=other_data)
    table = Table()
    longest = max((len(line.name) for lines in sections.values() for line in lines), default=0)
    for joint, first in ((" ", 0), ("\n", 0), ("\n", len(class_names))):
        # Text, not markup: "[mm]" would be taken for a style, and so would a name in brackets.
        table = Table(title=Text(f"{direction[0]} → {direction[1]}"), title_justify="left", caption_justify="left")
        said = [*([MEANS_ALONE] if first else []), *below]
        table.caption = Text("\n".join(said)) if said else None
        tested = comparison.against is not None
        table.add_column(Text("Method"), overflow="fold")
        for name in [*class_names[first:], "mean", "95 %", *(["p"] if tested else [])]:
            table.add_column(Text(name), justify="right", overflow="fold")
        for metric, lines in sections.items():
            title = Text(metric_title(metric, units).replace(", ", "\n" if joint == "\n" else ", "), style="bold")
            table.add_row(title)
            for line in lines:
                table.add_row(*_cells(line, joint, tested, first), end_section=line is lines[-1])
        wide = Console(width=10_000)
        folded = max(longest - NAME_WIDTH, 0) if joint == "\n" else 0
        if Measurement.get(wide, wide.options, table).maximum - folded <= width:
            break
    return table


def _cells(line: Line, joint: str, tested: bool, first: int) -> list[Text]:
    style = "dim" if line.published else ""
    name = Text(f"  {line.name}" if line.published else line.name, style=style)
    if line.remark:
        name.append(f"{joint}({line.remark})", style="yellow" if line.remark == "failed" else "")
    interval = line.interval.replace(", ", f",{joint}")
    return [
        name,
        *(screen_cell(cell, joint, style) for cell in line.cells[first:]),
        Text(interval),
        *([Text(line.p)] if tested else []),
    ]


def screen_cell(cell: Cell, joint: str, style: str = "") -> Text:
    """A value, its spread and the count of distances that are not defined, with `joint` between them."""
    text = Text(style=style)
    text.append(cell.mean, style="bold" if cell.best else "")
    if cell.std:
        text.append(f"{joint}± {cell.std}")
    if cell.undefined:
        count = f"{cell.undefined} und." if joint == "\n" else f"({cell.undefined} und.)"
        text.append(f"\n{count}", style="yellow")
    return text
