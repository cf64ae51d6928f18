"""The tables and the figure of a comparison, of whatever runs are finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from seasa_da.comparison.collect import Collected, collect
from seasa_da.comparison.common import Common
from seasa_da.comparison.manifest import Manifest, locked, read_manifest
from seasa_da.evaluation.comparison import Comparison
from seasa_da.evaluation.statistics import compare_methods
from seasa_da.files import write_json_atomic, write_text_atomic
from seasa_da.reporting.comparison_figure import comparison_figure
from seasa_da.reporting.comparison_latex import comparison_latex
from seasa_da.reporting.comparison_text import comparison_csv, comparison_markdown, per_case_csv
from seasa_da.reporting.published import PUBLISHED

FIGURE = "comparison.png"
KINDS = (".md", ".tex", ".csv", ".json", "-per-case.csv")
Reference = Literal["paper"] | None


@dataclass(frozen=True)
class DirectionReport:
    """One direction's table.

    Attributes:
        found: the runs.
        comparison: their statistics.
        shown: arguments that every kind of table takes.
    """

    found: Collected
    comparison: Comparison
    shown: dict[str, Any]

    @property
    def arguments(self) -> tuple[Comparison, Sequence[str], tuple[str, str]]:
        """The first three of every kind of table."""
        return self.comparison, self.found.class_names, self.found.direction


def make_report(folder: Path, manifest: Manifest, common: Common, reference: Reference) -> list[DirectionReport]:
    """Read what is finished and write the tables, one process at a time, so that the last to write has seen most.

    Args:
        manifest: as it was when this command began; others may have added to it since.

    Raises:
        UserError: a file cannot be written.
    """
    with locked(folder):
        manifest = read_manifest(folder) or manifest
        reports = [_report(collect(folder, manifest, common, d), common, reference) for d in manifest.plan.directions]
        for report in reports:
            _write(folder / report.found.direction.folder_name, report)
        comparison_figure(
            {report.found.direction: report.comparison for report in reports},
            folder / FIGURE,
            failures={report.found.direction: _failures(report.found) for report in reports},
        )
    return reports


def written_files(folder: Path, reports: Sequence[DirectionReport]) -> list[Path]:
    """What `make_report` wrote."""
    names = [report.found.direction.folder_name + kind for report in reports for kind in KINDS]
    return [*(folder / name for name in names), folder / FIGURE]


def _report(found: Collected, common: Common, reference: Reference) -> DirectionReport:
    comparison = compare_methods(found.rows, found.class_names)
    comparison = replace(comparison, warnings=[*comparison.warnings, *found.warnings])
    shown: dict[str, Any] = {"failures": _failures(found)}
    if reference == "paper":
        # Whether the user's data are the paper's is not known: only of the phantom can anything be said.
        shown |= {"published": PUBLISHED.get(found.direction), "other_data": common.data is None}
    return DirectionReport(found, comparison, shown)


def _write(base: Path, report: DirectionReport) -> None:
    shown, failures = report.shown, report.shown["failures"]
    write_text_atomic(base.with_name(f"{base.name}.md"), comparison_markdown(*report.arguments, **shown))
    write_text_atomic(base.with_name(f"{base.name}.tex"), comparison_latex(*report.arguments, **shown))
    write_text_atomic(base.with_name(f"{base.name}.csv"), comparison_csv(*report.arguments, failures=failures))
    found = report.found
    write_text_atomic(base.with_name(f"{base.name}-per-case.csv"), per_case_csv(found.rows, found.direction))
    content = {
        "src": found.direction.src,
        "tgt": found.direction.tgt,
        "class_names": list(found.class_names),
        "units": "mm",
        **asdict(report.comparison),
        "failed": [{"row": row, "seed": seed, "reason": reason} for (row, seed), reason in found.failed.items()],
        "missing": [{"row": row, "seed": seed} for row, seed in found.missing],
    }
    write_json_atomic(base.with_name(f"{base.name}.json"), content)


def _failures(found: Collected) -> Mapping[str, str]:
    """Why, by row; of several seeds, each with its own reason."""
    by_row: dict[str, list[str]] = {}
    for (row, seed), reason in found.failed.items():
        by_row.setdefault(row, []).append(f"seed {seed}: {reason}")
    return {row: "; ".join(reasons) for row, reasons in by_row.items()}
