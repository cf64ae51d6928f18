"""The ablation tables: what each row has, its mean Dice and ASD."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seasa_da.reporting.ablation_lines import CHECK
from seasa_da.reporting.page.content import Column, Table, text_cell
from seasa_da.reporting.page.results import METRICS, comparison_notes, mean_cells, mean_columns
from seasa_da.reporting.published_ablations import ABLATION_TABLES


def ablation_tables(content: Mapping[str, Any], direction: tuple[str, str]) -> list[Table]:
    """One a table of the paper's that is in a direction's JSON; none for a comparison's."""
    found = []
    for number, own in (content.get("tables") or {}).items():
        known = ABLATION_TABLES.get(int(number))
        if known is None:
            continue
        merged = {**content, **own}
        metrics = [name for name in METRICS if any(isinstance(row.get(name), Mapping) for row in own["rows"])]
        columns = [Column("Row"), *map(Column, known.columns), *mean_columns(merged, metrics)]
        rows = []
        for row in own["rows"]:
            marks = known.rows[row["name"]]
            shown = [text_cell(mark if isinstance(mark, str) else CHECK if mark else "") for mark in marks]
            rows.append([text_cell(row["name"], head=True), *shown, *mean_cells(row, merged, metrics)])
        title = f"Table {known.number} of the paper, {known.title}: {direction[0]} to {direction[1]}"
        failed = {"failed": (), "missing": ()}
        found.append(Table(title, columns, rows, comparison_notes({**merged, **failed})))
    return found
