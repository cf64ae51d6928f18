"""The calibration of methods side by side as Markdown and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from seasa_da.evaluation.calibration_rows import CalibrationRow
from seasa_da.evaluation.comparison import Spread
from seasa_da.reporting.comparison_lines import NOTHING
from seasa_da.reporting.comparison_text import markdown_escaped, markdown_table

NOTES = (
    "ECE: expected calibration error on the target's test volumes, 15 bins (Guo et al., 2017); lower is better. "
    "foreground: voxels that are called a structure; a structure's: those called so, none where it is never predicted.",
    "confident errors: share of the wrong voxels whose entropy is below a tenth of its maximum; wrong if confident: "
    "share of such voxels that are wrong.",
)
BEFORE = "source-only is what there was before adaptation."


def calibration_markdown(rows: Sequence[CalibrationRow], class_names: Sequence[str], direction: tuple[str, str]) -> str:
    """A heading, the table in percent, and how to read it."""
    header = ["Method", "foreground", *class_names, "all voxels", "confident errors", "wrong if confident"]
    lines = []
    for row in rows:
        name = markdown_escaped(row.name) + (" (oracle)" if row.oracle else "")
        errors = [row.errors["foreground"], *(row.errors[name] for name in class_names), row.errors["all"]]
        lines.append([name, *map(_percent, (*errors, row.confident_of_errors, row.wrong_of_confident))])
    title = f"{direction[0]} → {direction[1]}: calibration, ECE [%]"
    seeds = ["Mean ± sample standard deviation over seeds."] if any(len(row.seeds) > 1 for row in rows) else []
    notes = "\n".join(f"- {note}" for note in (*seeds, *NOTES, BEFORE))
    return "\n\n".join([f"### {markdown_escaped(title)}", markdown_table(header, lines), notes]) + "\n"


def calibration_line(found: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> str:
    """One line on a run.

    Args:
        found: what `metrics.json` has under "calibration".
        before: the same without adaptation.
    """
    parts = []
    for name, value, other in (
        ("calibration error of the foreground", _foreground(found), _foreground(before)),
        ("confident errors", _confident(found), _confident(before)),
    ):
        if value is not None:
            without = "" if other is None else f" (without adaptation {100 * other:.1f} %)"
            parts.append(f"{name} {100 * value:.1f} %{without}")
    return ", ".join(parts)


def calibration_csv(rows: Sequence[CalibrationRow], direction: tuple[str, str]) -> str:
    """A line a method and measure ("ece" by region, "confident_of_errors", "wrong_of_confident"), from 0 to 1."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["source", "target", "method", "oracle", "seeds", "measure", "region", "mean", "std"])
    for row in rows:
        measures = [("ece", region, spread) for region, spread in row.errors.items()]
        measures += [("confident_of_errors", "all", row.confident_of_errors)]
        measures += [("wrong_of_confident", "all", row.wrong_of_confident)]
        for measure, region, spread in measures:
            values = ["" if value is None else repr(value) for value in (spread.mean, spread.std)]
            writer.writerow([*direction, row.name, row.oracle, " ".join(map(str, row.seeds)), measure, region, *values])
    return text.getvalue()


def _foreground(found: Mapping[str, Any] | None) -> float | None:
    return None if found is None else found["ece"]["foreground"]


def _confident(found: Mapping[str, Any] | None) -> float | None:
    return None if found is None else found["confident_errors"]["of_errors"]


def _percent(spread: Spread) -> str:
    if spread.mean is None:
        return NOTHING
    return f"{100 * spread.mean:.1f}" + (f" ± {100 * spread.std:.1f}" if spread.std is not None else "")
