"""Where a comparison reports to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from seasa_da.comparison.plan import Cell


@dataclass(frozen=True)
class Overall:
    """How far a comparison is.

    Attributes:
        done, total: runs; `done` counts the share of the present one.
        present: the run being made, with its stage.
        seconds_left: an estimate, `None` as long as there is none.
    """

    done: float
    total: int
    present: str
    seconds_left: float | None


@dataclass(frozen=True)
class RunOutcome:
    """What became of one run.

    Attributes:
        kept: it was finished before.
        failure: why there is no result, or `None`.
        metrics: content of its `metrics.json`, where there is a result.
        seconds: it took this command.
    """

    cell: Cell
    kept: bool = False
    failure: str | None = None
    metrics: dict[str, Any] | None = None
    seconds: float = 0.0

    def line(self) -> str:
        """One line for the user, such as "ct to mri, seed 0, crst: Dice 61.2, ASD 5.0, 203 s"."""
        if self.metrics is None:
            return f"{self.cell}: failed: {self.failure}"
        dice, asd = self.metrics["dice"]["mean"], self.metrics["asd"]["mean"]
        scores = "no labels to score against" if dice is None else f"Dice {dice:.1f}"
        if asd is not None:
            scores += f", ASD {asd:.1f}"
        return f"{self.cell}: {scores}, {'kept' if self.kept else f'{self.seconds:.0f} s'}"


class Counting(Protocol):
    """As `seasa_da.data.parallel.Counting`, whose import is slow."""

    def __call__(self, what: str, total: int, /) -> AbstractContextManager[Callable[[], None]]: ...


@dataclass(frozen=True)
class ComparisonObserver:
    """Lines for the user, finished runs, the progress of all, and of making data. By default nowhere."""

    say: Callable[[str], None] = lambda line: None
    finished: Callable[[RunOutcome], None] = lambda outcome: None
    progress: Callable[[Overall], None] = lambda overall: None
    counting: Counting = lambda what, total, /: nullcontext(lambda: None)
