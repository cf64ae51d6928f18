"""Calibration of runs, and what their reliability masks were worth, from the files that the evaluation left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seasa_da.evaluation.calibration_rows import CalibrationRow
from seasa_da.reporting.calibration_text import NOTES
from seasa_da.reporting.page.charts import Chart, Line, line_chart
from seasa_da.reporting.page.content import Column, Table, number_cell, text_cell

Json = Mapping[str, Any]

DIAGONAL, MEASURED = 5, 0
"""Styles of lines."""


def calibration_table(rows: Sequence[CalibrationRow], structures: Sequence[str]) -> list[Table]:
    """Calibration errors and confident errors in percent, means over seeds; empty where nothing was scored."""
    rows = [row for row in rows if row.seeds]
    if not rows:
        return []
    regions = {"foreground": "foreground", **{name: name for name in structures}, "all": "all voxels"}
    titles = [*(f"ECE, {title}" for title in regions.values()), "confident errors", "wrong if confident"]
    lines = []
    for row in rows:
        found = [*(row.errors[name] for name in regions), row.confident_of_errors, row.wrong_of_confident]
        means = [None if spread.mean is None else 100 * spread.mean for spread in found]
        lines.append([text_cell(row.name, head=True, mark="oracle" if row.oracle else ""), *map(number_cell, means)])
    columns = [Column("Method"), *(Column(title, True, True) for title in titles)]
    several = any(len(row.seeds) > 1 for row in rows)
    notes = [*NOTES, *(["Means over seeds."] * several)]
    return [Table("Calibration [%], lower is better", columns, lines, notes)]


def calibration_figures(calibration: Json) -> list[Chart]:
    """Reliability diagrams: how often predictions of a confidence are right; on the dashed line they are calibrated."""
    regions = {"foreground": calibration["foreground"], "all voxels": calibration["all"], **calibration["structures"]}
    charts = []
    for name, region in regions.items():
        filled = [one for one in region["bins"] if one["count"]]
        points = [(float(one["confidence"]), float(one["accuracy"])) for one in filled]
        if not points:
            continue
        said = "; ".join(f"{x:.0%} certain: {y:.0%} right" for x, y in points)
        chart = line_chart(
            f"{name}, ECE {100 * region['ece']:.1f} %",
            [Line("calibrated", [(0, 0), (1, 1)], style=DIAGONAL), Line("measured", points, True, MEASURED)],
            x_label="confidence",
            y_label="accuracy",
            x_range=(0, 1),
            y_range=(0, 1),
            bars=[(one["from"], one["to"], one["accuracy"]) for one in filled],
            description=f"{said}.",
        )
        if chart:
            charts.append(chart)
    return charts


def mask_charts(reliability: Json) -> list[Chart]:
    """Accuracy inside each mask, their precision and recall, and the share called reliable, over training."""
    candidates = reliability["candidates"]

    def line(name: str, region: str, key: str) -> Line:
        known = [(float(one["updates"]), one[region][key]) for one in candidates if one[region][key] is not None]
        return Line(name, [(x, 100 * float(y)) for x, y in known], dots=True)

    regions = ("all", "foreground")
    accuracy = [
        line(f"{mask}, {region}", region, f"accuracy_{mask}")
        for region in regions
        for mask in ("reliable", "unreliable")
    ]
    others = {
        "Right pixels that are called reliable (recall) [%]": "recall_right",
        "Unreliable pixels that are wrong (precision) [%]": "precision_errors",
        "Wrong pixels that are called unreliable (recall) [%]": "recall_errors",
        "Pixels called reliable [%]": "reliable",
    }
    groups = [("Right pixels inside each mask [%]", accuracy)]
    groups += [(title, [line(region, region, key) for region in regions]) for title, key in others.items()]
    charts = [line_chart(title, lines, x_label="updates", y_range=(0, 100)) for title, lines in groups]
    return [chart for chart in charts if chart]
