"""Calibration of runs, and what their reliability masks were worth, from the files that the evaluation left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seasa_da.reporting.page.charts import Chart, Line, line_chart
from seasa_da.reporting.page.content import Column, Table, number_cell, text_cell

Json = Mapping[str, Any]

DIAGONAL, MEASURED = 5, 0
"""Styles of lines."""
NOTES = (
    "ECE: expected calibration error over the target's test voxels, percent. All voxels; the foreground, where truth "
    "or prediction has a structure; and each structure, by the probability of it.",
    "Confident errors: the share of wrong voxels that are certain (their entropy is low), and of certain voxels that "
    "are wrong.",
)


def calibration_table(
    runs: Mapping[str, Sequence[Json]], structures: Sequence[str], oracles: Sequence[str] = ()
) -> list[Table]:
    """Calibration errors and confident errors of each row, means over its runs; empty where there are none.

    Args:
        runs: contents of `calibration.json`, one a seed.
        oracles: rows to be marked.
    """
    runs = {name: contents for name, contents in runs.items() if contents}
    if not runs:
        return []
    columns = [Column("Method"), Column("ECE, all", True, True), Column("ECE, foreground", True, True)]
    columns += [Column(f"ECE, {name}", True, True) for name in structures]
    columns += [Column("wrong that are certain", True, True), Column("certain that are wrong", True, True)]
    rows = []
    for name, contents in runs.items():
        regions = [[one[key] for one in contents] for key in ("all", "foreground")]
        regions += [[one["structures"].get(key) or {} for one in contents] for key in structures]
        errors = [one["confident_errors"] for one in contents]
        values = [_percent([one.get("ece") for one in region]) for region in regions]
        values += [_percent([one[key] for one in errors]) for key in ("of_errors", "of_confident")]
        head = text_cell(name, head=True, mark="oracle" if name in oracles else "")
        rows.append([head, *map(number_cell, values)])
    several = any(len(contents) > 1 for contents in runs.values())
    return [Table("Calibration [%], lower is better", columns, rows, [*NOTES, *(["Means over seeds."] * several)])]


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


def _percent(values: Sequence[float | None]) -> float | None:
    """The mean of those that are defined."""
    known = [value for value in values if value is not None]
    return 100 * sum(known) / len(known) if known else None
