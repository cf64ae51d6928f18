"""An ablation table as Markdown, and as CSV for other programs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping

from seasa_da.evaluation.comparison import Comparison
from seasa_da.reporting.ablation_lines import (
    CHECK,
    AblationLine,
    ablation_header,
    ablation_lines,
    ablation_notes,
    ablation_title,
)
from seasa_da.reporting.comparison_lines import state
from seasa_da.reporting.comparison_text import markdown_cell, markdown_escaped, markdown_table
from seasa_da.reporting.published_ablations import AblationTable

VALUES = (
    *("dice_mean", "dice_std", "dice_ci_low", "dice_ci_high", "dice_p", "dice_p_holm", "asd_mean", "asd_std"),
    *("asd_undefined", "asd_undefined_of", "seeds", "cases", "published_dice"),
)


def ablation_markdown(
    table: AblationTable,
    comparison: Comparison,
    direction: tuple[str, str],
    *,
    failures: Mapping[str, str] | None = None,
    reference: bool = False,
    other_data: bool = False,
    units: str = "mm",
) -> str:
    """A heading, the table, and the notes under it; arguments as `ablation_table`."""
    failures, published = failures or {}, table.published.get(direction) if reference else None
    header = ablation_header(table, published, units)
    lines = ablation_lines(table, comparison, failures=failures, published=published)
    rows = [_row(line)[: len(header)] for line in lines]
    below = ablation_notes(comparison, failures=failures, published=published, other_data=other_data)
    blocks = [
        f"### {markdown_escaped(ablation_title(table, direction))}",
        markdown_table(header, rows, left=1 + len(table.columns)),
        "\n".join(f"- {markdown_escaped(note)}" for note in below),
    ]
    return "\n\n".join(blocks).rstrip() + "\n"


def _row(line: AblationLine) -> list[str]:
    name = line.name + (f" ({line.remark})" if line.remark else "")
    marks = [mark if isinstance(mark, str) else CHECK if mark else "" for mark in line.marks]
    p = line.p.replace("<", "&lt;")
    return [name, *marks, markdown_cell(line.dice), line.interval, p, markdown_cell(line.asd), line.published]


def ablation_csv(
    table: AblationTable,
    comparison: Comparison,
    direction: tuple[str, str],
    *,
    failures: Mapping[str, str] | None = None,
    reference: bool = False,
    other_data: bool = False,
) -> str:
    """A line a row, to the last digit, empty where nothing is known; a column a mark, "True" where it is checked.

    `dice_p` and `dice_p_holm` are against the row "ours"; `state` is "done", "failed" or "not yet run";
    `published_dice` is filled with `reference`, and `other_data` with it.
    """
    published = (table.published.get(direction) if reference else None) or {}
    columns = [re.sub(r"\W+", "_", column.lower()) for column in table.columns]
    text = io.StringIO()
    names = ["source", "target", "row", *columns, "state", *VALUES, "other_data"]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for row in comparison.rows:
        low, high = row.dice.interval or (None, None)
        writer.writerow(
            {
                "source": direction[0],
                "target": direction[1],
                "row": row.name,
                **dict(zip(columns, table.rows[row.name], strict=True)),
                "state": state(row, failures or {}) or "done",
                "dice_mean": row.dice.structures["mean"].mean,
                "dice_std": row.dice.structures["mean"].std,
                "dice_ci_low": low,
                "dice_ci_high": high,
                "dice_p": row.dice.p,
                "dice_p_holm": row.dice.p_holm,
                "asd_mean": row.asd.structures["mean"].mean,
                "asd_std": row.asd.structures["mean"].std,
                "asd_undefined": row.asd_undefined["mean"],
                "asd_undefined_of": row.asd_total["mean"],
                "seeds": " ".join(map(str, row.seeds)),
                "cases": row.cases,
                "published_dice": published.get(row.name),
                "other_data": other_data if published else None,
            }
        )
    return text.getvalue()
