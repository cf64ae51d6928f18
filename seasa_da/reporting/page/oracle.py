"""The oracle gap: what choosing checkpoints by the target's test labels, which nobody may do, would have given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seasa_da.reporting.page.content import Column, Table, number_cell, text_cell

Json = Mapping[str, Any]


def oracle_gap_tables(content: Json) -> list[Table]:
    """Of a direction's `-oracle.json`: methods, then how well each validator agrees with the truth."""
    rows = content.get("rows") or []
    if not rows:
        return []
    names = list(dict.fromkeys(name for row in rows for name in row["by"]))
    columns = [Column("Method"), Column("result", True), Column("best (oracle)", True), Column("gap", True, True)]
    columns += [Column(f"by {name}", True) for name in names]
    lines = [
        [
            text_cell(row["name"], head=True, mark="oracle" if row.get("oracle") else ""),
            *(number_cell(row[key]) for key in ("selected", "best", "gap")),
            *(number_cell(row["by"].get(name)) for name in names),
        ]
        for row in rows
    ]
    notes = [
        f"result: the checkpoint chosen by {content.get('by') or 'last'}, without target labels. best (oracle): by the "
        "target's test labels, which nobody may choose by; no result. gap: the difference, percentage points.",
        "by …: what that validator would have chosen.",
    ]
    return [Table("Oracle gap, mean Dice [%]", columns, lines, notes), *_agreement(content.get("agreement") or {})]


def _agreement(found: Json) -> list[Table]:
    if not found:
        return []
    columns = [Column("Chosen by"), Column("runs", True), Column("Dice [%]", True), Column("mean loss", True, True)]
    columns += [Column("worst loss", True, True), Column("rank correlation", True)]
    rows = [
        [
            text_cell(name, head=True),
            number_cell(one["runs"], 0),
            *(number_cell(one[key]) for key in ("dice", "regret", "worst")),
            number_cell(one["correlation"], 2),
        ]
        for name, one in found.items()
    ]
    notes = [
        "Losses to the oracle's choice in percentage points of Dice; rank correlation: Spearman's, over the "
        "checkpoints of a run, mean over runs. Methods that train on target labels do not count.",
    ]
    return [Table("How well each choice agrees with the truth", columns, rows, notes)]
