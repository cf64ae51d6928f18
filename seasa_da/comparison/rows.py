"""Rows of the table: a method, with add-ons or settings of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seasa_da.config import RunSettings
from seasa_da.errors import UserError
from seasa_da.registry import METHODS, find_addon, find_method, sections_of


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        name: unlike any other row's; the folders of its runs are called so.
        method: a registered method.
        addons: hooks that join its last stage.
        overrides: settings of this row alone, as `name=value`, over those that all rows have in common.
    """

    name: str
    method: str
    addons: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()

    def unusable(self) -> str | None:
        """Why the row cannot be made or read here, such as a plug-in that is not installed; `None` if it can."""
        try:
            find_method(self.method)
            for addon in self.addons:
                find_addon(addon)
        except UserError as error:
            return f"its plug-in is not installed or not usable: {error}"
        return None

    def has(self, assignment: str) -> bool:
        """Whether it has the setting of `name=value`; a table's methods do not all have the same sections."""
        spec = find_method(self.method)
        name, _, value = assignment.partition("=")
        section = name.strip().split(".")[0]
        if section == "recipe":
            return value.strip().strip('"') in spec.recipes
        sections = sections_of(spec, [find_addon(addon) for addon in self.addons])
        return section in RunSettings.model_fields or section in sections


def all_rows() -> list[Row]:
    """The rows of the paper's table, in its order."""
    return [Row(name, name) for name, spec in METHODS.items() if spec.row is not None]


def parse_rows(texts: Sequence[str]) -> list[Row]:
    """Rows of `["ours", "adaoutput+se+asa", …]`. Raises `UserError` for unknown names, none at all, or one twice."""
    rows: list[Row] = []
    for text in texts:
        method, *addons = (part.strip() for part in text.split("+"))
        spec, name = find_method(method), "+".join([method, *addons])
        for addon in addons:
            find_addon(addon)
        if addons and spec.refuses_addons:
            raise UserError(f"{name}: add-ons do not go with {method}: {spec.refuses_addons}")
        if any(set(name.split("+")) == set(row.name.split("+")) for row in rows):
            raise UserError(f"--methods has {name} twice; each row once")
        rows.append(Row(name, method, tuple(addons)))
    if not rows:
        raise UserError("--methods is empty; name some, such as source-only,ours (`seasa-da methods` lists them)")
    return rows


def in_table_order(rows: Iterable[Row], names: Sequence[str]) -> list[Row]:
    """The rows of these names in their order, then the others as they came."""
    return sorted(rows, key=lambda row: names.index(row.name) if row.name in names else len(names))
