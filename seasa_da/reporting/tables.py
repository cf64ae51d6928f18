"""The results of a run as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

Summary = Mapping[str, Mapping[str, Any]]

NOTHING = "–"


def results_table(
    summary: Summary,
    *,
    title: str = "",
    baseline: Summary | None = None,
    units: str = "mm",
    run_name: str = "with\nadaptation",
) -> Table:
    """Structures and their mean, Dice [%] and ASD of a run, beside the same "without adaptation".

    Args:
        summary: from `seasa_da.evaluation.scores.summarise`.
        baseline: the same of the run without adaptation; adds its two columns and the gain in Dice.
        units: of the ASD, `"mm"` or `"voxel"`.
        run_name: header over the run's own columns when there is a baseline.

    What is unknown shows as "–"; distances that were not defined are counted beside the mean of the others.
    """
    # Text, not markup: "[mm]" would be taken for a style, and so would a structure's name in brackets.
    table = Table(title=Text(title) if title else None, title_justify="left")
    table.add_column(Text("Structure"), overflow="fold")
    sides = [summary] if baseline is None else [summary, baseline]
    headers = [""] if baseline is None else [f"{run_name}\n", "without\nadaptation\n"]
    for header in headers:
        table.add_column(Text(f"{header}Dice [%]"), justify="right", overflow="fold")
        table.add_column(Text(f"{header}ASD [{units}]"), justify="right", overflow="fold")
    if baseline is not None:
        table.add_column(Text("gain in\nDice"), justify="right", overflow="fold")
    names = list(summary["asd_undefined"])
    for name in [*names, "mean"]:
        cells = [Text(name)]
        for side in sides:
            cells += [_number(side["dice"].get(name), 1), _distance(side, name)]
        if baseline is not None:
            cells.append(_gain(summary["dice"].get(name), baseline["dice"].get(name)))
        table.add_row(*cells, end_section=bool(names) and name == names[-1], style="bold" if name == "mean" else None)
    return table


def further_table(summary: Summary, *, units: str = "mm", tolerance_mm: float) -> Table:
    """Structures and their mean of the metrics beside the paper's two: HD95, surface Dice, size of the volume's error.

    Args:
        summary: as `results_table`.
        units: of the HD95.
        tolerance_mm: of the surface Dice.
    """
    table = Table()
    table.add_column(Text("Structure"), overflow="fold")
    headers = (f"HD95 [{units}]", f"surface Dice\nat {tolerance_mm:g} mm [%]", "volume error [%]")
    for header in headers:
        table.add_column(Text(header), justify="right", overflow="fold")
    names = list(summary["asd_undefined"])
    for name in [*names, "mean"]:
        values = [_number(summary.get(metric, {}).get(name), 1) for metric in ("surface_dice", "volume_error")]
        style = "bold" if name == "mean" else None
        table.add_row(
            Text(name),
            _distance(summary, name, "hd95", 1),
            *values,
            end_section=bool(names) and name == names[-1],
            style=style,
        )
    return table


def _number(value: float | None, digits: int) -> Text:
    return Text(NOTHING if value is None else f"{value:.{digits}f}")


def _distance(summary: Summary, name: str, metric: str = "asd", digits: int = 2) -> Text:
    counts = summary.get(f"{metric}_undefined", {})
    undefined = sum(count or 0 for count in counts.values()) if name == "mean" else counts.get(name) or 0
    text = _number(summary.get(metric, {}).get(name), digits)
    return text.append(f"\n{undefined} undefined", style="yellow") if undefined else text


def _gain(value: float | None, before: float | None) -> Text:
    if value is None or before is None:
        return Text(NOTHING)
    gain = round(value - before, 1)
    return Text(f"{gain:+.1f}" if gain else "0.0", style="green" if gain > 0 else "red" if gain < 0 else "")
