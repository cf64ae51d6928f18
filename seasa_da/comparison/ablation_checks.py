"""Whether common settings leave the ablations what they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seasa_da.comparison.ablations import COMPONENTS, WHOLE, whole_tables
from seasa_da.comparison.common import Common
from seasa_da.comparison.plan import Plan, compose_cell
from seasa_da.errors import UserError


def check_ablation(plan: Plan, common: Common) -> list[str]:
    """What the user is told of settings that do not reach all rows.

    Raises:
        UserError: a setting would make a row another than a table says it is.
    """
    settings = {cell.row.name: compose_cell(cell, common)[1].model_dump() for cell in plan.cells()}
    for table in whole_tables(row.name for row in plan.rows):
        for row in table.rows:
            if fault := _fault(settings[row], WHOLE[table.number] if row == "ours" else {}):
                needed, found = fault
                raise UserError(
                    f"table {table.number} needs {needed} in its row {row!r}, here it is {_text(found)}; "
                    "leave that setting out, or the table (--tables)"
                )
    said = []
    for name in dict.fromkeys(_name(text) for text in common.assignments()):
        rows = [row.name for row in plan.rows if name in map(_name, row.overrides)]
        if rows:
            said.append(f"{name}: {', '.join(rows)} {'keep their' if len(rows) > 1 else 'keeps its'} own value")
    return said


def _fault(settings: Mapping[str, Any], whole: Mapping[str, Any]) -> tuple[str, object] | None:
    """What a row's settings should be, and what is there instead; `None` if they are as they should."""
    for name, value in whole.items():
        section, _, leaf = name.rpartition(".")
        found = (settings[section] if section else settings)[leaf]
        if found != value:
            return f"{name}={_text(value)}", found
    for section in COMPONENTS:
        own = settings.get(section, {})
        if own.get("weight", 1) <= 0:
            return f"{section}.weight above 0", own["weight"]
        if own.get("start", 0) >= 1:
            return f"{section}.start below 1", own["start"]
    return None


def _name(assignment: str) -> str:
    return assignment.partition("=")[0].strip()


def _text(value: object) -> str:
    """As in `name=value`."""
    return str(value).lower() if isinstance(value, bool) else str(value)
