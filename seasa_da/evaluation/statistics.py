"""Methods side by side: means and spread over seeds, intervals over cases, tests against one of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from seasa_da.evaluation.comparison import Comparison, MethodRow, MethodRuns, MetricRow, Spread
from seasa_da.evaluation.comparison_warnings import comparison_warnings
from seasa_da.evaluation.scores import FURTHER, StructureScore, summarise
from seasa_da.evaluation.significance import bootstrap_interval, holm, paired_p, smallest_p

__all__ = [
    "Comparison",
    "MethodRow",
    "MethodRuns",
    "MetricRow",
    "Spread",
    "bootstrap_interval",
    "case_means",
    "compare_methods",
    "holm",
    "paired_case_means",
    "paired_p",
    "smallest_p",
]

Metric = Literal["dice", "asd"]
Cell = tuple[str, int, str]
METRICS: tuple[Metric, ...] = ("dice", "asd")


def case_means(runs: MethodRuns, metric: Metric) -> dict[str, float]:
    """Per case the mean over structures, then over seeds; what is not defined is left out, and so is a case without."""
    return _means_of(_cells(runs, metric))


def paired_case_means(a: MethodRuns, b: MethodRuns, metric: Metric) -> tuple[dict[str, float], dict[str, float]]:
    """`case_means` of both over what both have: the same cases, structures and seeds.

    Without this a method that misses a structure would be compared by the distances of the others alone.
    """
    one, other = _cells(a, metric), _cells(b, metric)
    common = one.keys() & other.keys()
    return (
        _means_of({cell: one[cell] for cell in one if cell in common}),
        _means_of({cell: other[cell] for cell in other if cell in common}),
    )


def _cells(runs: MethodRuns, metric: Metric) -> dict[Cell, float]:
    """What is defined, by (case, seed, structure)."""
    return {
        (score.case, seed, score.structure): value
        for seed, scores in runs.runs.items()
        for score in scores
        if (value := getattr(score, metric)) is not None
    }


def _means_of(cells: Mapping[Cell, float]) -> dict[str, float]:
    cases: dict[str, dict[int, list[float]]] = {}
    for (case, seed, _), value in cells.items():
        cases.setdefault(case, {}).setdefault(seed, []).append(value)
    return {
        case: float(np.mean([float(np.mean(values)) for values in seeds.values()]))
        for case, seeds in sorted(cases.items())
    }


def compare_methods(rows: Sequence[MethodRuns], class_names: Sequence[str], *, against: str = "ours") -> Comparison:
    """Summarise every method over its seeds and test it, case by case, against one of them.

    Args:
        rows: with different names; one without finished runs stays, with `None` everywhere.
        class_names: the structures; scores of others are not looked at.
        against: name of the row that all others are tested against.

    Raises:
        ValueError: two rows have one name, or a Dice is not a finite number.
    """
    names = [row.name for row in rows]
    if len(set(names)) < len(names):
        raise ValueError(f"two rows have one name: {', '.join(names)}")
    rows = [_cleaned(row, class_names) for row in rows]
    other = next((row for row in rows if row.name == against), None)
    others = [row for row in rows if other is not None and row is not other]
    pairs: dict[Metric, dict[str, tuple[dict[str, float], dict[str, float]]]] = {
        metric: {row.name: paired_case_means(row, other, metric) for row in others if other is not None}
        for metric in METRICS
    }
    ps = {metric: _tested(pairs[metric]) for metric in METRICS}
    done = []
    for row in rows:
        seeds = sorted(row.runs)
        summaries = [summarise(row.runs[seed], class_names) for seed in seeds]
        total = {name: sum(s.structure == name for seed in seeds for s in row.runs[seed]) for name in class_names}
        missing, missing_hd95 = (
            {name: _sum(summary[kind][name] for summary in summaries) for name in class_names}
            for kind in ("asd_undefined", "hd95_undefined")
        )
        done.append(
            MethodRow(
                name=row.name,
                oracle=row.oracle,
                seeds=seeds,
                cases=len(case_means(row, "dice")),
                dice=_metric_row("dice", row, class_names, summaries, ps["dice"]),
                asd=_metric_row("asd", row, class_names, summaries, ps["asd"]),
                asd_undefined={**missing, "mean": _sum(missing.values())},
                asd_total={**total, "mean": sum(total.values())},
                further={
                    metric: {key: Spread.of_all([s[metric][key] for s in summaries]) for key in (*class_names, "mean")}
                    for metric in FURTHER
                },
                hd95_undefined={**missing_hd95, "mean": _sum(missing_hd95.values())},
            )
        )
    scored = {row.name: {seed: {score.case for score in row.runs[seed]} for seed in row.runs} for row in rows}
    counts = {metric: {name: len(own) for name, (own, _) in pairs[metric].items()} for metric in METRICS}
    warnings = comparison_warnings(scored, counts)
    return Comparison(against if against in names else None, done, warnings)


def _cleaned(row: MethodRuns, class_names: Sequence[str]) -> MethodRuns:
    """The scores of `class_names`; a distance that is no number, as other programs write it, is not defined.

    The same in another metric is not known.
    """
    runs = {}
    for seed, scores in row.runs.items():
        kept = [score for score in scores if score.structure in class_names]
        for score in kept:
            if not math.isfinite(score.dice):
                raise ValueError(f"{row.name}, seed {seed}: Dice of {score.structure} in {score.case} is {score.dice}")
        runs[seed] = [_finite(score) for score in kept]
    return replace(row, runs=runs)


def _finite(score: StructureScore) -> StructureScore:
    odd: dict[str, Any] = {name: None for name in ("asd", *FURTHER) if not math.isfinite(getattr(score, name) or 0)}
    return replace(score, **odd) if odd else score


def _tested(
    pairs: Mapping[str, tuple[Mapping[str, float], Mapping[str, float]]],
) -> tuple[dict[str, float], dict[str, float]]:
    """(raw, adjusted) p of every row that shares a case with the one compared with."""
    tested = {name: paired_p(*pair) for name, pair in pairs.items()}
    ps = {name: p for name, p in tested.items() if p is not None}
    return ps, holm(ps)


def _metric_row(
    metric: Metric,
    row: MethodRuns,
    class_names: Sequence[str],
    summaries: Sequence[Mapping[str, Any]],
    ps: tuple[Mapping[str, float], Mapping[str, float]],
) -> MetricRow:
    structures = {name: Spread.of_known(summary[metric][name] for summary in summaries) for name in class_names}
    seed_means = [summary[metric]["mean"] for summary in summaries]
    # A seed without a mean missed a structure everywhere: the other seeds alone would look better than the row is.
    whole = None not in seed_means
    return MetricRow(
        structures={**structures, "mean": Spread.of_known(seed_means if whole else [])},
        seed_means=seed_means,
        interval=bootstrap_interval(_by_case(metric, row, class_names)) if whole else None,
        p=ps[0].get(row.name),
        p_holm=ps[1].get(row.name),
    )


def _by_case(metric: Metric, row: MethodRuns, class_names: Sequence[str]) -> npt.NDArray[np.float64]:
    """`(cases, structures, seeds)`, NaN where a score is not defined."""
    cases = sorted({score.case for scores in row.runs.values() for score in scores})
    values = np.full((len(cases), len(class_names), len(row.runs)), np.nan)
    for place, scores in enumerate(row.runs.values()):
        for score in scores:
            if (value := getattr(score, metric)) is not None:
                values[cases.index(score.case), list(class_names).index(score.structure), place] = value
    return values


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
