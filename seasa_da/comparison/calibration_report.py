"""One direction's calibration of all rows, from what the runs' metrics say."""

from __future__ import annotations

from seasa_da.comparison.collect import Collected
from seasa_da.evaluation.calibration_rows import CalibrationRow, calibration_row
from seasa_da.reporting.calibration_text import calibration_csv, calibration_markdown


def calibration_rows(found: Collected) -> list[CalibrationRow]:
    """A row a method; one whose runs say nothing of it stays, with nothing known."""
    return [
        calibration_row(
            row.name,
            row.oracle,
            {seed: metrics.get("calibration") for (name, seed), metrics in found.metrics.items() if name == row.name},
            found.class_names,
        )
        for row in found.rows
    ]


def calibration_files(found: Collected) -> dict[str, str]:
    """Text by the end of the file's name, after the direction's; none where no run says anything."""
    rows = calibration_rows(found)
    if not any(row.seeds for row in rows):
        return {}
    return {
        "-calibration.md": calibration_markdown(rows, found.class_names, found.direction),
        "-calibration.csv": calibration_csv(rows, found.direction),
    }
