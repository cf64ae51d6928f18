"""What the choice of a checkpoint without target labels costs: the oracle gap.

The target's test labels say which checkpoint of a run would have been best. That choice is nobody's to make, and is
shown only beside what the label-free validators choose, marked as the oracle's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from seasa_da.evaluation.choice import LAST, best


@dataclass(frozen=True)
class ScoredCandidates:
    """The checkpoints of one run, in their order.

    Attributes:
        by: what chose the run's result.
        validators: scores of each checkpoint by validator, higher is better; `None` where one says nothing.
        dice: mean Dice of each on the target's test volumes, percent.
    """

    by: str
    validators: Sequence[Mapping[str, float | None]]
    dice: Sequence[float]

    def chosen(self, by: str) -> float | None:
        """Dice of the checkpoint that a validator chooses, or "last"; `None` where it says nothing."""
        place, chose = best(self.validators, by)
        return self.dice[place] if chose == by else None

    def correlation(self, by: str) -> float | None:
        """Spearman's rank correlation of a validator with the truth; `None` for fewer than 3 or all equal ones.

        What "last" goes by is the checkpoint's place.
        """
        values = list(range(len(self.dice))) if by == LAST else [one.get(by) for one in self.validators]
        if None in values or len(values) < 3 or len(set(values)) == 1 or len(set(self.dice)) == 1:
            return None
        return float(spearmanr(values, self.dice).statistic)


@dataclass(frozen=True)
class GapRow:
    """One method, means over its seeds: Dice in percent.

    Attributes:
        seeds: of the runs that were scored.
        by: what every validator's choice scores, and "last".
        selected: what the runs' own choice scores.
        best: what the oracle's choice scores.
    """

    name: str
    oracle: bool
    seeds: list[int]
    by: dict[str, float | None]
    selected: float
    best: float

    @property
    def gap(self) -> float:
        """What the runs' own choice loses, percentage points of Dice."""
        return self.best - self.selected


@dataclass(frozen=True)
class Agreement:
    """How well a validator agrees with the truth, over the runs of all methods.

    Attributes:
        runs: those of which it says something.
        dice: mean of its choices, percent.
        regret: mean of what they lose to the oracle's, percentage points; `worst` is the largest.
        correlation: mean of Spearman's rank correlations over a run's checkpoints.
    """

    runs: int
    dice: float | None
    regret: float | None
    worst: float | None
    correlation: float | None


def gap_row(name: str, oracle: bool, runs: Mapping[int, ScoredCandidates], validators: Sequence[str]) -> GapRow:
    """A method's row. Raises `ValueError` without runs."""
    if not runs:
        raise ValueError(f"{name} has no run")
    every = [runs[seed] for seed in sorted(runs)]
    return GapRow(
        name=name,
        oracle=oracle,
        seeds=sorted(runs),
        by={by: _mean_of_all([run.chosen(by) for run in every]) for by in (LAST, *validators)},
        selected=float(np.mean([run.dice[best(run.validators, run.by)[0]] for run in every])),
        best=float(np.mean([max(run.dice) for run in every])),
    )


def agreement(runs: Sequence[ScoredCandidates], by: str) -> Agreement:
    """How well `by` agrees with the truth over these runs."""
    chosen = [(run, value) for run in runs if (value := run.chosen(by)) is not None]
    lost = [max(run.dice) - value for run, value in chosen]
    ranks = [value for run in runs if (value := run.correlation(by)) is not None]
    return Agreement(
        runs=len(chosen),
        dice=_mean([value for _, value in chosen]),
        regret=_mean(lost),
        worst=max(lost, default=None),
        correlation=_mean(ranks),
    )


def _mean_of_all(values: Sequence[float | None]) -> float | None:
    """`None` where one is not known: the others alone would be another mean."""
    known = [value for value in values if value is not None]
    return _mean(known) if len(known) == len(values) else None


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
