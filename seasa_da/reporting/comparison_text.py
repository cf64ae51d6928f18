"""A comparison as Markdown, and as CSV for other programs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple

from seasa_da.evaluation.comparison import Comparison, MethodRow, MethodRuns, Spread
from seasa_da.evaluation.scores import COLUMNS, FURTHER
from seasa_da.evaluation.tolerance import TOLERANCE_MM
from seasa_da.reporting.comparison_lines import (
    METRICS,
    NOTHING,
    Cell,
    Line,
    metric_lines,
    metric_row,
    metric_title,
    notes,
    state,
)
from seasa_da.reporting.published import MethodFigures

CSV_COLUMNS = (
    *("source", "target", "method", "oracle", "state", "metric", "structure", "mean", "std", "seeds", "cases"),
    *("ci_low", "ci_high", "p", "p_holm", "undefined", "undefined_of"),
)


def comparison_markdown(
    comparison: Comparison,
    class_names: Sequence[str],
    direction: tuple[str, str],
    *,
    failures: Mapping[str, str] | None = None,
    published: Mapping[str, MethodFigures] | None = None,
    other_data: bool = False,
    units: str = "mm",
) -> str:
    """A heading, one table for Dice and one for ASD, and the notes under them; arguments as `comparison_table`."""
    failures = failures or {}
    blocks = [f"### {markdown_escaped(direction[0])} → {markdown_escaped(direction[1])}"]
    for metric in METRICS:
        lines = metric_lines(comparison, class_names, metric, failures=failures, published=published)
        tested = comparison.against is not None
        header = ["Method", *class_names, "mean", "95 %", *(["p"] if tested else [])]
        table = markdown_table(header, [_row(line)[: len(header)] for line in lines])
        blocks += [f"**{metric_title(metric, units)}**", table]
    if any(spread.mean is not None for row in comparison.rows for by in row.further.values() for spread in by.values()):
        blocks += ["**Further metrics**, means of the structures", _further_table(comparison, units, failures)]
    below = notes(comparison, failures=failures, published=published, other_data=other_data)
    return "\n\n".join([*blocks, "\n".join(f"- {markdown_escaped(note)}" for note in below)]).rstrip() + "\n"


def _further_table(comparison: Comparison, units: str, failures: Mapping[str, str]) -> str:
    header = ["Method", f"HD95 [{units}]", f"surface Dice at {TOLERANCE_MM:g} mm [%]", "volume error [%]"]
    lines = []
    for row in comparison.rows:
        remark = state(row, failures) or ("oracle" if row.oracle else "")
        cells = [markdown_cell(_further_cell(row, metric)) for metric in FURTHER]
        lines.append([markdown_escaped(row.name) + (f" ({remark})" if remark else ""), *cells])
    return markdown_table(header, lines)


def _further_cell(row: MethodRow, metric: str) -> Cell:
    mean = row.further.get(metric, {}).get("mean", Spread(None, None))
    return Cell(
        NOTHING if mean.mean is None else f"{mean.mean:.1f}",
        "" if mean.std is None else f"{mean.std:.1f}",
        row.hd95_undefined.get("mean") or 0 if metric == "hd95" else 0,
    )


def _row(line: Line) -> list[str]:
    name = "*paper*" if line.published else markdown_escaped(line.name) + (f" ({line.remark})" if line.remark else "")
    return [name, *map(markdown_cell, line.cells), line.interval, line.p.replace("<", "&lt;")]


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Cells as a table, the first `left` columns flush left, the others right."""
    rule = [*["---"] * left, *["---:"] * (len(header) - left)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [[*map(markdown_escaped, header)], rule, *rows])


def markdown_cell(cell: Cell) -> str:
    """The best in bold, with its spread and the count of distances that are not defined."""
    mean = f"**{cell.mean}**" if cell.best else cell.mean
    undefined = f" ({cell.undefined} und.)" if cell.undefined else ""
    return mean + (f" ± {cell.std}" if cell.std else "") + undefined


def markdown_escaped(text: str) -> str:
    """Text as Markdown prints it, letter for letter."""
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", text)


def comparison_csv(
    comparison: Comparison,
    class_names: Sequence[str],
    direction: tuple[str, str],
    *,
    failures: Mapping[str, str] | None = None,
    header: bool = True,
) -> str:
    """A line a method, metric and structure ("mean" included), to the last digit; empty where nothing is known.

    `ci_low` … `p_holm` belong to the mean and stand on its lines; `seeds` are separated by spaces; `state` is "done",
    "failed" or "not yet run". Without `header` the lines can be set below those of another direction.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n", restval="")
    if header:
        writer.writeheader()
    for row in comparison.rows:
        about = {
            "source": direction[0],
            "target": direction[1],
            "method": row.name,
            "oracle": row.oracle,
            "state": state(row, failures or {}) or "done",
            "seeds": " ".join(map(str, row.seeds)),
            "cases": row.cases,
        }
        for metric in METRICS:
            values = metric_row(row, metric)
            for name in [*class_names, "mean"]:
                low, high = values.interval or (None, None)
                of_mean = {"ci_low": low, "ci_high": high, "p": values.p, "p_holm": values.p_holm}
                of_asd = {"undefined": row.asd_undefined[name], "undefined_of": row.asd_total[name]}
                writer.writerow(
                    {
                        **about,
                        "metric": metric,
                        "structure": name,
                        "mean": values.structures[name].mean,
                        "std": values.structures[name].std,
                        **(of_mean if name == "mean" else {}),
                        **(of_asd if metric == "asd" else {}),
                    }
                )
        for further, by_name in row.further.items():
            for name, spread in by_name.items():
                found = {"metric": further, "structure": name, "mean": spread.mean, "std": spread.std}
                if further == "hd95" and (undefined := row.hd95_undefined.get(name)) is not None:
                    found |= {"undefined": undefined, "undefined_of": row.asd_total[name]}
                writer.writerow({**about, **found})
    return text.getvalue()


def per_case_csv(rows: Sequence[MethodRuns], direction: tuple[str, str]) -> str:
    """A line a method, seed, case and structure: Dice in percent, ASD in mm, empty where it is not defined."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["source", "target", "method", "seed", *COLUMNS])
    for row in rows:
        for seed, scores in sorted(row.runs.items()):
            for score in scores:
                values = ("" if value is None else value for value in astuple(score))
                writer.writerow([*direction, row.name, seed, *values])
    return text.getvalue()
