"""Rows of the paper's Tables 2, 3 and 4; what each of them has stands in `reporting/published_ablations.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seasa_da.comparison.rows import Row
from seasa_da.errors import UserError
from seasa_da.reporting.published_ablations import ABLATION_TABLES, AblationTable

# A row that stands in several tables is one run.
ABLATION_ROWS: Mapping[str, Row] = {
    row.name: row
    for row in (
        Row("adaoutput", "adaoutput"),
        Row("adaoutput+se", "adaoutput", ("se",)),
        Row("adaoutput+asa", "adaoutput", ("asa",)),
        Row("se-all", "ours", overrides=("se.minimise=all", "se.maximise=none")),
        Row("se-reliable", "ours", overrides=("se.minimise=reliable", "se.maximise=none")),
        Row("asa-all", "ours", overrides=("asa.remove_unreliable=false",)),
        Row("ours", "ours"),
    )
}

SELECTIVE: Mapping[str, Any] = {"se.minimise": "reliable", "se.maximise": "unreliable"}
ADAPTIVE: Mapping[str, Any] = {"asa.remove_unreliable": True}

WHOLE: Mapping[int, Mapping[str, Any]] = {
    # Its other rows have no recipes: they are what the paper says. It marks both components, and those are whole ones.
    2: {"recipe": "paper", **SELECTIVE, **ADAPTIVE},
    3: SELECTIVE,
    4: ADAPTIVE,
}
"""By table, the settings of "ours" without which the table would not show what it says."""

COMPONENTS = ("adversary", "se", "asa")
"""The sections of what a row that has them trains with; without weight, or never begun, it would be another row."""


def ablation_rows(tables: Sequence[int] | None) -> list[Row]:
    """The rows of some of the tables, each once. Raises `UserError` for no table, one that is none, or one twice."""
    tables = list(ABLATION_TABLES) if tables is None else tables
    known = ", ".join(map(str, ABLATION_TABLES))
    if not tables:
        raise UserError(f"--tables is empty; give some of {known}")
    for place, number in enumerate(tables):
        if number not in ABLATION_TABLES:
            raise UserError(f"--tables: {number} is none of the paper's ablations, which are its tables {known}")
        if number in tables[:place]:
            raise UserError(f"--tables has {number} twice; each table once")
    wanted = {name for number in tables for name in ABLATION_TABLES[number].rows}
    return [row for name, row in ABLATION_ROWS.items() if name in wanted]


def whole_tables(rows: Iterable[str]) -> list[AblationTable]:
    """The tables whose rows, by name, are all there."""
    names = set(rows)
    return [table for table in ABLATION_TABLES.values() if table.rows.keys() <= names]
