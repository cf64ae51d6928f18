"""One direction's table of a comparison: its statistics, and the text of its files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from seasa_da.comparison.calibration_report import calibration_files
from seasa_da.comparison.collect import Collected
from seasa_da.comparison.oracle_report import OracleGap
from seasa_da.evaluation.comparison import Comparison
from seasa_da.evaluation.statistics import compare_methods
from seasa_da.reporting.comparison_latex import comparison_latex
from seasa_da.reporting.comparison_text import comparison_csv, comparison_markdown, per_case_csv
from seasa_da.reporting.published import PUBLISHED

if TYPE_CHECKING:
    from rich.table import Table
    from typing_extensions import Self

Reference = Literal["paper"] | None


@dataclass(frozen=True)
class DirectionReport:
    """One direction's table.

    Attributes:
        found: the runs.
        comparison: their statistics.
        shown: arguments that every kind of table takes.
        files: text by the end of the file's name, after the direction's.
        oracle: what the choice of checkpoints costs, where that was asked for.
    """

    found: Collected
    comparison: Comparison
    shown: dict[str, Any]
    files: Mapping[str, str]
    oracle: OracleGap | None = field(default=None, kw_only=True)

    def with_oracle(self, gap: OracleGap | None) -> Self:
        """The same with the files of the oracle gap among its own."""
        return self if gap is None else replace(self, oracle=gap, files={**self.files, **gap.files()})

    def screen(self, width: int) -> list[Table]:
        """For a terminal of that many columns."""
        from seasa_da.reporting.comparison_table import comparison_table

        found = self.found
        return [comparison_table(self.comparison, found.class_names, found.direction, **self.shown, width=width)]


def comparison_report(found: Collected, reference: Reference, other_data: bool) -> DirectionReport:
    """The table of all rows.

    Args:
        reference: "paper" shows the paper's figures.
        other_data: the runs are known to be of another data set than the paper's.
    """
    comparison = compared(found, [row.name for row in found.rows])
    shown: dict[str, Any] = {"failures": failures_of(found)}
    if reference == "paper":
        shown |= {"published": PUBLISHED.get(found.direction), "other_data": other_data}
    table = (comparison, found.class_names, found.direction)
    files = {
        ".md": comparison_markdown(*table, **shown),
        ".tex": comparison_latex(*table, **shown),
        **machine_readable(found, comparison),
    }
    return DirectionReport(found, comparison, shown, files)


def compared(found: Collected, names: Sequence[str]) -> Comparison:
    """The statistics of these rows, tested against "ours"; p values are corrected for their number."""
    rows = {row.name: row for row in found.rows}
    comparison = compare_methods([rows[name] for name in names], found.class_names)
    return replace(comparison, warnings=[*comparison.warnings, *found.warnings])


def machine_readable(found: Collected, comparison: Comparison, **more: Any) -> dict[str, str]:
    """The files for other programs, by the end of their names; `more` joins the JSON."""
    content = {
        "src": found.direction.src,
        "tgt": found.direction.tgt,
        "class_names": list(found.class_names),
        "units": "mm",
        **asdict(comparison),
        **more,
        "failed": [{"row": row, "seed": seed, "reason": reason} for (row, seed), reason in found.failed.items()],
        "missing": [{"row": row, "seed": seed} for row, seed in found.missing],
    }
    return {
        ".csv": comparison_csv(comparison, found.class_names, found.direction, failures=failures_of(found)),
        ".json": json.dumps(content, indent=2, allow_nan=False) + "\n",
        "-per-case.csv": per_case_csv(found.rows, found.direction),
        **calibration_files(found),
    }


def failures_of(found: Collected) -> dict[str, str]:
    """Why, by row; of several seeds, each with its own reason."""
    by_row: dict[str, list[str]] = {}
    for (row, seed), reason in found.failed.items():
        by_row.setdefault(row, []).append(f"seed {seed}: {reason}")
    return {row: "; ".join(reasons) for row, reasons in by_row.items()}
