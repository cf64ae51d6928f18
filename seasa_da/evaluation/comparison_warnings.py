"""What the numbers of a comparison cannot bear, in plain sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from seasa_da.evaluation.significance import smallest_p

LEVEL = 0.05


def comparison_warnings(
    scored: Mapping[str, Mapping[int, set[str]]],
    means: Mapping[str, Mapping[str, Mapping[str, float]]],
    against: str,
) -> list[str]:
    """Too few cases to test anything, rows of different cases or seeds, tests on fewer cases than there are.

    Args:
        scored: the cases of every run, by row and seed; rows without any are passed over.
        means: a score a case by metric, row and case.
        against: the row that the others are tested against.
    """
    scored = {name: {seed: cases for seed, cases in runs.items() if cases} for name, runs in scored.items()}
    scored = {name: runs for name, runs in scored.items() if runs}
    everything = set().union(*(cases for runs in scored.values() for cases in runs.values()))
    others = [name for name in scored if name != against] if against in scored else []
    shared = {
        metric: {name: len(rows[name].keys() & rows[against].keys()) for name in others}
        for metric, rows in means.items()
    }
    found = [
        *_too_few(max(shared["dice"].values(), default=0), sum(count > 0 for count in shared["dice"].values())),
        *_other_cases(scored, everything),
        *_other_seeds(scored),
    ]
    for metric, label in (("dice", "Dice"), ("asd", "ASD")):
        fewer = [f"{name} on {count}" for name, count in shared[metric].items() if count < len(everything)]
        if fewer:
            found.append(f"p values in {label} that rest on fewer than {_cases(len(everything))}: {', '.join(fewer)}.")
    return found


def _too_few(cases: int, rows: int) -> list[str]:
    smallest = min(1.0, smallest_p(cases) * rows)
    if smallest <= LEVEL:  # also when nothing is tested
        return []
    return [
        f"{_cases(cases)} {'is' if cases == 1 else 'are'} too few for the test to say anything: its smallest possible "
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
