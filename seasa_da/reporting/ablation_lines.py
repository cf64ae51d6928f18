"""What every kind of ablation table says, before it is set for the screen, Markdown or LaTeX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seasa_da.evaluation.comparison import Comparison
from seasa_da.reporting.comparison_lines import NOTHING, Cell, metric_lines, notes
from seasa_da.reporting.published_ablations import AblationTable, Mark

CHECK = "✓"


@dataclass(frozen=True)
class AblationLine:
    """One row.

    Attributes:
        name: the row's, which its runs' folders are called.
        remark: "failed", "not yet run" or "".
        marks: one a column of the table.
        dice, asd: means over structures.
        interval, p: of the Dice, as text.
        published: the paper's mean Dice, as text.
    """

    name: str
    remark: str
    marks: tuple[Mark, ...]
    dice: Cell
    interval: str
    p: str
    asd: Cell
    published: str


def ablation_title(table: AblationTable, direction: tuple[str, str]) -> str:
    """ "Table 4, unreliable pixels in semantic alignment: ct → mri"."""
    return f"Table {table.number}, {table.title}: {direction[0]} → {direction[1]}"


def ablation_header(table: AblationTable, published: Mapping[str, float] | None, units: str) -> list[str]:
    """Headers of the columns, in the order of an `AblationLine`'s fields; the paper's only where it has figures."""
    paper = ["paper"] if published else []
    return ["Row", *table.columns, "Dice [%]", "95 %", "p", f"ASD [{units}]", *paper]


def ablation_lines(
    table: AblationTable,
    comparison: Comparison,
    *,
    failures: Mapping[str, str],
    published: Mapping[str, float] | None,
) -> list[AblationLine]:
    """The rows in the table's order.

    Args:
        comparison: of the table's rows, in their order.
        failures: why a row has no result, by its name.
        published: the paper's mean Dice by row, where it is to be shown.
    """
    # Of no structure, but of their mean.
    dice = metric_lines(comparison, [], "dice", failures=failures, published=None)
    asd = metric_lines(comparison, [], "asd", failures=failures, published=None)
    lines = []
    for one, other in zip(dice, asd, strict=True):
        figure = (published or {}).get(one.name)
        lines.append(
            AblationLine(
                name=one.name,
                remark=one.remark,
                marks=table.rows[one.name],
                dice=one.cells[0],
                interval=one.interval,
                p=one.p,
                asd=other.cells[0],
                published=NOTHING if figure is None else f"{figure:.1f}",
            )
        )
    return lines


def ablation_notes(
    comparison: Comparison,
    *,
    failures: Mapping[str, str],
    published: Mapping[str, float] | None,
    other_data: bool,
    undefined: str = "und.",
) -> list[str]:
    """Sentences under a table, as `comparison_lines.notes` has them."""
    own = {row.name: failures[row.name] for row in comparison.rows if row.name in failures}
    found = notes(comparison, failures=own, published=None, other_data=other_data, undefined=undefined)
    if published:
        found.append(f"paper: mean Dice published on MM-WHS{', another data set' if other_data else ''}.")
    return found
