"""What the numbers of a comparison cannot bear, in plain sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal

from seasa_da.evaluation.significance import smallest_p

LEVEL = 0.05
LABELS: Mapping[Literal["dice", "asd"], str] = {"dice": "Dice", "asd": "ASD"}


def comparison_warnings(
    scored: Mapping[str, Mapping[int, set[str]]],
    shared: Mapping[Literal["dice", "asd"], Mapping[str, int]],
) -> list[str]:
    """Too few cases to test anything, rows of different cases or seeds, tests on fewer cases than there are.

    Args:
        scored: the cases of every run, by row and seed; rows without any are passed over.
        shared: on how many cases each row is tested, by metric and row.
    """
    scored = {name: {seed: cases for seed, cases in runs.items() if cases} for name, runs in scored.items()}
    scored = {name: runs for name, runs in scored.items() if runs}
    everything = set().union(*(cases for runs in scored.values() for cases in runs.values()))
    tested = {metric: {name: n for name, n in rows.items() if name in scored} for metric, rows in shared.items()}
    found = [
        *_too_few({metric: _extent(rows) for metric, rows in tested.items()}),
        *_other_cases(scored, everything),
        *_other_seeds(scored),
    ]
    for metric, label in LABELS.items():
        fewer = [f"{name} on {count}" for name, count in tested[metric].items() if count < len(everything)]
        if fewer:
            found.append(f"p values in {label} that rest on fewer than {_cases(len(everything))}: {', '.join(fewer)}.")
    return found


def _extent(rows: Mapping[str, int]) -> tuple[int, int]:
    """On how many cases the rows are tested at most, and how many of them are."""
    return max(rows.values(), default=0), sum(count > 0 for count in rows.values())


def _too_few(extents: Mapping[Literal["dice", "asd"], tuple[int, int]]) -> list[str]:
    """One sentence, or one a metric where they differ."""
    if len(set(extents.values())) == 1:
        return _too_few_for("the test", *extents["dice"])
    return [
        said for metric, extent in extents.items() for said in _too_few_for(f"the test of {LABELS[metric]}", *extent)
    ]


def _too_few_for(test: str, cases: int, rows: int) -> list[str]:
    smallest = min(1.0, smallest_p(cases) * rows)
    if smallest <= LEVEL:  # also when nothing is tested
        return []
    return [
        f"{_cases(cases)} {'is' if cases == 1 else 'are'} too few for {test} to say anything: its smallest possible "
        f"p, corrected for {rows} {'row' if rows == 1 else 'rows'}, is {smallest:.3f}."
    ]


def _other_cases(scored: Mapping[str, Mapping[int, set[str]]], everything: set[str]) -> list[str]:
    complete = {name: set.intersection(*runs.values()) for name, runs in scored.items()}
    fewer = [f"{name} has {len(cases)}" for name, cases in complete.items() if cases != everything]
    if not fewer:
        return []
    return [
        f"The means are not over the same cases: of {_cases(len(everything))}, {', '.join(fewer)} in all of its runs."
    ]


def _other_seeds(scored: Mapping[str, Mapping[int, set[str]]]) -> list[str]:
    seeds = {name: tuple(sorted(runs)) for name, runs in scored.items()}
    if len(set(seeds.values())) < 2:
        return []
    usual, _ = Counter(seeds.values()).most_common(1)[0]
    others = "; ".join(f"{name} has {_listed(own)}" for name, own in seeds.items() if own != usual)
    return [f"The rows do not have the same seeds: {_listed(usual)}, but {others}."]


def _listed(seeds: tuple[int, ...]) -> str:
    return ", ".join(map(str, seeds))


def _cases(number: int) -> str:
    return f"{number} case" if number == 1 else f"{number} cases"
