"""Whether common settings leave the ablations what they are."""

from __future__ import annotations

from seasa_da.comparison.ablations import WHOLE, whole_tables
from seasa_da.comparison.common import Common
from seasa_da.comparison.plan import Plan, compose_cell
from seasa_da.errors import UserError


def check_ablation(plan: Plan, common: Common) -> list[str]:
    """What the user is told of settings that do not reach all rows.

    Raises:
        UserError: a setting would make "ours" another method than a table says it is.
    """
    cell = next(cell for cell in plan.cells() if cell.row.name == "ours")
    settings = compose_cell(cell, common)[1].model_dump()
    for table in whole_tables(row.name for row in plan.rows):
        for name, value in WHOLE[table.number].items():
            section, _, leaf = name.rpartition(".")
            found = (settings[section] if section else settings)[leaf]
            if found != value:
                raise UserError(
                    f"table {table.number} needs {name}={_text(value)} in its row 'ours', here it is {_text(found)}; "
                    "leave that setting out, or the table (--tables)"
                )
    said = []
    for name in dict.fromkeys(_name(text) for text in common.assignments()):
        rows = [row.name for row in plan.rows if name in map(_name, row.overrides)]
        if rows:
            said.append(f"{name}: {', '.join(rows)} {'keep their' if len(rows) > 1 else 'keeps its'} own value")
    return said


def _name(assignment: str) -> str:
    return assignment.partition("=")[0].strip()


def _text(value: object) -> str:
    """As in `name=value`."""
    return str(value).lower() if isinstance(value, bool) else str(value)
