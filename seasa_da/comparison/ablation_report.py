"""One direction's ablation tables, and the text of their files."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from seasa_da.comparison.ablations import whole_tables
from seasa_da.comparison.collect import Collected
from seasa_da.comparison.direction_report import (
    DirectionReport,
    Reference,
    compared,
    failures_of,
    machine_readable,
)
from seasa_da.evaluation.comparison import Comparison
from seasa_da.reporting.ablation_latex import ablation_latex
from seasa_da.reporting.ablation_text import ablation_csv, ablation_markdown
from seasa_da.reporting.published_ablations import AblationTable

if TYPE_CHECKING:
    from rich.table import Table

Tables = tuple[tuple[AblationTable, Comparison], ...]


@dataclass(frozen=True)
class AblationReport(DirectionReport):
    """One direction's ablation tables.

    Attributes:
        comparison: of all rows; its p values are corrected for all of them.
        tables: each with the statistics of its own rows, whose p values are corrected for these alone.
    """

    tables: Tables

    def screen(self, width: int) -> list[Table]:
        """For a terminal of that many columns."""
        from seasa_da.reporting.ablation_table import ablation_table

        return [
            ablation_table(table, comparison, self.found.direction, **self.shown, width=width)
            for table, comparison in self.tables
        ]


def ablation_report(found: Collected, reference: Reference, other_data: bool) -> AblationReport:
    """The tables whose rows were all asked for; arguments as `comparison_report`."""
    names = [row.name for row in found.rows]
    comparison = compared(found, names)
    tables = tuple((table, compared(found, list(table.rows))) for table in whole_tables(names))
    shown: dict[str, Any] = {"failures": failures_of(found)}
    if reference == "paper":
        shown |= {"reference": True, "other_data": other_data}
    files = machine_readable(found, comparison, tables={str(table.number): asdict(own) for table, own in tables})
    for table, own in tables:
        files |= {
            f"-table-{table.number}.md": ablation_markdown(table, own, found.direction, **shown),
            f"-table-{table.number}.tex": ablation_latex(table, own, found.direction, **shown),
            f"-table-{table.number}.csv": ablation_csv(table, own, found.direction, **shown),
        }
    return AblationReport(found, comparison, shown, files, tables)
