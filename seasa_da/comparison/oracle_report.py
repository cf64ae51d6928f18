"""One direction's oracle gap: what the runs' choices of a checkpoint cost, read from their folders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seasa_da.comparison.places import Place
from seasa_da.comparison.plan import Cell, Direction, Plan
from seasa_da.errors import UserError
from seasa_da.evaluation.oracle_gap import Agreement, GapRow, ScoredCandidates, agreement, gap_row
from seasa_da.files import read_json
from seasa_da.registry import find_method
from seasa_da.reporting.oracle_text import oracle_csv, oracle_markdown, oracle_screen
from seasa_da.training.run_folder import RunFolder

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class OracleGap:
    """One direction's table.

    Attributes:
        validators: their names, in the order of the runs' files.
        by: what chose the results; several where runs differ.
        rows: the methods with a run whose checkpoints were all scored.
        agreement: of "last" and each validator with the truth, over the runs of methods that see no target label.
    """

    direction: Direction
    validators: tuple[str, ...]
    by: tuple[str, ...]
    rows: list[GapRow]
    agreement: dict[str, Agreement]

    def files(self) -> dict[str, str]:
        """Text by the end of the file's name, after the direction's."""
        shown = (self.rows, self.agreement, self.validators, self.by, self.direction)
        content = {
            "src": self.direction.src,
            "tgt": self.direction.tgt,
            "by": " or ".join(self.by),
            "validators": list(self.validators),
            "rows": [{**asdict(row), "gap": row.gap} for row in self.rows],
            "agreement": {name: asdict(one) for name, one in self.agreement.items()},
        }
        return {
            "-oracle.md": oracle_markdown(*shown),
            "-oracle.csv": oracle_csv(self.rows, self.validators, self.direction),
            "-oracle.json": json.dumps(content, indent=2, allow_nan=False) + "\n",
        }

    def screen(self) -> list[Table]:
        """For the terminal."""
        return oracle_screen(self.rows, self.agreement, self.validators, self.by, self.direction)


def oracle_gap(folder: Path, plan: Plan, direction: Direction) -> OracleGap | None:
    """The table of all runs that have an `oracle.json`; `None` where none has. Raises `UserError` for damage."""
    rows, fair, validators, by = [], [], dict[str, None](), dict[str, None]()
    for row in plan.rows:
        places = {seed: Place(folder, Cell(direction, seed, row)) for seed in plan.seeds}
        runs = {seed: scored_candidates(place.run) for seed, place in places.items() if place.run.oracle.is_file()}
        if not runs or row.unusable():
            continue
        for run in runs.values():
            validators |= dict.fromkeys(name for scores in run.validators for name in scores)
            by[run.by] = None
        oracle = find_method(row.method).oracle
        fair += [] if oracle else list(runs.values())
        rows.append((row.name, oracle, runs))
    if not rows:
        return None
    names = tuple(validators)
    return OracleGap(
        direction=direction,
        validators=names,
        by=tuple(by),
        rows=[gap_row(name, oracle, runs, names) for name, oracle, runs in rows],
        agreement={name: agreement(fair, name) for name in ("last", *names)},
    )


def scored_candidates(run: RunFolder) -> ScoredCandidates:
    """A run's checkpoints with their label-free scores and the truth. Raises `UserError` naming a damaged file."""
    validation, truth = read_json(run.validation), read_json(run.oracle)
    try:
        dice: Mapping[str, float] = {one["name"]: float(one["dice"]["mean"]) for one in truth["candidates"]}
        listed: list[dict[str, Any]] = validation["candidates"]
        names = [one["name"] for one in listed]
        return ScoredCandidates(validation["by"], [one["scores"] for one in listed], [dice[name] for name in names])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{run.oracle} does not fit {run.validation} ({error}); remove it and repeat") from None
