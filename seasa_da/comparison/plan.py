"""What is to be run: rows of the table, directions, seeds, and what all runs have in common.

Nothing here imports torch, so a wrong name or setting is refused at once, before anything is written.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from seasa_da.comparison.common import Common
from seasa_da.comparison.kinds import COMPARISON, Kind
from seasa_da.comparison.rows import Row
from seasa_da.config import RunSettings
from seasa_da.errors import UserError
from seasa_da.registry import ADDONS, METHODS, MethodSpec, compose_run, find_method

LARGEST_SEED = 2**31 - 1


class Direction(NamedTuple):
    """From the labelled domain to the unlabelled one."""

    src: str
    tgt: str

    def __str__(self) -> str:
        return f"{self.src} to {self.tgt}"

    @property
    def folder_name(self) -> str:
        """Safe in a path."""
        return f"{self.src}-to-{self.tgt}"


class Cell(NamedTuple):
    """One run of the comparison."""

    direction: Direction
    seed: int
    row: Row

    def __str__(self) -> str:
        return f"{self.direction}, seed {self.seed}, {self.row.name}"


@dataclass(frozen=True)
class Plan:
    """Rows x directions x seeds, in the order in which they are run, and what for."""

    rows: tuple[Row, ...]
    directions: tuple[Direction, ...]
    seeds: tuple[int, ...]
    kind: Kind = COMPARISON

    def cells(self, shard: tuple[int, int] = (1, 1)) -> list[Cell]:
        """The runs of part `(i, n)`, i from 1: every n-th (direction, seed), whole, as its runs share stages."""
        groups = [(direction, seed) for direction in self.directions for seed in self.seeds]
        mine = groups[shard[0] - 1 :: shard[1]]
        return [Cell(direction, seed, row) for direction, seed in mine for row in self.rows]

    def validate(self, common: Common, others: Iterable[Row] = ()) -> None:
        """Compose the settings of every row.

        Args:
            others: rows of the same comparison that are there already; a common override may be meant for them.

        Raises:
            UserError: an unknown name, or a value that does not fit.
        """
        every = [*self.rows, *others]
        for text in common.assignments():
            # What a row of a plug-in that is not installed here has is not known; it may be meant for that one.
            if not any(row.unusable() or row.has(text) for row in every):
                section = text.partition("=")[0].strip().partition(".")[0]
                if section in _sections():
                    raise UserError(f"{text}: no row has the section {section!r}")
                # Nor has any other: let a row refuse it, with the nearest right name.
                row = _nearest_recipe(every, text) if section == "recipe" else self.rows[0]
                compose_run(row.method, row.addons, preset=common.preset, overrides=[text])
        for cell in self.cells():
            compose_cell(cell, common)


def make_plan(
    rows: Sequence[Row], src: str, tgt: str, seeds: Sequence[int], *, both: bool = False, kind: Kind = COMPARISON
) -> Plan:
    """A plan of one direction, or of both. Raises `UserError` for one domain, no seed, or one that does not fit."""
    if src == tgt:
        raise UserError(f"--src and --tgt are both {src!r}; a comparison needs two domains")
    if not seeds:
        raise UserError("--seeds is empty; give some, such as 0,1,2")
    for number, seed in enumerate(seeds):
        if not 0 <= seed <= LARGEST_SEED:
            raise UserError(f"--seeds: {seed} is not a number from 0 to {LARGEST_SEED}")
        if seed in seeds[:number]:
            raise UserError(f"--seeds has {seed} twice; each seed once")
    directions = (Direction(src, tgt), Direction(tgt, src))
    return Plan(tuple(rows), directions if both else directions[:1], tuple(seeds), kind)


def check_shard(shard: tuple[int, int]) -> None:
    """Raise `UserError` unless the shard is part i of n, i from 1."""
    if not 1 <= shard[0] <= shard[1]:
        raise UserError(f"--shard {shard[0]}/{shard[1]} is no part of a whole; 1/2 and 2/2 are the parts of two")


def compose_cell(cell: Cell, common: Common) -> tuple[MethodSpec, RunSettings]:
    """The method and settings of a run. Raises `UserError` when they do not fit."""
    return compose_run(
        cell.row.method,
        cell.row.addons,
        src=cell.direction.src,
        tgt=cell.direction.tgt,
        seed=cell.seed,
        preset=common.preset,
        weights=common.weights,
        overrides=overrides_of(cell.row, common),
    )


def overrides_of(row: Row, common: Common) -> list[str]:
    """What is overridden in a row: of the common settings those that it has, then its own."""
    return [*(text for text in common.assignments() if row.has(text)), *row.overrides]


def _nearest_recipe(rows: Sequence[Row], assignment: str) -> Row:
    """The row that has the recipe most like that of `recipe=value`; the first where none has any."""
    value = assignment.partition("=")[2].strip().strip('"')

    def likeness(row: Row) -> float:
        recipes = find_method(row.method).recipes
        return max((difflib.SequenceMatcher(None, value, recipe).ratio() for recipe in recipes), default=-1.0)

    return max(rows, key=likeness)


def _sections() -> set[str]:
    """Those that a built-in method or add-on has."""
    every = [*(spec.sections for spec in METHODS.values()), *(spec.sections for spec in ADDONS.values())]
    return {section for sections in every for section in sections}
