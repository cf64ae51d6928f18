"""The tables and the figure of a comparison or an ablation, of whatever runs are finished."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seasa_da.comparison.ablation_report import ablation_report
from seasa_da.comparison.collect import collect
from seasa_da.comparison.common import Common
from seasa_da.comparison.direction_report import DirectionReport, Reference, comparison_report, failures_of
from seasa_da.comparison.kinds import ABLATION
from seasa_da.comparison.manifest import Manifest, locked, read_manifest
from seasa_da.comparison.oracle_report import oracle_gap
from seasa_da.files import write_text_atomic
from seasa_da.reporting.comparison_figure import comparison_figure

FIGURE = "comparison.png"


def make_report(folder: Path, manifest: Manifest, common: Common, reference: Reference) -> list[DirectionReport]:
    """Read what is finished and write the tables, one process at a time, so that the last to write has seen most.

    Args:
        manifest: as it was when this command began; others may have added to it since.

    Raises:
        UserError: a file cannot be written.
    """
    # Whether the user's data are the paper's is not known: only of the phantom can anything be said.
    other_data = common.data is None
    with locked(folder):
        manifest = read_manifest(folder) or manifest
        report_of = ablation_report if manifest.plan.kind == ABLATION else comparison_report
        reports: list[DirectionReport] = [
            report_of(collect(folder, manifest, common, direction), reference, other_data).with_oracle(
                oracle_gap(folder, manifest.plan, direction)
            )
            for direction in manifest.plan.directions
        ]
        for report in reports:
            for end, text in report.files.items():
                write_text_atomic(folder / (report.found.direction.folder_name + end), text)
        comparison_figure(
            {report.found.direction: report.comparison for report in reports},
            folder / FIGURE,
            failures={report.found.direction: failures_of(report.found) for report in reports},
        )
    return reports


def written_files(folder: Path, reports: Sequence[DirectionReport]) -> list[Path]:
    """What `make_report` wrote."""
    names = [report.found.direction.folder_name + end for report in reports for end in report.files]
    return [*(folder / name for name in names), folder / FIGURE]
