"""What a comparison of methods is made of: the runs that go in, the rows that come out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from seasa_da.evaluation.scores import StructureScore


@dataclass(frozen=True)
class MethodRuns:
    """The finished runs of one method.

    Attributes:
        name: as the tables show it.
        oracle: it trained on target labels.
        runs: scores by seed; none when no run is finished, empty ones when the target has no labels.
    """

    name: str
    oracle: bool
    runs: Mapping[int, Sequence[StructureScore]]


@dataclass(frozen=True)
class Spread:
    """A mean over seeds and its sample standard deviation (n - 1), which takes two seeds; `None` where unknown."""

    mean: float | None
    std: float | None

    @classmethod
    def of_known(cls, values: Iterable[float | None]) -> Spread:
        """Of the seeds that have a value."""
        known = [value for value in values if value is not None]
        mean = float(np.mean(known)) if known else None
        return cls(mean, float(np.std(known, ddof=1)) if len(known) > 1 else None)

    @classmethod
    def of_all(cls, values: Sequence[float | None]) -> Spread:
        """Unknown where one seed's value is: the others alone would be another mean."""
        return cls.of_known(values if None not in values else [])


@dataclass(frozen=True)
class MetricRow:
    """One metric of one method: Dice in percent, ASD in the units of the evaluation.

    Attributes:
        structures: by name, and of their mean under "mean"; a seed's values are those of `summarise`.
        seed_means: the "mean" of each seed, in the order of the row's seeds.
        interval: 95 % bootstrap interval, over cases, of the mean over seeds of "mean".
        p: of Wilcoxon's signed-rank test against the row compared with, over common cases; two-sided.
        p_holm: the same, adjusted for all rows that are tested.
    """

    structures: dict[str, Spread]
    seed_means: list[float | None]
    interval: tuple[float, float] | None
    p: float | None = None
    p_holm: float | None = None


@dataclass(frozen=True)
class MethodRow:
    """One method of a comparison.

    Attributes:
        seeds: of its finished runs.
        cases: number of cases that were scored, in whichever run.
        asd_undefined: distances not defined, by structure and in all under "mean", over cases and seeds; `None` if
            nothing was scored.
        asd_total: distances there would be if all were defined.
        further: metrics beside the two, by name and structure, "mean" included; not tested. Unknown where a seed's
            scores are of a version that did not look at them.
        hd95_undefined: as `asd_undefined`.
    """

    name: str
    oracle: bool
    seeds: list[int]
    cases: int
    dice: MetricRow
    asd: MetricRow
    asd_undefined: dict[str, int | None]
    asd_total: dict[str, int]
    further: dict[str, dict[str, Spread]] = field(default_factory=dict)
    hd95_undefined: dict[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """Rows in the order given; `against` is the row the others are tested against, or `None` if it is not there.

    `dataclasses.asdict` makes it JSON. `warnings` are plain sentences on what the numbers cannot bear.
    """

    against: str | None
    rows: list[MethodRow]
    warnings: list[str]
